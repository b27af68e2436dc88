//! Paths: how servers are known to read them, the one canonical spelling, and the paths that are reserved for truegate.

mod callback;
#[cfg(feature = "session")]
mod canonical;
pub(crate) mod decode;
mod guessable;
mod readings;
#[cfg(feature = "session")]
mod session;

pub use self::callback::{CallbackPath, CallbackPathError, GuessableCallbackPath};
pub(crate) use self::{
    callback::PathMatch,
    readings::{any_reading, is_plain},
};
#[cfg(feature = "session")]
pub use self::{
    canonical::{AmbiguousPath, CanonicalPath},
    session::SessionPath,
};
