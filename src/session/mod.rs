//! Sessions: a login that truegate starts itself, and the browser that is known from then on.

mod id;

pub use self::id::{BrowserId, SessionId};
