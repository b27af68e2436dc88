//! The future of a request: as small as the inner one, with the rare path boxed.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{GuardedBody, intercept::Intercept, service::guard};
use crate::{gate::Gate, headers::ResponseEdits};

pin_project! {
    /// The future of a response of [`Truegate`](super::Truegate).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<GuardedBody<B>>>,
    {
        #[pin]
        kind: FutureKind<S, B, S::Future>,
    }
}

pin_project! {
    #[project = FutureKindProjection]
    enum FutureKind<S, B, F>
    where
        S: Service<Request<GuardedBody<B>>>,
    {
        Forward { #[pin] inner: F, gate: Gate, edits: Option<Arc<ResponseEdits>> },
        Intercept { boxed: Pin<Box<Intercept<S, B>>> },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<GuardedBody<B>>>,
{
    pub(super) fn forward(inner: S::Future, gate: Gate, edits: Option<Arc<ResponseEdits>>) -> Self {
        Self { kind: FutureKind::Forward { inner, gate, edits } }
    }
}

impl<S, B> From<Intercept<S, B>> for ResponseFuture<S, B>
where
    S: Service<Request<GuardedBody<B>>>,
{
    fn from(intercept: Intercept<S, B>) -> Self {
        Self { kind: FutureKind::Intercept { boxed: Box::pin(intercept) } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<GuardedBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            FutureKindProjection::Forward { inner, gate, edits } => {
                let response = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(guard(response, gate, edits.as_deref())))
            }
            FutureKindProjection::Intercept { boxed } => boxed.as_mut().poll(cx),
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<GuardedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
