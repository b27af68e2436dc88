//! The bodies of requests and responses. They stream, and the namespace is stripped from their trailers.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{gate::Gate, lease::Lease};

pin_project! {
    /// A body that streams unchanged, or one that truegate has read.
    #[derive(Debug)]
    pub struct GuardedBody<B> {
        #[pin]
        kind: BodyKind<B>,
        // Boxed, as the trailers are: most bodies have neither, and each move of a body copies all of it.
        watch: Option<Box<Watch>>,
    }
}

pin_project! {
    #[project = BodyKindProjection]
    #[derive(Debug)]
    enum BodyKind<B> {
        Passing { #[pin] inner: B, gate: Gate, strip: fn(&Gate, &mut HeaderMap) },
        Whole { data: Option<Bytes>, trailers: Option<Box<HeaderMap>> },
    }
}

/// Watches for the end of a session.
struct Watch {
    lease: Lease,
    /// None until the body is read: nobody reads the body of most requests. The mutex is never locked: it makes the body `Sync` if
    /// the inner body is.
    over: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Watch {
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let over = self.over.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.lease.is_over() || over.get_or_insert_with(|| self.lease.over()).as_mut().poll(cx).is_ready()
    }
}

redacted!(Watch);

/// The reason why a body broke off.
///
/// It converts into a boxed error, as servers need it, if the inner error does. It is not an error type itself, so that the
/// inner error need not be one either.
#[derive(Debug)]
pub enum BodyError<E> {
    /// The error of the inner body.
    Inner(E),
    /// The session of the request has ended.
    SessionOver,
}

/// The session of a request has ended. As this, [`BodyError::SessionOver`] goes into a boxed error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
#[non_exhaustive]
pub struct SessionOver;

impl<E: Into<BoxError>> From<BodyError<E>> for BoxError {
    fn from(error: BodyError<E>) -> Self {
        match error {
            BodyError::Inner(error) => error.into(),
            BodyError::SessionOver => SessionOver.into(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for BodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::SessionOver => fmt::Display::fmt(&SessionOver, f),
        }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B> GuardedBody<B> {
    pub(super) fn of_request(inner: B, gate: Gate, lease: Option<&Lease>) -> Self {
        let kind = BodyKind::Passing { inner, gate, strip: Gate::strip_request_trailers };
        Self { kind, watch: watch(lease) }
    }

    pub(super) fn of_response(inner: B, gate: Gate, lease: Option<&Lease>) -> Self {
        let kind = BodyKind::Passing { inner, gate, strip: Gate::strip_response_trailers };
        Self { kind, watch: watch(lease) }
    }

    /// A body that was read before.
    pub(super) fn read(data: Bytes, mut trailers: Option<HeaderMap>, gate: &Gate) -> Self {
        if let Some(trailers) = &mut trailers {
            gate.strip_request_trailers(trailers);
        }
        Self::whole(data, trailers)
    }

    /// A body that is known whole.
    pub(super) fn whole(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        let data = Some(data).filter(|data| !data.is_empty());
        Self { kind: BodyKind::Whole { data, trailers: trailers.map(Box::new) }, watch: None }
    }

    /// The body as it came, unless it was read before.
    pub(super) fn into_unread(self) -> Option<B> {
        match self.kind {
            BodyKind::Passing { inner, .. } => Some(inner),
            BodyKind::Whole { .. } => None,
        }
    }

    /// The same body, which ends with an error as soon as a lease is over.
    pub(super) fn leased(mut self, lease: Option<&Lease>) -> Self {
        self.watch = watch(lease);
        self
    }
}

#[inline]
fn watch(lease: Option<&Lease>) -> Option<Box<Watch>> {
    lease.map(|lease| Box::new(Watch { lease: lease.clone(), over: Mutex::default() }))
}

impl<B: Body<Data = Bytes>> Body for GuardedBody<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.as_mut().project();
        if this.watch.as_mut().is_some_and(|watch| watch.is_over(cx)) {
            self.set(Self::whole(Bytes::new(), None));
            return Poll::Ready(Some(Err(BodyError::SessionOver)));
        }
        Poll::Ready(match this.kind.project() {
            BodyKindProjection::Passing { inner, gate, strip } => {
                let mut frame = ready!(inner.poll_frame(cx)).map(|frame| frame.map_err(BodyError::Inner));
                if let Some(Ok(frame)) = &mut frame
                    && let Some(trailers) = frame.trailers_mut()
                {
                    strip(gate, trailers);
                }
                frame
            }
            BodyKindProjection::Whole { data, trailers } => {
                let trailers = || trailers.take().map(|trailers| Frame::trailers(*trailers));
                data.take().map(Frame::data).or_else(trailers).map(Ok)
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Passing { inner, .. } => inner.is_end_stream(),
            BodyKind::Whole { data, trailers } => data.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Passing { inner, .. } => inner.size_hint(),
            BodyKind::Whole { data, .. } => SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_broke_off_gives_servers_the_error_that_they_want() {
        let over: BoxError = BodyError::<std::convert::Infallible>::SessionOver.into();
        assert_eq!(over.downcast_ref(), Some(&SessionOver));
        assert_eq!(over.to_string(), "the session is over");
        let inner: BoxError = BodyError::Inner(BoxError::from("it broke")).into();
        assert_eq!(inner.to_string(), "it broke");
        let inner: BoxError = BodyError::Inner(std::fmt::Error).into();
        assert!(inner.is::<std::fmt::Error>(), "the very error of the inner body");
    }
}
