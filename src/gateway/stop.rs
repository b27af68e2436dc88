//! Stops the gateway without cutting requests off.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::{Gateway, process::Process, service_manager};

impl Gateway {
    /// Stops accepting connections. The requests that came before and the verifications of answered callbacks may end within
    /// the configured grace; the rest is cut off.
    pub(crate) async fn stop(mut self) {
        let Process { open_work, session_memory, .. } = &self.process;
        let grace = self.active.load().config.shutdown_grace;
        service_manager::stopping(grace + LAST_STEPS);
        self.health.set_ready(false);
        if let Some(audit) = &self.active.load().logs.audit {
            audit.write_stop();
        }
        self.listeners.clear();
        self.admin.stop();
        session_memory.stop_waiting();
        open_work.end(grace).await;
        let revocations = session_memory.unstored_revocations();
        if revocations > 0 {
            tracing::warn!(
                revocations,
                "the store did not learn of every logout; these sessions are valid again until they expire"
            );
        }
        open_work.verifications.cut_off();
        self.ended.cancel();
        self.tasks.close();
        // A slow client of the admin routes must not delay the end.
        let _ = timeout(ADMIN_GRACE, self.tasks.wait()).await;
        // Every request has left its line and its spans by now.
        let (exports, logs) = (self.process.exports.clone(), Arc::clone(&self.process.logs));
        // There may be no thread for the logs, if all wait for files that do not end.
        let flush = timeout(LOGS_GRACE, spawn_blocking(move || logs.flush(LAST_LINES)));
        let _ = tokio::join!(exports.finish(LAST_SPANS), flush);
    }
}

/// How long the stop may wait for the destination of each log.
const LAST_LINES: Duration = Duration::from_secs(2);
/// How long the stop may wait for all logs.
const LOGS_GRACE: Duration = Duration::from_secs(3);
/// How long the stop may wait for the collector of traces.
const LAST_SPANS: Duration = Duration::from_secs(2);
const ADMIN_GRACE: Duration = Duration::from_secs(1);
/// How long a stop may take after its grace, at most.
const LAST_STEPS: Duration = Duration::from_secs(5);
