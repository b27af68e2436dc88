//! The gate's side of signed assertions, which it has whether or not it was built to make any.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Method, header, request::Parts};

use super::{Connection, Gate, Rejection, Reply};
use crate::identity::Identity;

/// Where a gate with assertions publishes the keys that verify them.
///
/// One exact path, whatever the query. What could only be read as it is the app's: the keys are public.
pub const KEY_SET_PATH: &str = "/.truegate/jwks.json";

/// Signs identities, and publishes how to check that.
pub(super) trait Asserter: Send + Sync {
    /// A fresh assertion of an identity, as a sensitive header value.
    fn assert(&self, identity: &Identity, now: SystemTime) -> HeaderValue;

    /// The public keys as a JSON Web Key Set.
    fn key_set(&self) -> Bytes;
}

impl Gate {
    /// The assertion to send with an identity, if the gate makes any.
    pub(super) fn assert(&self, identity: &Identity) -> Option<HeaderValue> {
        self.0.asserter.as_ref().map(|asserter| asserter.assert(identity, self.0.clock.wall()))
    }

    /// The answer to a request for the keys, if it is one and there are any.
    pub(super) fn key_set(&self, head: &Parts) -> Option<Reply> {
        let asserter = self.0.asserter.as_ref().filter(|_| head.uri.path() == KEY_SET_PATH)?;
        if head.method != Method::GET && head.method != Method::HEAD {
            return Some(self.reject(Rejection::MethodNotAllowed { allow: "GET, HEAD" }));
        }
        Some(Reply::key_set(asserter.key_set(), if brings_body(head) { Connection::Close } else { Connection::Keep }))
    }
}

/// Whether a body follows that nobody is going to read.
fn brings_body(head: &Parts) -> bool {
    let length = head.headers.get(header::CONTENT_LENGTH);
    head.headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}
