//! The span that the current task works for.
//!
//! The gate and the store know nothing of traces. What happens in them becomes a span below that of the request, or of the work that it
//! left behind, because both run in a task that knows its span.

use std::{sync::Arc, time::Duration};

use super::{
    RecordedTrace,
    context::SpanId,
    span::{OpenSpan, SpanKind, begun_before},
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gate::FetchOutcome,
    gateway::store_calls::StoreOperation,
};

/// A span below which others can begin.
#[derive(Clone)]
pub(in crate::gateway) struct CurrentSpan {
    pub(super) trace: Arc<RecordedTrace>,
    pub(super) span: SpanId,
}

tokio::task_local! {
    static CURRENT: CurrentSpan;
}

impl CurrentSpan {
    /// The span that the current task works for, if any.
    pub(in crate::gateway) fn get() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Works for this span.
    pub(in crate::gateway) async fn run<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Begins a span below this one.
    pub(super) fn begin(&self, kind: SpanKind) -> OpenSpan {
        self.trace.begin(Some(self.span), kind, SystemClock.now())
    }

    /// Ends a span that took so long up to now.
    fn ended(&self, elapsed: Duration, kind: SpanKind, describe: impl FnOnce(&mut OpenSpan)) {
        let now = SystemClock.now();
        let mut span = self.trace.begin(Some(self.span), kind, begun_before(now, elapsed));
        describe(&mut span);
        self.trace.end(span, now);
    }
}

/// A profile was fetched, or could not be.
pub(in crate::gateway) fn note_fetch(outcome: FetchOutcome, elapsed: Duration) {
    let _ = CURRENT.try_with(|current| {
        current.ended(elapsed, SpanKind::Client, |span| {
            span.name("profile fetch");
            span.set("truegate.result", outcome.code());
            if let Some(cause) = outcome.cause() {
                span.fail(cause.code());
            }
        });
    });
}

/// The store was asked, and has answered, has failed, or was given up.
///
/// What is asked for all requests at once is in the trace of none.
pub(in crate::gateway) fn note_store_call(
    system: &'static str,
    operation: StoreOperation,
    elapsed: Duration,
    failure: Option<Cause>,
) {
    if matches!(operation, StoreOperation::Moved | StoreOperation::Revocations) {
        return;
    }
    let _ = CURRENT.try_with(|current| {
        current.ended(elapsed, SpanKind::Client, |span| {
            span.name(format!("store {}", operation.code()));
            span.set("db.system.name", system);
            span.set("db.operation.name", operation.code());
            if let Some(cause) = failure {
                span.fail(cause.code());
            }
        });
    });
}
