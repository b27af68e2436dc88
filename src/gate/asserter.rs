//! The gate's side of signed assertions, which it has whether or not it was built to make any.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Method, request::Parts};

use super::{Connection, Gate, Rejection, Reply};
use crate::identity::Identity;

/// Where a gate with assertions publishes the keys that verify them.
///
/// One exact path, whatever the query. What could only be read as it is the app's: the keys are public.
pub const KEY_SET_PATH: &str = "/.truegate/jwks.json";

/// Signs identities, and publishes how to check that.
pub(super) trait Asserter: Send + Sync {
    /// An assertion of an identity, as a sensitive header value.
    ///
    /// It is a fresh one, unless the identity is a session's, whose last one has half of its lifetime left.
    fn assert(&self, identity: &Identity, session: Option<&str>, now: SystemTime) -> HeaderValue;

    /// The public keys as a JSON Web Key Set.
    fn key_set(&self) -> Bytes;
}

impl Gate {
    /// The assertion to send with an identity, be it a session's or not, if the gate makes any.
    pub(super) fn assert(&self, identity: &Identity, session: Option<&str>) -> Option<HeaderValue> {
        self.0.asserter.as_ref().map(|asserter| asserter.assert(identity, session, self.0.clock.wall()))
    }

    /// The answer to a request for the keys, if there are any.
    pub(super) fn key_set(&self, head: &Parts) -> Option<Reply> {
        let asserter = self.0.asserter.as_ref()?;
        if head.method != Method::GET && head.method != Method::HEAD {
            return Some(self.reject(Rejection::MethodNotAllowed { allow: "GET, HEAD" }));
        }
        Some(Reply::key_set(asserter.key_set(), Connection::after(head)))
    }
}
