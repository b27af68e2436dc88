//! What is counted and logged of the spans that are exported.

use tracing::{debug, info, warn};

use super::{BETWEEN_LINES, Telemetry};
use crate::{cause::Cause, closed_list::closed_list};

closed_list! {
    /// The reason why the collector did not get a span.
    pub(in crate::gateway) enum SpanLoss {
        /// Too many spans wait.
        Full = "full",
        /// The collector cannot be reached, or does not take it.
        Failed = "failed",
        /// The collector took others of the same message, and refused it.
        Refused = "refused",
    }
}

impl Telemetry {
    /// A span is lost, because too many wait for the collector.
    pub(in crate::gateway) fn full_spans(&self) {
        self.lost_spans(SpanLoss::Full, 1);
        let cause = SpanLoss::Full.code();
        log!(self[cause], warn!(cause), "spans are lost");
    }

    /// So many spans are lost.
    pub(in crate::gateway) fn lost_spans(&self, loss: SpanLoss, count: u64) {
        self.0.metrics.lost_spans.add(&loss, count);
    }

    /// The collector did not take spans. Later failures are not logged until it has taken some.
    pub(in crate::gateway) fn failed_export(&self, cause: Cause) {
        warn!(cause = cause.code(), tls = cause.detail(), "spans cannot be exported; requests go on without");
    }

    /// The collector takes spans again.
    pub(in crate::gateway) fn exports_again(&self) {
        info!("spans are exported again");
    }
}
