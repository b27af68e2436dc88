//! Reading the body of a request: of a callback within its limit and its deadline, of a refused request as far as its
//! client gets to the answer.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;
use http::{HeaderMap, header};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::gate::{Gate, Intake, Leftover, ReadFailure};

pin_project! {
    /// A body on its way in.
    pub(super) struct Read<B> {
        #[pin]
        body: B,
        expired: BoxFuture<'static, ()>,
        is_waiting: bool,
        limit: usize,
        first: Bytes,
        more: BytesMut,
        trailers: Option<HeaderMap>,
    }
}

impl<B> Read<B> {
    pub(super) fn new(body: B, intake: &Intake) -> Self {
        let (expired, limit) = (intake.expired(), intake.limit());
        Self { body, expired, is_waiting: false, limit, first: Bytes::new(), more: BytesMut::new(), trailers: None }
    }
}

impl<B: Body<Data = Bytes>> Read<B> {
    /// Reads on without keeping anything.
    pub(super) fn poll_drain(self: Pin<&mut Self>, drain: &mut Drain, cx: &mut Context<'_>) -> Poll<()> {
        drain.poll_end(self.project().body, cx)
    }
}

impl<B: Body<Data = Bytes>> Future for Read<B> {
    /// The data of the body and its trailers.
    type Output = Result<(Bytes, Option<HeaderMap>), ReadFailure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // A body that came with its head needs no timer. Later, a body that always has a frame must not keep the timer waiting.
        if *this.is_waiting && this.expired.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ReadFailure::TooSlow));
        }
        loop {
            let frame = match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(ReadFailure::Interrupted)),
                Poll::Ready(None) => break,
                Poll::Pending if mem::replace(this.is_waiting, true) => return Poll::Pending,
                Poll::Pending => return this.expired.as_mut().poll(cx).map(|()| Err(ReadFailure::TooSlow)),
            };
            match frame.into_data() {
                Ok(data) if this.first.len() + this.more.len() + data.len() > *this.limit => {
                    return Poll::Ready(Err(ReadFailure::TooLarge));
                }
                Ok(data) if this.first.is_empty() => *this.first = data,
                Ok(data) => this.more.extend_from_slice(&data),
                Err(frame) => *this.trailers = frame.into_trailers().ok(),
            }
        }
        // The first piece is mostly all, and then it is not copied.
        let data = match mem::take(this.first) {
            first if this.more.is_empty() => first,
            first => [first, this.more.split().freeze()].concat().into(),
        };
        Poll::Ready(Ok((data, this.trailers.take())))
    }
}

/// How far the body of a refused request is read on.
///
/// hyper closes a connection whose request has an unread body, which resets it, and the client may lose the answer.
/// The rest of the body can be read only before the answer.
pub(super) struct Drain {
    gate: Gate,
    left: usize,
    /// When an answer is due anyway, if that is fixed.
    due: Option<BoxFuture<'static, ()>>,
    bounds: Option<DrainBounds>,
}

/// The events that end the wait for a client that has more to send.
struct DrainBounds {
    expired: BoxFuture<'static, ()>,
    silent: BoxFuture<'static, ()>,
}

pin_project! {
    /// A body that is read and thrown away.
    pub(super) struct DrainedBody<B> {
        #[pin]
        body: B,
        drain: Drain,
    }
}

impl Drain {
    pub(super) fn new(gate: Gate) -> Self {
        Self { gate, left: Leftover::LIMIT, due: None, bounds: None }
    }

    /// For a request that is answered when `due` is ready at the latest.
    pub(super) fn until(due: BoxFuture<'static, ()>, gate: Gate) -> Self {
        Self { due: Some(due), ..Self::new(gate) }
    }

    /// Is ready once the body has ended, or the bounds are reached.
    pub(super) fn poll_end<B: Body<Data = Bytes>>(&mut self, mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<()> {
        // A body that always has a frame must not keep the timer waiting.
        if self.bounds.as_mut().is_some_and(|bounds| bounds.expired.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(());
        }
        loop {
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    if length > self.left {
                        return Poll::Ready(());
                    }
                    self.left -= length;
                    if let Some(bounds) = &mut self.bounds {
                        bounds.silent = self.gate.sleep(SILENCE);
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return self.poll_bounds(cx),
            }
        }
    }

    fn poll_bounds(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let bounds = self.bounds.get_or_insert_with(|| DrainBounds {
            expired: self.due.take().unwrap_or_else(|| self.gate.sleep(Leftover::TIME)),
            silent: self.gate.sleep(SILENCE),
        });
        let over = bounds.expired.as_mut().poll(cx).is_ready() || bounds.silent.as_mut().poll(cx).is_ready();
        if over { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<B: Body<Data = Bytes>> DrainedBody<B> {
    /// Returns a body to read on, unless it has ended, or the client asked whether it should be sent.
    pub(super) fn of(body: B, headers: &HeaderMap, gate: &Gate) -> Option<Self> {
        let unsent = body.is_end_stream() || headers.contains_key(header::EXPECT);
        (!unsent).then(|| Self { body, drain: Drain::new(gate.clone()) })
    }

    pub(super) fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.drain.poll_end(this.body, cx)
    }
}

/// A client that is silent for so long waits for the answer before it sends more.
const SILENCE: Duration = Duration::from_secs(1);
