//! One span, from its begin to its end.

use std::time::{Duration, Instant, SystemTime};

pub(super) use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, Status, status::StatusCode},
};

use super::context::{SpanId, TraceContext};

/// What all spans of one request have in common.
pub(super) struct SpanOrigin {
    /// The place of the request's own span.
    pub(super) context: TraceContext,
    pub(super) state: String,
    /// Two readings of the same moment: spans are told in time of day, and measured by the other clock.
    pub(super) wall: SystemTime,
    pub(super) instant: Instant,
}

/// A span that has begun.
pub(super) struct OpenSpan {
    pub(super) id: SpanId,
    parent: Option<SpanId>,
    name: String,
    kind: SpanKind,
    begun: Instant,
    attributes: Vec<KeyValue>,
    is_error: bool,
}

impl OpenSpan {
    pub(super) fn begin(id: SpanId, parent: Option<SpanId>, kind: SpanKind, begun: Instant) -> Self {
        Self { id, parent, name: String::new(), kind, begun, attributes: Vec::with_capacity(8), is_error: false }
    }

    pub(super) fn name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Adds an attribute. No value may be a secret.
    pub(super) fn set(&mut self, key: &str, value: impl Into<AttributeValue>) {
        let value = Some(AnyValue { value: Some(value.into().0) });
        self.attributes.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    /// Says that it failed, and why, in a word of a closed list.
    pub(super) fn fail(&mut self, word: impl Into<AttributeValue>) {
        self.set("error.type", word);
        self.is_error = true;
    }

    /// Ends it.
    pub(super) fn end(self, origin: &SpanOrigin, ended: Instant) -> Span {
        let nanoseconds = |instant: Instant| {
            let since = instant.saturating_duration_since(origin.instant);
            let wall = origin.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from((wall + since).as_nanos()).unwrap_or(u64::MAX)
        };
        let code = if self.is_error { StatusCode::Error } else { StatusCode::Unset };
        Span {
            trace_id: origin.context.trace.0.to_vec(),
            span_id: self.id.0.to_vec(),
            trace_state: origin.state.clone(),
            parent_span_id: self.parent.map_or_else(Vec::new, |parent| parent.0.to_vec()),
            flags: origin.context.flags.into(),
            name: self.name,
            kind: self.kind.into(),
            start_time_unix_nano: nanoseconds(self.begun),
            end_time_unix_nano: nanoseconds(ended),
            attributes: self.attributes,
            status: Some(Status { code: code.into(), message: String::new() }),
            ..Span::default()
        }
    }
}

/// The value of an attribute.
pub(super) struct AttributeValue(Value);

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self(Value::StringValue(text.to_owned()))
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self(Value::StringValue(text))
    }
}

impl From<u16> for AttributeValue {
    fn from(number: u16) -> Self {
        Self(Value::IntValue(number.into()))
    }
}

/// A span that was measured by its duration alone has ended just now.
pub(super) fn begun_before(ended: Instant, elapsed: Duration) -> Instant {
    ended.checked_sub(elapsed).unwrap_or(ended)
}
