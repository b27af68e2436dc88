//! `GET /v1/default`, with and without faults.

use std::{future::pending, sync::Arc};

use axum::{
    body::Body,
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, Method, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
};

use super::{DOCUMENTED_PROFILE, Fault, body, server::Connection, shared::Shared};

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    // Taken first: who waited for the fetch may release it at once.
    let mut hold = shared.hold();
    shared.record.fetch(&head, connection.number());
    if head.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let profile = bearer(&head.headers).and_then(|token| shared.profile(token));
    match shared.faults.take() {
        Fault::None => profile.map_or_else(unauthorized, json),
        Fault::Unauthorized => unauthorized(),
        Fault::Status(status) => failure(status),
        Fault::RetryAfter(status, value) => ([(RETRY_AFTER, value)], failure(status)).into_response(),
        Fault::Slow(wait) => {
            tokio::time::sleep(wait).await;
            profile.map_or_else(unauthorized, json)
        }
        Fault::Held => {
            let released = hold.changed().await.is_ok();
            debug_assert!(released, "the shared outlives its requests");
            profile.map_or_else(unauthorized, json)
        }
        Fault::Drip(pace) => profile.map_or_else(unauthorized, |profile| json(body::drip(profile, pace))),
        Fault::Cut => profile.as_ref().map_or_else(unauthorized, cut),
        Fault::Close => connection.close().await,
        Fault::Hang | Fault::Stall => pending().await,
        Fault::Huge => json(body::endless()),
        Fault::Sized(size) => profile.map_or_else(unauthorized, |profile| sized(profile, size)),
        Fault::Malformed => ([(CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response(),
        Fault::Redirect(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
        Fault::Gzip => ([(CONTENT_ENCODING, "gzip")], json(GZIPPED)).into_response(),
        Fault::Inactive => json(altered(r#""isActive": "True""#, r#""isActive": "False""#)),
        Fault::NoPhone => json(altered(r#"["919999999999"]"#, "[]")),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn unauthorized() -> Response {
    failure(StatusCode::UNAUTHORIZED)
}

/// An error as Truecaller documents it for 401; the other codes follow its pattern.
fn failure(status: StatusCode) -> Response {
    let message = status.canonical_reason().unwrap_or("Unknown");
    let body = format!(r#"{{"status":{}01,"message":"{message}"}}"#, status.as_u16());
    (status, json(body)).into_response()
}

fn cut(profile: &Bytes) -> Response {
    let promised = profile.len();
    let sent = profile.slice(..promised / 2);
    ([(CONTENT_LENGTH, promised)], json(body::torn(sent))).into_response()
}

fn sized(profile: Bytes, size: u64) -> Response {
    let length = body::padded_length(&profile, size);
    ([(CONTENT_LENGTH, length)], json(body::padded(profile, size))).into_response()
}

fn altered(from: &str, to: &str) -> String {
    String::from_utf8_lossy(DOCUMENTED_PROFILE).replace(from, to)
}

const PAGE: &str = "<!doctype html><title>Service</title><h1>We will be back soon</h1>\n";
static GZIPPED: &[u8] = include_bytes!("profile.json.gz");
