//! Bodies that a well-behaved server would not send.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;

/// Sends `bytes`, then fails.
pub(super) fn torn(bytes: Bytes) -> Body {
    let (mut rest, mut flushed) = (Some(bytes), false);
    stream(move |cx| match rest.take() {
        Some(bytes) => Poll::Ready(Some(Ok(bytes))),
        None if flushed => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        None => {
            // The server writes out what it holds when the body has nothing; a failure would throw that away.
            flushed = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
}

/// Sends one byte in each `pace`, of at least a millisecond.
pub(super) fn drip(mut bytes: Bytes, pace: Duration) -> Body {
    let mut drops = tokio::time::interval(pace.max(Duration::from_millis(1)));
    stream(move |cx| {
        if bytes.is_empty() {
            return Poll::Ready(None);
        }
        drops.poll_tick(cx).map(|_| Some(Ok(bytes.split_to(1))))
    })
}

/// Sends a string that never ends.
pub(super) fn endless() -> Body {
    let mut opening = Some(Bytes::from_static(br#"{"aboutMe":""#));
    stream(move |_| Poll::Ready(Some(Ok(opening.take().unwrap_or(Bytes::from_static(&LETTERS))))))
}

/// Sends `bytes`, then as many spaces as are missing to `size`.
pub(super) fn padded(bytes: Bytes, size: u64) -> Body {
    let mut missing = missing_to(size, &bytes);
    let mut opening = Some(bytes);
    stream(move |_| {
        if let Some(bytes) = opening.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        let chunk = usize::try_from(missing).map_or(SPACES.len(), |missing| missing.min(SPACES.len()));
        missing -= chunk as u64;
        Poll::Ready((chunk > 0).then(|| Ok(Bytes::from_static(&SPACES[..chunk]))))
    })
}

/// The length of what [`padded`] sends.
pub(super) fn padded_length(bytes: &Bytes, size: u64) -> u64 {
    bytes.len() as u64 + missing_to(size, bytes)
}

fn missing_to(size: u64, bytes: &Bytes) -> u64 {
    size.saturating_sub(bytes.len() as u64)
}

fn stream<F>(next: F) -> Body
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> + Send + Unpin + 'static,
{
    Body::from_stream(Chunks(next))
}

struct Chunks<F>(F);

impl<F> Stream for Chunks<F>
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
