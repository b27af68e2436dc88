//! The refusals of admin routes.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    closed_list::closed_list,
    gate::{ConnectionReuse, Reply, plugin::RETRY_AFTER},
};

closed_list! {
    /// The reason why an admin route does not do what it is asked to do.
    pub(in crate::gateway) enum AdminRefusal {
        /// The token is missing or is another one.
        NotAuthorized = "not-authorized" => UNAUTHORIZED "The admin token is missing or wrong.",
        /// A page of a browser asks.
        CrossSite = "cross-site" => FORBIDDEN "Without an admin token, pages of browsers may not use this.",
        /// The method is another one.
        MethodNotAllowed = "method-not-allowed" => METHOD_NOT_ALLOWED "The method is not allowed here.",
        /// The body is not said to be JSON.
        UnsupportedMediaType = "unsupported-media-type" => UNSUPPORTED_MEDIA_TYPE "The content type is not application/json.",
        /// The body is larger than the limit.
        BodyTooLarge = "body-too-large" => PAYLOAD_TOO_LARGE "The body is too large.",
        /// The body did not arrive in time.
        BodyTimeout = "body-timeout" => REQUEST_TIMEOUT "The body did not arrive in time.",
        /// The body is not JSON with a phone number.
        MalformedRequest = "malformed-request" => BAD_REQUEST "The body is not JSON with a phone number.",
        /// The phone number is not an E.164 number.
        InvalidPhone = "invalid-phone" => BAD_REQUEST "The phone number is not in international form.",
        /// Nobody logs in at this gateway.
        NoSessions = "no-sessions" => NOT_FOUND "The configuration in force has no sessions.",
        /// The store cannot be asked.
        StoreUnavailable = "store-unavailable" => SERVICE_UNAVAILABLE
            "The sessions have ended on this gateway, but the store does not answer, so others may not know. Try again.",
        /// The configuration came from the standard input.
        NoConfigFile = "no-configuration-file" => CONFLICT
            "The configuration came from the standard input, which cannot be read again.",
        /// The gateway is about to end.
        Stopping = "stopping" => SERVICE_UNAVAILABLE "The gateway is stopping.",
        /// A reload takes long.
        ReloadUnfinished = "reload-unfinished" => GATEWAY_TIMEOUT
            "The configuration is still being read; the log tells how that ends.",
    }
}

impl IntoResponse for AdminRefusal {
    fn into_response(self) -> Response {
        let mut response = problem(self.status(), self.code(), self.title());
        // So that it is counted wherever it was found.
        response.extensions_mut().insert(self);
        response
    }
}

/// Answers with problem details, and with the headers that belong to the status.
pub(super) fn problem(status: StatusCode, code: &'static str, title: &'static str) -> Response {
    let reply = Reply::problem(status, code, title, ConnectionReuse::Keep);
    let mut response = reply.response.map(Body::from);
    let headers = response.headers_mut();
    match status {
        StatusCode::METHOD_NOT_ALLOWED => headers.insert(header::ALLOW, HeaderValue::from_static("POST")),
        StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, RETRY_AFTER.into()),
        _ => None,
    };
    response
}
