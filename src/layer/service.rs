//! The service: carries requests to the gate and its steps to the inner service.

use std::{
    mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::Body;
use tower_service::Service;

use super::{RequestBody, ResponseBody, ResponseFuture, intercept::Intercept, leftover::Unwanted, request::prepare};
use crate::{
    gate::{Gate, Step},
    headers::join_cookies,
    identity::Identity,
    lease::Lease,
};

/// A service behind truegate; see the [module](super).
#[derive(Debug, Clone)]
pub struct Truegate<S> {
    inner: S,
    gate: Gate,
}

impl<S> Truegate<S> {
    pub(super) fn new(inner: S, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

impl<S, B, R> Service<Request<B>> for Truegate<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        head.extensions.remove::<Identity>();
        head.extensions.remove::<Lease>();
        if head.version == Version::HTTP_2 {
            join_cookies(&mut head.headers);
        }
        match self.gate.inspect(&head) {
            Step::Forward(edits) => {
                prepare(&self.gate, &edits, &mut head);
                let body = RequestBody::of_request(body, self.gate.clone()).leased(edits.lease());
                let request = Request::from_parts(head, body);
                ResponseFuture::forward(self.inner.call(request), self.gate.clone(), edits.into_response())
            }
            Step::Intake(intake) => {
                ResponseFuture::intercept(Intercept::read(self.gate.clone(), intake, (head, body), self.release()))
            }
            Step::Lookup(lookup) => {
                ResponseFuture::intercept(Intercept::look_up(self.gate.clone(), lookup, (head, body), self.release()))
            }
            Step::Reply(reply) => {
                self.release();
                let unwanted = Unwanted::of(body, &head.headers, &self.gate);
                ResponseFuture::reply(reply, head.version, unwanted)
            }
        }
    }
}

impl<S: Clone> Truegate<S> {
    /// Gives back what `poll_ready` reserved, a permit perhaps, and returns a service that reserved nothing.
    fn release(&mut self) -> S {
        let fresh = self.inner.clone();
        drop(mem::replace(&mut self.inner, fresh.clone()));
        fresh
    }
}
