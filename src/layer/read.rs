//! Reading a callback's body: within its limit and its deadline, or not at all.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;
use http::HeaderMap;
use http_body::Body;
use pin_project_lite::pin_project;

use super::leftover::Leftover;
use crate::gate::{Failure, Intake};

pin_project! {
    /// A body on its way in.
    pub(super) struct Read<B> {
        #[pin]
        body: B,
        expired: BoxFuture<'static, ()>,
        limit: usize,
        data: BytesMut,
        trailers: Option<HeaderMap>,
    }
}

/// A body that was read to its end.
pub(super) struct Whole {
    pub(super) data: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

impl<B> Read<B> {
    pub(super) fn new(body: B, intake: &Intake) -> Self {
        Self { body, expired: intake.expired(), limit: intake.limit(), data: BytesMut::new(), trailers: None }
    }
}

impl<B: Body<Data = Bytes>> Read<B> {
    /// Reads on without keeping anything.
    pub(super) fn poll_leftover(self: Pin<&mut Self>, leftover: &mut Leftover, cx: &mut Context<'_>) -> Poll<()> {
        leftover.poll_end(self.project().body, cx)
    }
}

impl<B: Body<Data = Bytes>> Future for Read<B> {
    type Output = Result<Whole, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.expired.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(Intake::too_slow));
        }
        while let Some(frame) = ready!(this.body.as_mut().poll_frame(cx)) {
            let Ok(frame) = frame else { return Poll::Ready(Err(Intake::interrupted)) };
            match frame.into_data() {
                Ok(data) if this.data.len() + data.len() > *this.limit => return Poll::Ready(Err(Intake::too_large)),
                Ok(data) => this.data.extend_from_slice(&data),
                Err(frame) => *this.trailers = frame.into_trailers().ok(),
            }
        }
        Poll::Ready(Ok(Whole { data: this.data.split().freeze(), trailers: this.trailers.take() }))
    }
}
