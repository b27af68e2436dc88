//! An answer that truegate gives itself.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::Rejection;

/// A whole answer, for an edge to send.
///
/// # Security
///
/// It may hold a phone number, a request id or a cookie, so `Debug` shows its status alone.
#[derive(Clone)]
#[must_use = "a request without its reply is never answered"]
pub(crate) struct Reply {
    /// Status, headers and body.
    pub(crate) response: Response<Bytes>,
    /// Whether the connection stays open.
    pub(crate) connection: Connection,
}

/// Whether an HTTP/1 connection stays open after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The request was read to its end, so another may follow.
    Keep,
    /// A part of the request may be unread, and must not be taken for the next one.
    Close,
}

/// How far an edge reads on so that the client, which may send everything before it reads, gets to its answer.
pub(crate) struct Leftover;

impl Leftover {
    /// The bytes that are read at most.
    pub(crate) const LIMIT: usize = 32 << 20;
    /// How long they are waited for at most; nginx's `lingering_time`.
    pub(crate) const TIME: Duration = Duration::from_secs(30);
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, connection) = (self.response.status(), self.connection);
        f.debug_struct("Reply").field("status", &status).field("connection", &connection).finish_non_exhaustive()
    }
}

impl Reply {
    /// Answers a rejected request with problem details (RFC 9457).
    pub(crate) fn reject(rejection: Rejection, connection: Connection) -> Self {
        let mut reply = Self::problem(rejection.status(), rejection.code(), rejection.title(), connection);
        let headers = reply.response.headers_mut();
        if let Rejection::MethodNotAllowed { allow } = rejection {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if rejection.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER.into());
        }
        if let Rejection::TooManyRequests { retry_after } = rejection {
            headers.insert(header::RETRY_AFTER, retry_after.into());
        }
        reply
    }

    /// Answers with problem details (RFC 9457): an edge may have reasons of its own to refuse a request.
    pub(crate) fn problem(status: StatusCode, code: &'static str, title: &'static str, connection: Connection) -> Self {
        let r#type = format!("urn:truegate:problem:{code}");
        let details = ProblemDetails { r#type, title, status: status.as_u16(), code };
        let body = serde_json::to_vec(&details).expect("texts and numbers are always JSON");
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, connection }
    }

    /// Answers that there is nothing to say.
    pub(crate) fn empty() -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, connection: Connection::Keep }
    }
}

/// After how many seconds a client may try again.
pub(crate) const RETRY_AFTER: u64 = 2;

#[derive(Serialize)]
struct ProblemDetails {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
}
