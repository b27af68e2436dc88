//! Paths: how servers are known to read them, the one canonical spelling, and the paths that are reserved for truegate.

mod callback;
#[cfg(feature = "session")]
mod canonical;
mod decode;
mod guessable;
mod readings;
#[cfg(feature = "session")]
mod session;

pub use self::callback::{CallbackPath, CallbackPathError, GuessableCallbackPath};
#[cfg(feature = "session")]
pub(crate) use self::decode::decode_fully;
pub(crate) use self::{callback::PathMatch, readings::any_reading};
#[cfg(feature = "session")]
pub use self::{
    canonical::{AmbiguousPath, CanonicalPath},
    session::SessionPath,
};
