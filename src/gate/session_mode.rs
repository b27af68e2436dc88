//! The gate's side of sessions, which it has whether or not it was built to keep any.

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::request::Parts;

use super::{Gate, Rejection, Reply, Step};
use crate::{
    callback::Callback,
    headers::{CookieOwner, HeaderTarget, KeptCookies},
};

/// Knows browsers, and answers the routes by which they become known.
pub(super) trait SessionMode: Send + Sync {
    /// What becomes of a request that is no callback.
    fn inspect(&self, gate: &Gate, head: &Parts) -> Step;

    /// Takes note of a well-formed callback; ready as soon as it may be answered.
    fn acknowledge(&self, gate: &Gate, callback: Callback, posted: Posted)
    -> BoxFuture<'static, Result<(), Rejection>>;

    /// Makes a page of an answer to a refused request, if a person waits for it.
    fn explain(&self, refused: Reply, code: &str, head: &Parts) -> Reply;

    /// Whether a path is truegate's own.
    fn keeps(&self, path: &str) -> bool;

    /// Keeps nobody waiting from now on.
    fn stop_waiting(&self);

    /// How many revocations the store has not heard of yet.
    fn untold_revocations(&self) -> usize;

    /// Takes away what is between browsers and truegate alone.
    fn strip_request(&self, target: &mut dyn HeaderTarget);

    /// Takes away the app's own cookies that were set for somebody else: all that are listed, but for those to keep.
    fn withhold(&self, kept: &KeptCookies, target: &mut dyn HeaderTarget);

    /// Marks the cookies that the app sets as an owner's; tells whether there were any to mark.
    fn mark(&self, owner: &CookieOwner, target: &mut dyn HeaderTarget) -> bool;

    /// Takes away by what an app could take a request for another one than was decided about. A trusted proxy may still say
    /// where the app is mounted.
    fn strip_overrides(&self, by_proxy: bool, target: &mut dyn HeaderTarget);

    /// Takes away what an app may not tell browsers; tells whether there was anything.
    fn strip_response(&self, target: &mut dyn HeaderTarget) -> bool;
}

/// A callback as it was posted.
#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions take note of it"))]
pub(super) struct Posted {
    pub(super) head: Box<Parts>,
    pub(super) body: Bytes,
}

impl Gate {
    pub(super) fn sessions(&self) -> Option<&dyn SessionMode> {
        self.0.sessions.as_deref()
    }
}
