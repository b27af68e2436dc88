//! An answer that truegate gives itself.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use serde::Serialize;

use super::Rejection;
use crate::profile::PhoneNumber;

/// A whole answer, for an edge to send.
///
/// # Security
///
/// It may hold a phone number, a request id or a cookie, so it has no `Debug`.
#[derive(Clone)]
#[must_use = "a request without its reply is never answered"]
pub(crate) struct Reply {
    /// Status, headers and body.
    pub(crate) response: Response<Bytes>,
    /// Whether the connection stays open.
    pub(crate) connection: ConnectionReuse,
    /// The code of its problem, if it refuses the request.
    #[cfg_attr(not(feature = "gateway"), allow(dead_code, reason = "only a gateway has an access log"))]
    pub(crate) refusal: Option<&'static str>,
    /// The user of the request, if that is known.
    #[cfg_attr(not(feature = "gateway"), allow(dead_code, reason = "only a gateway has an access log"))]
    pub(crate) user: Option<PhoneNumber>,
    /// The place of the rule that refused the user in the list of rules.
    #[cfg_attr(not(feature = "gateway"), allow(dead_code, reason = "only a gateway has an audit log"))]
    pub(crate) rule: Option<usize>,
}

/// Whether an HTTP/1 connection stays open after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionReuse {
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

impl Reply {
    /// Answers with a status alone, which no cache may keep.
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, connection: ConnectionReuse::Keep, refusal: None, user: None, rule: None }
    }

    /// The same answer with a body.
    pub(crate) fn with_body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        *self.response.body_mut() = body.into();
        self.response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// The same answer to a request of this user.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know users"))]
    pub(crate) fn for_user(self, user: &PhoneNumber) -> Self {
        Self { user: Some(user.clone()), ..self }
    }

    /// Answers with a document that is the same for everyone, so that caches may keep it for a while.
    pub(crate) fn document(content_type: &'static str, body: impl Into<Bytes>, head: &Parts) -> Self {
        let mut reply = Self::new(StatusCode::OK).with_body(content_type, body);
        let caching = HeaderValue::from_static("public, max-age=300");
        reply.response.headers_mut().insert(header::CACHE_CONTROL, caching);
        Self { connection: ConnectionReuse::after(head), ..reply }
    }

    /// Answers a rejected request with problem details (RFC 9457).
    pub(crate) fn reject(rejection: Rejection, connection: ConnectionReuse) -> Self {
        let mut reply = Self::problem(rejection.status(), rejection.code(), rejection.title(), connection);
        let headers = reply.response.headers_mut();
        match rejection {
            Rejection::MethodNotAllowed { allow } => headers.insert(header::ALLOW, HeaderValue::from_static(allow)),
            Rejection::TooManyRequests { retry_after } => headers.insert(header::RETRY_AFTER, retry_after.into()),
            _ if rejection.status() == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER.into())
            }
            _ => None,
        };
        reply
    }

    /// Answers with problem details (RFC 9457): an edge may have reasons of its own to refuse a request.
    pub(crate) fn problem(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        connection: ConnectionReuse,
    ) -> Self {
        let r#type = format!("urn:truegate:problem:{code}");
        let details = ProblemDetails { r#type, title, status: status.as_u16(), code };
        let body = serde_json::to_vec(&details).expect("texts and numbers are always JSON");
        let refusal = Some(code);
        Self { connection, refusal, ..Self::new(status).with_body("application/problem+json", body) }
    }
}

impl ConnectionReuse {
    /// After an answer to a request of which only the head was read.
    pub(crate) fn after(head: &Parts) -> Self {
        let length = head.headers.get(header::CONTENT_LENGTH);
        let brings_body =
            head.headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0");
        if brings_body { Self::Close } else { Self::Keep }
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
