//! A callback on its way: read, verified, then forwarded or answered.

use std::{
    future::{self, Future},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{ServiceExt, util::Oneshot};
use tower_service::Service;

use super::{
    RequestBody, ResponseBody,
    read::{Read, Whole},
    response::{answer, guard},
};
use crate::{
    gate::{Failure, Gate, Intake, Verdict},
    headers::Edits,
};

pin_project! {
    /// The rare path of a [`ResponseFuture`](super::ResponseFuture).
    pub(super) struct Intercept<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        gate: Gate,
        intake: Option<Intake>,
        waiting: Option<Waiting<S>>,
        #[pin]
        stage: Stage<S, B>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        Reading { #[pin] read: Read<B> },
        Verifying { verdict: BoxFuture<'static, Verdict>, body: Whole },
        Calling { #[pin] call: Oneshot<S, Request<RequestBody<B>>> },
    }
}

/// What waits for the verdict: the head of the request, and the service for it.
struct Waiting<S> {
    head: Parts,
    inner: S,
}

impl<S, B> Intercept<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    pub(super) fn new(gate: Gate, intake: Intake, request: Request<B>, inner: S) -> Self {
        let (head, body) = request.into_parts();
        let read = Read::new(body, &intake);
        Self { gate, intake: Some(intake), waiting: Some(Waiting { head, inner }), stage: Stage::Reading { read } }
    }
}

impl<S, B, R> Future for Intercept<S, B>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.stage.as_mut().project() {
                StageProjection::Reading { read } => {
                    let read = ready!(read.poll(cx));
                    Stage::verify(this.intake.take().expect("an intake waits while its body is read"), read)
                }
                StageProjection::Verifying { verdict, body } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    let waiting = this.waiting.take().expect("a request waits while it is verified");
                    match verdict {
                        Verdict::Forward(edits) => Stage::call(waiting, &edits, mem::take(body), this.gate),
                        Verdict::Reply(reply) => return Poll::Ready(Ok(answer(reply, waiting.head.version))),
                    }
                }
                StageProjection::Calling { call } => {
                    return Poll::Ready(Ok(guard(ready!(call.poll(cx))?, this.gate)));
                }
            };
            this.stage.set(next);
        }
    }
}

impl<S, B> Stage<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    fn verify(intake: Intake, read: Result<Whole, Failure>) -> Self {
        match read {
            Ok(body) => Self::Verifying { verdict: intake.finish(body.data.clone()), body },
            Err(failure) => {
                Self::Verifying { verdict: Box::pin(future::ready(failure(intake))), body: Whole::default() }
            }
        }
    }

    fn call(waiting: Waiting<S>, edits: &Edits, body: Whole, gate: &Gate) -> Self {
        let Waiting { mut head, inner } = waiting;
        gate.apply(edits, &mut head.headers);
        if let Some(identity) = edits.identity() {
            head.extensions.insert(identity.clone());
        }
        let Whole { data, mut trailers } = body;
        if let Some(trailers) = &mut trailers {
            gate.strip_request_trailers(trailers);
        }
        let request = Request::from_parts(head, RequestBody::whole(data, trailers));
        Self::Calling { call: inner.oneshot(request) }
    }
}
