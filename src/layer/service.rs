//! The service: asks the gate about each request, and calls the inner service.

use std::{
    mem,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, Version, header, request::Parts};
use http_body::Body;
use tower_service::Service;

use super::{
    GuardedBody, ResponseFuture,
    intercept::{Intercept, WaitingRequest},
};
use crate::{
    gate::{ConnectionReuse, Gate, Reply, Step, plugin::Withheld},
    headers::{Edits, ResponseEdits, Suspects, join_cookies},
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
    S: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes>,
{
    type Response = Response<GuardedBody<R>>;
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
        let survey = self.gate.survey(&head.headers);
        let suspects = survey.suspects;
        match self.gate.inspect_surveyed(&head, &survey, &Withheld::default()) {
            Step::Forward(edits) => {
                prepare(&self.gate, &edits, suspects, &mut head);
                let body = GuardedBody::of_request(body, self.gate.clone(), edits.lease());
                let request = Request::from_parts(head, body);
                ResponseFuture::forward(self.inner.call(request), self.gate.clone(), edits.response)
            }
            Step::Read(intake) => {
                let waiting = WaitingRequest { head, suspects, inner: self.release() };
                Intercept::read(self.gate.clone(), intake, waiting, body).into()
            }
            Step::Wait(verdict) => {
                let waiting = WaitingRequest { head, suspects, inner: self.release() };
                Intercept::wait(self.gate.clone(), verdict, waiting, body).into()
            }
            Step::Reply(reply) => {
                self.release();
                Intercept::refuse(self.gate.clone(), reply, &head, Some(body)).into()
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

/// Edits a head that was surveyed as the gate says, and adds the identity to its extensions.
pub(super) fn prepare(gate: &Gate, edits: &Edits, suspects: Suspects, head: &mut Parts) {
    to_origin_form(head);
    gate.apply_surveyed(edits, suspects, &mut head.headers);
    if let Some(identity) = edits.identity() {
        head.extensions.insert(identity.clone());
    }
    if let Some(lease) = edits.lease() {
        head.extensions.insert(lease.clone());
    }
}

/// Replaces an absolute target of HTTP/1 by the path and query that it names. Its host becomes the request's
/// (RFC 9112 §3.2.2).
fn to_origin_form(head: &mut Parts) {
    let Some(authority) = head.uri.authority().filter(|_| head.version < Version::HTTP_2) else { return };
    if !head.headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(authority.as_str()).expect("an authority is visible ASCII");
        head.headers.insert(header::HOST, host);
    }
    head.uri = head.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
}

/// Strips the namespace from the inner service's response.
pub(super) fn guard<R>(
    mut response: Response<R>,
    gate: &Gate,
    edits: Option<&ResponseEdits>,
) -> Response<GuardedBody<R>> {
    gate.apply_response(edits, response.headers_mut());
    let lease = edits.and_then(|edits| edits.lease.as_ref());
    response.map(|body| GuardedBody::of_response(body, gate.clone(), lease))
}

/// Turns a reply into a response. HTTP/1 clients are told when the connection must close.
pub(super) fn answer<R>(reply: Reply, version: Version) -> Response<GuardedBody<R>> {
    let mut response = reply.response;
    if reply.connection == ConnectionReuse::Close && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| GuardedBody::whole(body, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_target_of_http_1_becomes_a_path_and_its_host_a_line() {
        for (uri, version, host, target, said) in [
            ("http://a.test/x?y", Version::HTTP_11, Some("A.Test"), "/x?y", Some("A.Test")),
            ("http://a.test:80/x", Version::HTTP_10, None, "/x", Some("a.test:80")),
            ("http://a.test", Version::HTTP_11, Some("a.test"), "/", Some("a.test")),
            ("/x", Version::HTTP_11, None, "/x", None),
            ("*", Version::HTTP_11, Some("a.test"), "*", Some("a.test")),
            ("https://a.test/x", Version::HTTP_2, None, "https://a.test/x", None),
        ] {
            let request = Request::builder().uri(uri).version(version);
            let request = host.into_iter().fold(request, |request, host| request.header(header::HOST, host));
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            to_origin_form(&mut head);
            assert_eq!(head.uri, target);
            assert_eq!(head.headers.get(header::HOST).map(|host| host.to_str().unwrap()), said, "{uri}");
        }
    }
}
