//! Traces: where a request belongs in them, and the spans of it that are exported to a collector.
//!
//! A request goes on with the trace that it brings (W3C Trace Context), or begins one. If there is a collector, and the trace is sampled,
//! the request, the decision of the gate, the fetch of a profile, each call of the store and each attempt at an app are spans. A span is
//! a message of OTLP from its end on: it waits in memory, and a task sends what has come in batches. No request waits for that.
//!
//! A trace that nobody records costs a request one look at a header.

mod collector;
mod context;
mod current;
mod delivery;
mod exporter;
mod request;
mod span;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::HeaderMap;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use self::{
    collector::Collector,
    context::{RANDOM, SAMPLED, SpanId, TraceContext},
    exporter::{BATCH, Exporter},
    span::{OpenSpan, SpanKind, SpanOrigin},
};
pub(super) use self::{
    context::TraceId,
    current::{CurrentSpan, note_fetch, note_store_call},
    delivery::DeliverySpan,
    request::{RequestTrace, TracedEnd, TracedHead, TracedVerdict},
};
use super::{
    BoxError,
    config::{SampleRatio, TelemetryConfig},
    telemetry::Telemetry,
};
use crate::{
    clock::{Clock as _, SystemClock},
    random::Random,
};

/// Decides about the trace of each request of a configuration.
pub(super) struct Tracer {
    config: TelemetryConfig,
    random: Random,
    /// None if no span is exported.
    spans: Option<SpanQueue>,
    /// Tells the exporter that new requests have no spans for it.
    _retire: Option<DropGuard>,
}

/// The tasks that export the spans of all configurations. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Exports {
    tasks: TaskTracker,
    ended: CancellationToken,
}

/// Takes the spans that are to be exported. Clones share the queue.
#[derive(Clone)]
struct SpanQueue {
    spans: mpsc::Sender<Span>,
    /// Tells that a batch of them waits.
    filled: Arc<Notify>,
    telemetry: Telemetry,
}

/// A trace whose spans are exported, as far as one request is concerned.
pub(super) struct RecordedTrace {
    origin: SpanOrigin,
    /// What the ids of spans are made of.
    next: AtomicU64,
    spans: SpanQueue,
}

impl Exports {
    /// Exports all spans that have ended, but waits no longer than this. No more may come.
    pub(super) async fn finish(&self, limit: Duration) {
        self.ended.cancel();
        self.tasks.close();
        if timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time, so they are lost");
        }
    }
}

impl Tracer {
    /// The tracer that a configuration describes; none if requests pass with what they bring. It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When a certificate to trust cannot be used.
    pub(super) fn new(
        config: &TelemetryConfig,
        exports: &Exports,
        telemetry: &Telemetry,
    ) -> Result<Option<Self>, BoxError> {
        let config = config.clone();
        let Some(collector) = &config.collector else {
            let tracer = Self { config, random: Random::system(), spans: None, _retire: None };
            return Ok(tracer.config.starts.then_some(tracer));
        };
        let ((spans, waiting), filled) = (mpsc::channel(WAITING), Arc::new(Notify::new()));
        let (retired, telemetry) = (CancellationToken::new(), telemetry.clone());
        let (collector_client, name) = (Collector::new(collector)?, &collector.service_name);
        let exporter = Exporter::new(collector_client, name, waiting, Arc::clone(&filled), telemetry.clone());
        exports.tasks.spawn(exporter.run(retired.clone(), exports.ended.clone()));
        let spans = SpanQueue { spans, filled, telemetry };
        Ok(Some(Self { config, random: Random::system(), spans: Some(spans), _retire: Some(retired.drop_guard()) }))
    }

    /// Whether it was made of the same settings.
    pub(super) fn is_of(&self, config: &TelemetryConfig) -> bool {
        self.config == *config
    }

    /// The trace of a request with these headers; none if it passes with what it brings.
    ///
    /// # Security
    ///
    /// Anyone may continue a trace. Only a trusted proxy decides that a trace is sampled: a client can take part at most as often as
    /// the ratio says, so that it cannot fill the collector.
    pub(super) fn begin(&self, headers: &HeaderMap, by_proxy: bool, arrived: Instant) -> Option<Box<RequestTrace>> {
        let Some(parent) = TraceContext::of(headers) else {
            return self.config.starts.then(|| self.start(arrived));
        };
        // Without a collector, a trace that has begun goes on without this gateway.
        let spans = self.spans.as_ref()?;
        if !parent.is_sampled() {
            return None;
        }
        let seed = u64::from_be_bytes(self.draw());
        // The client chose the id of the trace, so it decides nothing.
        let is_sampled = by_proxy || self.config.ratio.admits(mix(!seed));
        let flags = parent.flags & RANDOM | if is_sampled { SAMPLED } else { 0 };
        let context = TraceContext { span: span_id(seed), flags, ..parent };
        if !is_sampled {
            return Some(Box::new(RequestTrace::unrecorded(context, false)));
        }
        Some(self.record(spans, context, Some(parent.span), context::state(headers), seed, arrived))
    }

    fn start(&self, arrived: Instant) -> Box<RequestTrace> {
        let random: [u8; 24] = self.draw();
        let (trace, seed) = random.split_first_chunk::<16>().expect("there are 24 bytes");
        let seed = u64::from_be_bytes(seed.try_into().expect("8 bytes are left"));
        let [.., b0, b1, b2, b3, b4, b5, b6, b7] = *trace;
        let is_sampled = self.config.ratio.admits(u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]));
        let flags = if is_sampled { SAMPLED } else { 0 };
        let context = TraceContext { trace: TraceId(*trace), span: span_id(seed), flags };
        match &self.spans {
            Some(spans) if is_sampled => self.record(spans, context, None, String::new(), seed, arrived),
            _ => Box::new(RequestTrace::unrecorded(context, true)),
        }
    }

    fn record(
        &self,
        spans: &SpanQueue,
        context: TraceContext,
        parent: Option<SpanId>,
        state: String,
        seed: u64,
        arrived: Instant,
    ) -> Box<RequestTrace> {
        // The request has arrived just now.
        let origin = SpanOrigin { context, state, wall: SystemClock.wall(), instant: arrived };
        let trace = RecordedTrace { origin, next: AtomicU64::new(seed.wrapping_add(STEP)), spans: spans.clone() };
        let request = OpenSpan::begin(context.span, parent, SpanKind::Server, arrived);
        Box::new(RequestTrace::recorded(Arc::new(trace), request, parent.is_none()))
    }

    fn draw<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

impl RecordedTrace {
    fn begin(&self, parent: Option<SpanId>, kind: SpanKind, now: Instant) -> OpenSpan {
        OpenSpan::begin(span_id(self.next.fetch_add(STEP, Ordering::Relaxed)), parent, kind, now)
    }

    fn end(&self, span: OpenSpan, now: Instant) {
        self.spans.push(span.end(&self.origin, now));
    }
}

impl SpanQueue {
    fn push(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.telemetry.full_spans();
        }
        if self.spans.max_capacity() - self.spans.capacity() >= BATCH {
            self.filled.notify_one();
        }
    }
}

impl SampleRatio {
    fn admits(self, random: u64) -> bool {
        // The sum is at most 2⁶⁴, which is the ratio 1.
        u128::from(random) < self.of_64_bits()
    }
}

/// The id of a span, of a number that no other span of the trace has. It is random because the numbers begin at random.
fn span_id(number: u64) -> SpanId {
    SpanId(mix(number).max(1).to_be_bytes())
}

/// SplitMix64, which maps each number to another one, and neighbours far apart.
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// From one number to the next: odd, so that all numbers come before the first one comes again.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many spans may wait for the collector. It is the default of OpenTelemetry's SDKs.
const WAITING: usize = 2048;

#[cfg(test)]
mod tests;
