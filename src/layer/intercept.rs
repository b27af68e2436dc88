//! A request that waits for its verdict: read or looked up, then forwarded or answered.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, Version, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{ServiceExt, util::Oneshot};
use tower_service::Service;

use super::{
    RequestBody, ResponseBody,
    leftover::{Leftover, Unwanted},
    read::{Read, Whole},
    request::prepare,
    response::{answer, guard},
};
use crate::{
    gate::{Gate, Intake, Lookup, Reply, Verdict},
    headers::{Edits, ResponseEdits},
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
        Reading { #[pin] read: Read<B>, refused: Option<(Verdict, Leftover)> },
        Refusing { reply: Option<(Reply, Version)>, #[pin] unwanted: Unwanted<B> },
        Deciding { verdict: BoxFuture<'static, Verdict>, body: Option<RequestBody<B>> },
        Calling { #[pin] call: Oneshot<S, Request<RequestBody<B>>>, edits: Option<Arc<ResponseEdits>> },
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
    /// Waits for a verdict that needs the body.
    pub(super) fn read(gate: Gate, intake: Intake, (head, body): (Parts, B), inner: S) -> Self {
        let read = Read::new(body, &intake);
        Self {
            gate,
            intake: Some(intake),
            waiting: Some(Waiting { head, inner }),
            stage: Stage::Reading { read, refused: None },
        }
    }

    /// Waits for a verdict that leaves the body alone.
    pub(super) fn look_up(gate: Gate, lookup: Lookup, (head, body): (Parts, B), inner: S) -> Self {
        let body = Some(RequestBody::of_request(body, gate.clone()));
        let stage = Stage::Deciding { verdict: lookup.finish(), body };
        Self { gate, intake: None, waiting: Some(Waiting { head, inner }), stage }
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
                StageProjection::Reading { mut read, refused } => match refused {
                    None => match ready!(read.as_mut().poll(cx)) {
                        Ok(whole) => Stage::decide(this.intake.take().expect(INTAKE), whole, this.gate),
                        Err(failure) => {
                            let intake = this.intake.take().expect(INTAKE);
                            let leftover = Leftover::until(intake.expired(), this.gate.clone());
                            *refused = Some((failure(intake), leftover));
                            continue;
                        }
                    },
                    Some((_, leftover)) => {
                        ready!(read.poll_leftover(leftover, cx));
                        let (verdict, _) = refused.take().expect("it was refused");
                        Stage::Deciding { verdict: Box::pin(future::ready(verdict)), body: None }
                    }
                },
                StageProjection::Deciding { verdict, body } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    let waiting = this.waiting.take().expect("a request waits while it is decided");
                    match (verdict, body.take()) {
                        (Verdict::Forward(edits), Some(body)) => Stage::call(waiting, edits, body, this.gate),
                        (Verdict::Forward(_), None) => unreachable!("only what was read to its end is forwarded"),
                        (Verdict::Reply(reply), body) => {
                            let Waiting { head, .. } = waiting;
                            let unread = body.and_then(RequestBody::into_unread);
                            let unwanted = unread.and_then(|body| Unwanted::of(body, &head.headers, this.gate));
                            let Some(unwanted) = unwanted else {
                                return Poll::Ready(Ok(answer(reply, head.version)));
                            };
                            Stage::Refusing { reply: Some((reply, head.version)), unwanted }
                        }
                    }
                }
                StageProjection::Refusing { reply, unwanted } => {
                    ready!(unwanted.poll_end(cx));
                    let (reply, version) = reply.take().expect("a future is not polled after it was ready");
                    return Poll::Ready(Ok(answer(reply, version)));
                }
                StageProjection::Calling { call, edits } => {
                    return Poll::Ready(Ok(guard(ready!(call.poll(cx))?, this.gate, edits.as_deref())));
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
    fn decide(intake: Intake, whole: Whole, gate: &Gate) -> Self {
        let verdict = intake.finish(whole.data.clone());
        Self::Deciding { verdict, body: Some(RequestBody::read(whole, gate)) }
    }

    fn call(waiting: Waiting<S>, edits: Edits, body: RequestBody<B>, gate: &Gate) -> Self {
        let Waiting { mut head, inner } = waiting;
        prepare(gate, &edits, &mut head);
        let call = inner.oneshot(Request::from_parts(head, body.leased(edits.lease())));
        Self::Calling { call, edits: edits.into_response() }
    }
}

const INTAKE: &str = "an intake waits while its body is read";
