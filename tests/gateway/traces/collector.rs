//! A collector of traces, and the spans that it got.

use std::time::Duration;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message as _;
use tokio::time::sleep;

use super::super::support::{
    raw::{Message, within},
    recorder::Recorder,
};

/// A collector that takes OTLP over HTTP, and keeps what it gets.
pub(crate) struct Collector(Recorder);

/// The spans of some messages.
pub(crate) struct Exported {
    pub(crate) all: Vec<Told>,
    /// The attributes of the resource.
    pub(crate) resource: Vec<(String, String)>,
}

/// A span as a collector gets it.
pub(crate) struct Told {
    pub(crate) span: Span,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n").await
    }

    pub(crate) async fn answering(answer: &'static str) -> Self {
        Self(Recorder::answering(answer).await)
    }

    /// The section of a configuration that names it, with more keys.
    pub(crate) fn yaml(&self, more: &str) -> String {
        format!("telemetry: {{ otlp_endpoint: 'http://{}', {more} }}\n", self.0.address())
    }

    pub(crate) fn seen(&self) -> Vec<Message> {
        self.0.seen()
    }

    /// All that it got, as a person could read it.
    pub(crate) fn seen_text(&self) -> String {
        self.seen().iter().map(|message| String::from_utf8_lossy(&message.body).into_owned()).collect()
    }

    /// The spans that it has, once there are as many.
    pub(crate) async fn spans(&self, count: usize) -> Exported {
        within(async {
            loop {
                let exported = Exported::of(&self.seen());
                if exported.all.len() >= count {
                    return exported;
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }
}

impl Exported {
    pub(crate) fn of(messages: &[Message]) -> Self {
        let (mut all, mut resource) = (Vec::new(), Vec::new());
        for message in messages {
            assert_eq!(message.start, "POST /v1/traces HTTP/1.1");
            assert_eq!(message.one("content-type"), Some("application/x-protobuf"));
            let request = ExportTraceServiceRequest::decode(&*message.body).unwrap();
            for spans in request.resource_spans {
                resource = texts(&spans.resource.unwrap().attributes);
                let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
                all.extend(spans.map(|span| Told { span }));
            }
        }
        Self { all, resource }
    }

    /// The one span of this name.
    pub(crate) fn named(&self, name: &str) -> &Told {
        let mut named = self.all.iter().filter(|told| told.span.name == name);
        let found = named.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.names()));
        assert!(named.next().is_none(), "two are called {name}");
        found
    }

    /// The one span of a whole request.
    pub(crate) fn request(&self) -> &Told {
        let mut requests = self.all.iter().filter(|told| told.kind() == "SPAN_KIND_SERVER");
        let found = requests.next().unwrap_or_else(|| panic!("no request in {:?}", self.names()));
        assert!(requests.next().is_none(), "there are two requests");
        found
    }

    /// The one attempt at an app.
    pub(crate) fn attempt(&self) -> &Told {
        let is_attempt = |told: &&Told| told.attributes().iter().any(|(name, _)| name == "truegate.upstream");
        let mut attempts = self.all.iter().filter(is_attempt);
        let found = attempts.next().unwrap_or_else(|| panic!("no attempt in {:?}", self.names()));
        assert!(attempts.next().is_none(), "there are two attempts");
        found
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.all.iter().map(|told| told.span.name.as_str()).collect()
    }
}

impl Told {
    pub(crate) fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(crate) fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// Empty for the first span of a trace.
    pub(crate) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    pub(crate) fn kind(&self) -> String {
        SpanKind::try_from(self.span.kind).unwrap().as_str_name().to_owned()
    }

    pub(crate) fn attributes(&self) -> Vec<(String, String)> {
        texts(&self.span.attributes)
    }

    /// The type of its error, if it has failed.
    pub(crate) fn error(&self) -> Option<String> {
        let has_failed = self.span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        let error = self.attributes().into_iter().find(|(name, _)| name == "error.type").map(|(_, value)| value);
        assert_eq!(has_failed, error.is_some());
        error
    }

    /// Whether another span lies within this one.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let times = |told: &Self| (told.span.start_time_unix_nano, told.span.end_time_unix_nano);
        let ((begun, ended), (other_begun, other_ended)) = (times(self), times(other));
        begun <= other_begun && other_begun <= other_ended && other_ended <= ended
    }
}

fn texts(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?} is of no known kind"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(&attribute.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
