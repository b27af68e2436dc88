//! The rare path of a request: its body is read or its verdict waited for, then forwarded or answered.

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
    GuardedBody,
    read::{Drain, DrainedBody, Read},
    service::{answer, guard, prepare},
};
use crate::{
    gate::{Gate, Intake, Reply, Verdict},
    headers::{ResponseEdits, Suspects},
};

pin_project! {
    /// The rare path of a [`ResponseFuture`](super::ResponseFuture).
    pub(super) struct Intercept<S, B>
    where
        S: Service<Request<GuardedBody<B>>>,
    {
        gate: Gate,
        intake: Option<Intake>,
        waiting: Option<WaitingRequest<S>>,
        #[pin]
        phase: Phase<S, B>,
    }
}

pin_project! {
    #[project = PhaseProjection]
    enum Phase<S, B>
    where
        S: Service<Request<GuardedBody<B>>>,
    {
        Reading { #[pin] read: Read<B>, refused: Option<(Verdict, Drain)> },
        Refusing { reply: Option<(Reply, Version)>, #[pin] drained: Option<DrainedBody<B>> },
        Deciding { verdict: BoxFuture<'static, Verdict>, body: Option<GuardedBody<B>> },
        Calling { #[pin] call: Oneshot<S, Request<GuardedBody<B>>>, edits: Option<Arc<ResponseEdits>> },
    }
}

/// The parts that wait for the verdict: the head of the request as it was surveyed, and the service for it.
pub(super) struct WaitingRequest<S> {
    pub(super) head: Parts,
    pub(super) suspects: Suspects,
    pub(super) inner: S,
}

impl<S, B> Intercept<S, B>
where
    S: Service<Request<GuardedBody<B>>>,
{
    /// Waits for a verdict that needs the body.
    pub(super) fn read(gate: Gate, intake: Intake, waiting: WaitingRequest<S>, body: B) -> Self {
        let read = Read::new(body, &intake);
        let phase = Phase::Reading { read, refused: None };
        Self { gate, intake: Some(intake), waiting: Some(waiting), phase }
    }

    /// Waits for a verdict that leaves the body alone.
    pub(super) fn wait(gate: Gate, verdict: BoxFuture<'static, Verdict>, waiting: WaitingRequest<S>, body: B) -> Self {
        let body = Some(GuardedBody::of_request(body, gate.clone(), None));
        let phase = Phase::Deciding { verdict, body };
        Self { gate, intake: None, waiting: Some(waiting), phase }
    }

    /// Answers by itself, once what the client still sends was read on.
    pub(super) fn refuse(gate: Gate, reply: Reply, head: &Parts, body: Option<B>) -> Self
    where
        B: Body<Data = Bytes>,
    {
        let phase = Phase::refuse(reply, head, body, &gate);
        Self { gate, intake: None, waiting: None, phase }
    }
}

impl<S, B, R> Future for Intercept<S, B>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<GuardedBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.phase.as_mut().project() {
                PhaseProjection::Reading { mut read, refused } => match refused {
                    None => match ready!(read.as_mut().poll(cx)) {
                        Ok((data, trailers)) => {
                            let intake = this.intake.take().expect(INTAKE);
                            let body = Some(GuardedBody::read(data.clone(), trailers, this.gate));
                            Phase::Deciding { verdict: intake.finish(data), body }
                        }
                        Err(failure) => {
                            let intake = this.intake.take().expect(INTAKE);
                            let drain = Drain::until(intake.expired(), this.gate.clone());
                            *refused = Some((intake.fail(failure), drain));
                            continue;
                        }
                    },
                    Some((_, drain)) => {
                        ready!(read.poll_drain(drain, cx));
                        let (verdict, _) = refused.take().expect("it was refused");
                        Phase::Deciding { verdict: Box::pin(future::ready(verdict)), body: None }
                    }
                },
                PhaseProjection::Deciding { verdict, body } => {
                    let verdict = ready!(verdict.as_mut().poll(cx));
                    let WaitingRequest { mut head, suspects, inner } =
                        this.waiting.take().expect("a request waits while it is decided");
                    match (verdict, body.take()) {
                        (Verdict::Forward(edits), Some(body)) => {
                            prepare(this.gate, &edits, suspects, &mut head);
                            let request = Request::from_parts(head, body.leased(edits.lease()));
                            Phase::Calling { call: inner.oneshot(request), edits: edits.response }
                        }
                        (Verdict::Forward(_), None) => unreachable!("only what was read to its end is forwarded"),
                        (Verdict::Reply(reply), body) => {
                            Phase::refuse(reply, &head, body.and_then(GuardedBody::into_unread), this.gate)
                        }
                    }
                }
                PhaseProjection::Refusing { reply, drained } => {
                    if let Some(drained) = drained.as_pin_mut() {
                        ready!(drained.poll_end(cx));
                    }
                    let (reply, version) = reply.take().expect("a future is not polled after it was ready");
                    return Poll::Ready(Ok(answer(reply, version)));
                }
                PhaseProjection::Calling { call, edits } => {
                    return Poll::Ready(Ok(guard(ready!(call.poll(cx))?, this.gate, edits.as_deref())));
                }
            };
            this.phase.set(next);
        }
    }
}

impl<S, B> Phase<S, B>
where
    S: Service<Request<GuardedBody<B>>>,
{
    fn refuse(reply: Reply, head: &Parts, body: Option<B>, gate: &Gate) -> Self
    where
        B: Body<Data = Bytes>,
    {
        let drained = body.and_then(|body| DrainedBody::of(body, &head.headers, gate));
        Self::Refusing { reply: Some((reply, head.version)), drained }
    }
}

const INTAKE: &str = "an intake waits while its body is read";
