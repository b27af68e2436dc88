//! What is counted of the store.

use std::{sync::Arc, time::Duration};

use crate::gateway::{
    admin::{Durations, Metrics},
    store_calls::StoreOperation,
};

/// Counts what the store is asked for. Clones share their counts.
#[derive(Clone)]
pub(in crate::gateway) struct StoreTelemetry(Arc<[Durations]>);

impl StoreTelemetry {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self(StoreOperation::ALL.iter().map(|operation| metrics.store_calls(*operation)).collect())
    }

    /// The store has answered, or was given up.
    pub(in crate::gateway) fn call(&self, operation: StoreOperation, elapsed: Duration) {
        self.0[operation as usize].observe(elapsed);
    }
}
