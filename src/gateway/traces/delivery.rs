//! The span of a callback that the app gets after it was answered.

use std::sync::Arc;

use http::{Method, StatusCode};
use pingora_core::protocols::l4::socket::SocketAddr;

use super::{
    CurrentSpan, RecordedTrace,
    context::TraceContext,
    request::{describe_answer, describe_server, method, name_of},
    span::{OpenSpan, SpanKind},
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    headers::HeaderTarget,
};

/// The span of a callback on its way to the app, if the current task works for a span.
pub(in crate::gateway) struct DeliverySpan(Option<(Arc<RecordedTrace>, OpenSpan)>);

impl DeliverySpan {
    pub(in crate::gateway) fn begin(app: &str, of: &Method) -> Self {
        Self(CurrentSpan::get().map(|current| {
            let mut span = current.begin(SpanKind::Client);
            span.name(name_of(of));
            span.set("http.request.method", method(of));
            span.set("truegate.upstream", app);
            (current.trace, span)
        }))
    }

    /// Tells the app of it.
    pub(in crate::gateway) fn tell(&self, head: &mut impl HeaderTarget) {
        if let Some((trace, span)) = &self.0 {
            TraceContext { span: span.id, ..trace.origin.context }.tell(head);
        }
    }

    pub(in crate::gateway) fn note_server(&mut self, server: Option<&SocketAddr>) {
        if let (Some((_, span)), Some(server)) = (&mut self.0, server) {
            describe_server(span, server);
        }
    }

    /// The app has answered, or has not.
    pub(in crate::gateway) fn end(self, answer: Result<u16, Cause>) {
        let Some((trace, mut span)) = self.0 else { return };
        match answer.map(StatusCode::from_u16) {
            Ok(status) => status.into_iter().for_each(|status| describe_answer(&mut span, status)),
            Err(cause) => span.fail(cause.code()),
        }
        trace.end(span, SystemClock.now());
    }
}
