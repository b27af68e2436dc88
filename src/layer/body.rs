//! The bodies on either side of the inner service: what passes streams on, less the namespace in its trailers.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::read::Whole;
use crate::gate::Gate;

/// The body of a request behind truegate.
pub type RequestBody<B> = GuardedBody<B>;

/// The body of a response from truegate.
pub type ResponseBody<B> = GuardedBody<B>;

pin_project! {
    /// A body that streams on as it came, or one that is known whole.
    #[derive(Debug)]
    pub struct GuardedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    #[derive(Debug)]
    enum Kind<B> {
        Passing { #[pin] inner: B, gate: Gate, strip: fn(&Gate, &mut HeaderMap) },
        Whole { data: Option<Bytes>, trailers: Option<HeaderMap> },
    }
}

impl<B> GuardedBody<B> {
    pub(super) fn of_request(inner: B, gate: Gate) -> Self {
        Self { kind: Kind::Passing { inner, gate, strip: Gate::strip_request_trailers } }
    }

    pub(super) fn of_response(inner: B, gate: Gate) -> Self {
        Self { kind: Kind::Passing { inner, gate, strip: Gate::strip_response_trailers } }
    }

    /// A body that was read before.
    pub(super) fn read(whole: Whole, gate: &Gate) -> Self {
        let Whole { data, mut trailers } = whole;
        if let Some(trailers) = &mut trailers {
            gate.strip_request_trailers(trailers);
        }
        Self::whole(data, trailers)
    }

    /// A body that is known whole.
    pub(super) fn whole(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { kind: Kind::Whole { data: Some(data).filter(|data| !data.is_empty()), trailers } }
    }
}

impl<B: Body<Data = Bytes>> Body for GuardedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Poll::Ready(match self.project().kind.project() {
            KindProjection::Passing { inner, gate, strip } => {
                let mut frame = ready!(inner.poll_frame(cx));
                if let Some(Ok(frame)) = &mut frame
                    && let Some(trailers) = frame.trailers_mut()
                {
                    strip(gate, trailers);
                }
                frame
            }
            KindProjection::Whole { data, trailers } => {
                data.take().map(Frame::data).or_else(|| trailers.take().map(Frame::trailers)).map(Ok)
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passing { inner, .. } => inner.is_end_stream(),
            Kind::Whole { data, trailers } => data.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passing { inner, .. } => inner.size_hint(),
            Kind::Whole { data, .. } => SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64)),
        }
    }
}
