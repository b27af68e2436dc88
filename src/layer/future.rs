//! The future of a request: as small as the inner one, with the rare path boxed.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    RequestBody, ResponseBody,
    intercept::Intercept,
    leftover::Unwanted,
    response::{answer, guard},
};
use crate::{
    gate::{Gate, Reply},
    headers::ResponseEdits,
};

pin_project! {
    /// The response to come from [`Truegate`](super::Truegate).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        #[pin]
        kind: Kind<S, B, S::Future>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S, B, F>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        Forward { #[pin] inner: F, gate: Gate, edits: Option<Arc<ResponseEdits>> },
        Intercept { boxed: Pin<Box<Intercept<S, B>>> },
        Reply { boxed: Pin<Box<Refusal<B>>> },
    }
}

pin_project! {
    /// An answer of the gate's to a request whose body may still come.
    struct Refusal<B> {
        reply: Option<(Reply, Version)>,
        #[pin]
        unwanted: Option<Unwanted<B>>,
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    pub(super) fn forward(inner: S::Future, gate: Gate, edits: Option<Arc<ResponseEdits>>) -> Self {
        Self { kind: Kind::Forward { inner, gate, edits } }
    }

    pub(super) fn intercept(intercept: Intercept<S, B>) -> Self {
        Self { kind: Kind::Intercept { boxed: Box::pin(intercept) } }
    }

    pub(super) fn reply(reply: Reply, version: Version, unwanted: Option<Unwanted<B>>) -> Self {
        Self { kind: Kind::Reply { boxed: Box::pin(Refusal { reply: Some((reply, version)), unwanted }) } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Forward { inner, gate, edits } => {
                let response = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(guard(response, gate, edits.as_deref())))
            }
            KindProjection::Intercept { boxed } => boxed.as_mut().poll(cx),
            KindProjection::Reply { boxed } => {
                let refusal = boxed.as_mut().project();
                if let Some(unwanted) = refusal.unwanted.as_pin_mut() {
                    ready!(unwanted.poll_end(cx));
                }
                let (reply, version) = refusal.reply.take().expect("a future is not polled after it was ready");
                Poll::Ready(Ok(answer(reply, version)))
            }
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
