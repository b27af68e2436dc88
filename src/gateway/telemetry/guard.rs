//! What is open, counted for as long as it is.

use prometheus_client::metrics::gauge::Gauge;

/// Counts something as open until this is dropped.
#[must_use = "it counts only for as long as it is kept"]
pub(in crate::gateway) struct OpenGuard(Gauge);

impl OpenGuard {
    pub(super) fn new(open: &Gauge) -> Self {
        open.inc();
        Self(open.clone())
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
