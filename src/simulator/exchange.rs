//! A request to one of Truecaller's endpoints and its answer, with and without faults.

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
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_core::Stream;
use http::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    request::Parts,
};
use tokio::sync::watch;

use super::{Fault, ProfileRequest, server::ConnectionHandle, shared::SharedState};

/// A request that has come, and was recorded.
pub(super) struct Exchange {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    connection: ConnectionHandle,
    release: watch::Receiver<()>,
}

impl FromRequest<Arc<SharedState>> for Exchange {
    type Rejection = StatusCode;

    async fn from_request(request: Request, shared: &Arc<SharedState>) -> Result<Self, StatusCode> {
        // Taken first: a test that waited for the request may release it at once.
        let release = shared.releases.subscribe();
        let (head, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        let connection = head.extensions.get::<ConnectionHandle>().expect("each connection adds its handle").clone();
        let seen = ProfileRequest {
            method: head.method.clone(),
            target: head.uri.clone(),
            version: head.version,
            headers: head.headers.clone(),
            body: body.clone(),
            connection: connection.number,
        };
        shared.seen.send_modify(|all| all.push(seen));
        Ok(Self { head, body, connection, release })
    }
}

/// What an endpoint answers without a fault.
pub(super) struct Answer {
    /// The JSON, or an error.
    pub(super) given: Result<Bytes, Response>,
    /// An error of the endpoint with this status.
    pub(super) failure: fn(StatusCode) -> Response,
}

impl Exchange {
    /// Answers with a fault, if there is one that changes the answer of any endpoint.
    pub(super) async fn answer(mut self, fault: Fault, Answer { given, failure }: Answer) -> Response {
        let whole = |given: Result<Bytes, Response>| given.map_or_else(|error| error, json);
        match fault {
            Fault::None | Fault::Inactive | Fault::NoPhone | Fault::Unverified => whole(given),
            Fault::Unauthorized => failure(StatusCode::UNAUTHORIZED),
            Fault::Status(status) => failure(status),
            Fault::RetryAfter(status, value) => ([(RETRY_AFTER, value)], failure(status)).into_response(),
            Fault::Slow(wait) => {
                tokio::time::sleep(wait).await;
                whole(given)
            }
            Fault::Held => {
                self.release.changed().await.expect("what is shared outlives its requests");
                whole(given)
            }
            Fault::Drip(pace) => given.map_or_else(|error| error, |body| json(drip(body, pace))),
            Fault::Cut => given.map_or_else(|error| error, |body| cut(&body)),
            Fault::Close => self.connection.close().await,
            Fault::Hang | Fault::Stall => pending().await,
            Fault::Huge => json(endless()),
            Fault::Sized(size) => given.map_or_else(|error| error, |body| sized(body, size)),
            Fault::Malformed => ([(CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response(),
            Fault::Redirect(url) => (StatusCode::FOUND, [(LOCATION, url)]).into_response(),
            Fault::Gzip => ([(CONTENT_ENCODING, "gzip")], json(GZIPPED)).into_response(),
        }
    }
}

pub(super) fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn cut(body: &Bytes) -> Response {
    let promised = body.len();
    let sent = body.slice(..promised / 2);
    ([(CONTENT_LENGTH, promised)], json(torn(sent))).into_response()
}

/// The body, then as many spaces as are missing to `size`.
fn sized(body: Bytes, size: u64) -> Response {
    let length = size.max(body.len() as u64);
    let missing = length - body.len() as u64;
    let (whole, rest) = (missing / SPACES.len() as u64, missing % SPACES.len() as u64);
    let spaces =
        repeat_n(&SPACES[..], usize::try_from(whole).unwrap_or(usize::MAX)).chain(once(&SPACES[..rest as usize]));
    let body = chunks(once(body).chain(spaces.map(Bytes::from_static)));
    ([(CONTENT_LENGTH, length)], json(body)).into_response()
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
/// Far more than a form needs.
const BODY_LIMIT: usize = 1024 * 1024;
