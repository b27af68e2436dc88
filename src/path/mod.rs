//! Paths: how servers are known to read them, the one canonical spelling, and the paths that are reserved for truegate.
//!
//! The gate, the sessions, the rules and the return paths all use this module, so that they read a path in the same ways:
//!
//! - [`any_reading`] makes every reading that servers are known to make of a path;
//! - `CanonicalPath` is the one spelling that rules are written in;
//! - [`CallbackPath`], [`NativePath`] and `SessionPath` are reserved: a request that could be read as one of them reaches no app.
//!
//! This module does not deal with requests, URLs or the access to paths.

mod callback;
#[cfg(feature = "session")]
mod canonical;
mod decode;
mod exact;
mod guessable;
mod native;
mod prefilter;
mod readings;
#[cfg(feature = "session")]
mod session;
mod single_reading;

#[cfg(feature = "session")]
pub use self::session::SessionPath;
pub use self::{
    callback::{CallbackPath, GuessableCallbackPath},
    exact::ReservedPathError,
    native::NativePath,
};
#[cfg(feature = "session")]
pub(crate) use self::{
    canonical::{AmbiguousPath, CanonicalPath},
    decode::{PathBytes, decode_fully},
};
pub(crate) use self::{
    exact::{ExactPath, PathMatch},
    readings::any_reading,
    single_reading::single_reading,
};
