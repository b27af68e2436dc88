//! The task that sends spans to the collector.

use std::{iter, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message as _;
use tokio::{
    sync::{Notify, mpsc::Receiver},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::retry::backoff::Backoff as _;

use super::collector::{Collector, ExportFailure};
use crate::{
    backoff,
    cause::Cause,
    gateway::telemetry::{SpanLoss, Telemetry},
};

/// Sends the spans of one queue to the collector, batch by batch.
pub(super) struct Exporter {
    collector: Collector,
    resource: Resource,
    spans: Receiver<Span>,
    /// Tells that a batch of spans waits.
    filled: Arc<Notify>,
    telemetry: Telemetry,
    /// Whether the last attempt has failed, which was logged then.
    is_failing: bool,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        service_name: &str,
        spans: Receiver<Span>,
        filled: Arc<Notify>,
        telemetry: Telemetry,
    ) -> Self {
        let attributes = [("service.name", service_name), ("service.version", VERSION)];
        let attributes = attributes.map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
            ..KeyValue::default()
        });
        let resource = Resource { attributes: attributes.into(), ..Resource::default() };
        Self { collector, resource, spans, filled, telemetry, is_failing: false }
    }

    /// Exports what comes. It ends when the gateway does, or when its configuration is retired and no more can come of it.
    pub(super) async fn run(mut self, retired: CancellationToken, ended: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let is_over = tokio::select! {
                count = self.spans.recv_many(&mut batch, BATCH) => count == 0,
                () = ended.cancelled() => true,
                // What a request of it has left behind may last for longer, and tell no more.
                () = async { retired.cancelled().await; sleep(LINGER).await } => true,
            };
            if is_over {
                break;
            }
            let _ = ended.run_until_cancelled(self.gather(&mut batch)).await;
            self.export(&mut batch, &ended).await;
        }
        self.spans.close();
        while self.spans.recv_many(&mut batch, BATCH).await > 0 {
            self.export(&mut batch, &ended).await;
        }
    }

    /// Waits for as many spans as one message has room for, but not for long.
    ///
    /// It does not wait for the next span, because each one would then wake the task.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        if batch.len() < BATCH {
            let _ = timeout(GATHERING, self.filled.notified()).await;
        }
        batch.extend(iter::from_fn(|| self.spans.try_recv().ok()).take(BATCH - batch.len()));
    }

    /// Sends a batch, and tries again while the collector may take it later. Meanwhile spans wait in the queue, as far as it has room.
    async fn export(&mut self, batch: &mut Vec<Span>, ended: &CancellationToken) {
        let count = batch.len() as u64;
        let body = self.encode(mem::take(batch));
        let mut pauses = backoff::growing(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1..=ATTEMPTS {
            let posted = timeout(DEADLINE, self.collector.post(body.clone())).await;
            match posted.unwrap_or(Err(ExportFailure { cause: Cause::Timeout, is_temporary: true })) {
                Ok(rejected) => {
                    if mem::take(&mut self.is_failing) {
                        self.telemetry.exports_again();
                    }
                    return self.telemetry.lost_spans(SpanLoss::Refused, rejected.min(count));
                }
                Err(failure) => {
                    if !mem::replace(&mut self.is_failing, true) {
                        self.telemetry.failed_export(failure.cause);
                    }
                    if !failure.is_temporary || attempt == ATTEMPTS || ended.is_cancelled() {
                        break;
                    }
                    let _ = ended.run_until_cancelled(pauses.next_backoff()).await;
                }
            }
        }
        self.telemetry.lost_spans(SpanLoss::Failed, count);
    }

    fn encode(&self, spans: Vec<Span>) -> Bytes {
        let scope = InstrumentationScope { name: SCOPE.to_owned(), version: VERSION.to_owned(), ..Default::default() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource_spans =
            vec![ResourceSpans { resource: Some(self.resource.clone()), scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
    }
}

const SCOPE: &str = "truegate";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The most spans in one message. It is the default of OpenTelemetry's SDKs, and a quarter of what may wait.
pub(super) const BATCH: usize = 512;
/// How long spans wait for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How long the collector may take for one batch. It is the default of OpenTelemetry's SDKs.
const DEADLINE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Longer than a verification takes that a request has left behind, unless Truecaller is down.
const LINGER: Duration = Duration::from_mins(5);
