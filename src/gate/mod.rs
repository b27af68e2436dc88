//! The engine: decides what becomes of a request, by its head and, for a callback, its body.

mod route;

pub use self::route::{CallbackPath, CallbackPathError};
