//! `GET /v1/default`, with and without faults.

use std::{
    future::pending,
    io,
    iter::{once, repeat, repeat_n},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_core::Stream;
use http::{
    HeaderMap, Method, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
};

use super::{DOCUMENTED_PROFILE, Fault, ProfileRequest, server::ConnectionHandle, shared::SharedState};

pub(super) async fn serve(
    State(shared): State<Arc<SharedState>>,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    // Taken first: a test that waited for the fetch may release it at once.
    let mut release = shared.releases.subscribe();
    let (method, target, version, headers) = (head.method.clone(), head.uri, head.version, head.headers.clone());
    let seen = ProfileRequest { method, target, version, headers, connection: connection.number };
    shared.seen.send_modify(|all| all.push(seen));
    if head.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let profile = bearer(&head.headers).and_then(|token| shared.settings().profiles.get(token).cloned());
    let fault = shared.settings().faults.take();
    match fault {
        Fault::None => profile.map_or_else(unauthorized, json),
        Fault::Unauthorized => unauthorized(),
        Fault::Status(status) => failure(status),
        Fault::RetryAfter(status, value) => ([(RETRY_AFTER, value)], failure(status)).into_response(),
        Fault::Slow(wait) => {
            tokio::time::sleep(wait).await;
            profile.map_or_else(unauthorized, json)
        }
        Fault::Held => {
            release.changed().await.expect("what is shared outlives its requests");
            profile.map_or_else(unauthorized, json)
        }
        Fault::Drip(pace) => profile.map_or_else(unauthorized, |profile| json(drip(profile, pace))),
        Fault::Cut => profile.as_ref().map_or_else(unauthorized, cut),
        Fault::Close => connection.close().await,
        Fault::Hang | Fault::Stall => pending().await,
        Fault::Huge => json(endless()),
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
    ([(CONTENT_LENGTH, promised)], json(torn(sent))).into_response()
}

/// The profile, then as many spaces as are missing to `size`.
fn sized(profile: Bytes, size: u64) -> Response {
    let length = size.max(profile.len() as u64);
    let missing = length - profile.len() as u64;
    let (whole, rest) = (missing / SPACES.len() as u64, missing % SPACES.len() as u64);
    let spaces =
        repeat_n(&SPACES[..], usize::try_from(whole).unwrap_or(usize::MAX)).chain(once(&SPACES[..rest as usize]));
    let body = chunks(once(profile).chain(spaces.map(Bytes::from_static)));
    ([(CONTENT_LENGTH, length)], json(body)).into_response()
}

fn altered(from: &str, to: &str) -> String {
    String::from_utf8_lossy(DOCUMENTED_PROFILE).replace(from, to)
}

/// Sends `bytes`, then fails.
fn torn(bytes: Bytes) -> Body {
    let (mut rest, mut flushed) = (Some(bytes), false);
    stream(move |cx| match rest.take() {
        Some(bytes) => Poll::Ready(Some(Ok(bytes))),
        None if flushed => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        None => {
            // The server flushes what it holds when the body has nothing to send. A failure would throw that away.
            flushed = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
}

/// Sends one byte in each `pace`, of at least a millisecond.
fn drip(mut bytes: Bytes, pace: Duration) -> Body {
    let mut drops = tokio::time::interval(pace.max(Duration::from_millis(1)));
    stream(move |cx| {
        if bytes.is_empty() {
            return Poll::Ready(None);
        }
        drops.poll_tick(cx).map(|_| Some(Ok(bytes.split_to(1))))
    })
}

/// Sends a string that never ends.
fn endless() -> Body {
    chunks(once(Bytes::from_static(br#"{"aboutMe":""#)).chain(repeat(Bytes::from_static(&LETTERS))))
}

fn chunks(mut chunks: impl Iterator<Item = Bytes> + Send + Unpin + 'static) -> Body {
    stream(move |_| Poll::Ready(chunks.next().map(Ok)))
}

fn stream<F>(next: F) -> Body
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> + Send + Unpin + 'static,
{
    Body::from_stream(PollFn(next))
}

struct PollFn<F>(F);

impl<F> Stream for PollFn<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> + Unpin,
{
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        (self.0)(cx)
    }
}

static LETTERS: [u8; 16 * 1024] = [b'a'; 16 * 1024];
static SPACES: [u8; 16 * 1024] = [b' '; 16 * 1024];
const PAGE: &str = "<!doctype html><title>Service</title><h1>We will be back soon</h1>\n";
static GZIPPED: &[u8] = include_bytes!("profile.json.gz");
