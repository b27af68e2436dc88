//! The spans of one request.

use std::{net::SocketAddr as InternetAddress, sync::Arc, time::Instant};

use http::{Method, StatusCode, Version};
use pingora_core::protocols::l4::socket::SocketAddr;

use super::{
    CurrentSpan, RecordedTrace,
    context::{self, TraceContext, TraceId},
    span::{OpenSpan, SpanKind},
};
use crate::{cause::Cause, headers::HeaderTarget};

/// What is known of the trace of a request that is on its way.
pub(in crate::gateway) struct RequestTrace {
    context: TraceContext,
    /// Whether the trace began here, so that what came of another one is none of it.
    is_new: bool,
    /// None if no span of it is exported.
    recorded: Option<Recorded>,
}

struct Recorded {
    trace: Arc<RecordedTrace>,
    request: OpenSpan,
    admission: Option<OpenSpan>,
    attempt: Option<OpenSpan>,
    attempts: u16,
}

/// What a request is, as far as its span tells it.
pub(in crate::gateway) struct TracedHead<'a> {
    pub(in crate::gateway) method: &'a Method,
    pub(in crate::gateway) version: Version,
    pub(in crate::gateway) scheme: Option<&'static str>,
    pub(in crate::gateway) host: Option<&'a str>,
}

/// What the gate has decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum TracedVerdict {
    /// The app gets it.
    Passed,
    /// The gate has answered it.
    Answered,
    /// The client left before.
    Abandoned,
}

impl TracedVerdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
        }
    }
}

/// How a request ended.
pub(in crate::gateway) struct TracedEnd<'a> {
    pub(in crate::gateway) method: &'a Method,
    /// None if no rule matched.
    pub(in crate::gateway) route: Option<&'a str>,
    /// None if the client left before.
    pub(in crate::gateway) status: Option<StatusCode>,
    pub(in crate::gateway) refusal: Option<&'static str>,
    pub(in crate::gateway) ended: Instant,
}

impl RequestTrace {
    /// A trace of which no span is exported.
    pub(super) fn unrecorded(context: TraceContext, is_new: bool) -> Self {
        Self { context, is_new, recorded: None }
    }

    pub(super) fn recorded(trace: Arc<RecordedTrace>, request: OpenSpan, is_new: bool) -> Self {
        let recorded = Recorded { request, trace, admission: None, attempt: None, attempts: 0 };
        Self { context: recorded.trace.origin.context, is_new, recorded: Some(recorded) }
    }

    /// The id of the trace, if its spans are exported.
    pub(in crate::gateway) fn id(&self) -> Option<TraceId> {
        self.recorded.as_ref().map(|_| self.context.trace)
    }

    /// Tells the app of the trace.
    pub(in crate::gateway) fn tell(&self, head: &mut impl HeaderTarget) {
        self.context.tell(head);
        if self.is_new {
            context::remove_state(head);
        }
    }

    /// Tells the app of the attempt that the request is sent by, if that has a span.
    pub(in crate::gateway) fn tell_attempt(&self, head: &mut impl HeaderTarget) {
        if let Some(attempt) = self.recorded.as_ref().and_then(|recorded| recorded.attempt.as_ref()) {
            TraceContext { span: attempt.id, ..self.context }.tell(head);
        }
    }

    /// Describes the request.
    pub(in crate::gateway) fn describe(&mut self, head: &TracedHead<'_>) {
        let Some(Recorded { request, .. }) = &mut self.recorded else { return };
        request.set("http.request.method", method(head.method));
        request.set("network.protocol.version", version(head.version));
        if let Some(scheme) = head.scheme {
            request.set("url.scheme", scheme);
        }
        if let Some(host) = head.host.filter(|host| host.len() <= LONGEST_HOST) {
            request.set("server.address", host);
        }
    }

    /// The gate begins to decide. The returned span is the one to work for meanwhile.
    pub(in crate::gateway) fn begin_admission(&mut self, now: Instant) -> Option<CurrentSpan> {
        let recorded = self.recorded.as_mut()?;
        let admission = recorded.trace.begin(Some(recorded.request.id), SpanKind::Internal, now);
        let current = CurrentSpan { trace: Arc::clone(&recorded.trace), span: admission.id };
        recorded.admission = Some(admission);
        Some(current)
    }

    /// The gate has decided.
    pub(in crate::gateway) fn end_admission(
        &mut self,
        verdict: TracedVerdict,
        refusal: Option<&'static str>,
        now: Instant,
    ) {
        let Some(recorded) = &mut self.recorded else { return };
        let Some(mut admission) = recorded.admission.take() else { return };
        admission.name("admission");
        admission.set("truegate.verdict", verdict.word());
        if let Some(refusal) = refusal {
            admission.set("truegate.refusal", refusal);
        }
        recorded.trace.end(admission, now);
    }

    /// The request is sent to a server of an app.
    pub(in crate::gateway) fn begin_attempt(&mut self, app: &str, of: &Method, now: Instant) {
        self.end_attempt(None, now);
        let Some(recorded) = &mut self.recorded else { return };
        let mut attempt = recorded.trace.begin(Some(recorded.request.id), SpanKind::Client, now);
        attempt.name(name_of(of));
        attempt.set("http.request.method", method(of));
        attempt.set("truegate.upstream", app);
        if recorded.attempts > 0 {
            attempt.set("http.request.resend_count", recorded.attempts);
        }
        recorded.attempts += 1;
        recorded.attempt = Some(attempt);
    }

    /// The server is known by now.
    pub(in crate::gateway) fn note_server(&mut self, server: Option<&SocketAddr>) {
        let Some(attempt) = self.recorded.as_mut().and_then(|recorded| recorded.attempt.as_mut()) else { return };
        if let Some(server) = server {
            describe_server(attempt, server);
        }
    }

    /// The head of the app's answer has come. As of an HTTP client, its refusals are errors.
    pub(in crate::gateway) fn note_answer(&mut self, status: StatusCode) {
        let Some(attempt) = self.recorded.as_mut().and_then(|recorded| recorded.attempt.as_mut()) else { return };
        describe_answer(attempt, status);
    }

    /// The attempt has ended.
    pub(in crate::gateway) fn end_attempt(&mut self, failure: Option<Cause>, now: Instant) {
        let Some(recorded) = &mut self.recorded else { return };
        let Some(mut attempt) = recorded.attempt.take() else { return };
        if let Some(cause) = failure {
            attempt.fail(cause.code());
        }
        recorded.trace.end(attempt, now);
    }

    /// The request has ended.
    pub(in crate::gateway) fn end(mut self, end: &TracedEnd<'_>) {
        self.end_attempt(None, end.ended);
        self.end_admission(TracedVerdict::Abandoned, end.refusal, end.ended);
        let Some(Recorded { trace, mut request, .. }) = self.recorded else { return };
        match end.route {
            Some(route) => {
                request.name(format!("{} {route}", name_of(end.method)));
                request.set("http.route", route);
            }
            None => request.name(name_of(end.method)),
        }
        if let Some(refusal) = end.refusal {
            request.set("truegate.refusal", refusal);
        }
        match end.status {
            Some(status) => {
                request.set("http.response.status_code", status.as_u16());
                if status.is_server_error() {
                    request.fail(status.as_str());
                }
            }
            None => request.fail("client-left"),
        }
        trace.end(request, end.ended);
    }
}

pub(super) fn describe_server(span: &mut OpenSpan, server: &SocketAddr) {
    match server {
        SocketAddr::Inet(InternetAddress::V4(address)) => {
            span.set("server.address", address.ip().to_string());
            span.set("server.port", address.port());
        }
        SocketAddr::Inet(InternetAddress::V6(address)) => {
            span.set("server.address", address.ip().to_string());
            span.set("server.port", address.port());
        }
        SocketAddr::Unix(_) => span.set("server.address", server.to_string()),
    }
}

pub(super) fn describe_answer(span: &mut OpenSpan, status: StatusCode) {
    span.set("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.fail(status.as_str());
    }
}

/// The name of a method, unless a client invented it.
pub(super) fn method(method: &Method) -> &str {
    if KNOWN.contains(method) { method.as_str() } else { "_OTHER" }
}

/// How a span of a request with this method is called.
pub(super) fn name_of(of: &Method) -> &str {
    if KNOWN.contains(of) { of.as_str() } else { "HTTP" }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

const KNOWN: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];
const LONGEST_HOST: usize = 255;
