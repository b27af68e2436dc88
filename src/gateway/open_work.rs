//! The work that is open when a gateway stops.

use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::timeout;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerWaitFuture},
};

use super::{listeners::OpenConnections, traces::CurrentSpan};
use crate::tasks::Tasks;

/// What a stop waits for. Clones share it.
#[derive(Clone, Default)]
pub(super) struct OpenWork {
    pub(super) connections: OpenConnections,
    /// Has a token for each request.
    pub(super) in_flight: TaskTracker,
    pub(super) verifications: VerificationTasks,
}

impl OpenWork {
    /// Waits until all of it has ended, or the grace is over. To be called when no more can come.
    pub(super) async fn end(&self, grace: Duration) {
        if timeout(grace, self.all()).await.is_err() {
            let connections = self.connections.closed_when_idle.len() + self.connections.http_2.len();
            tracing::warn!(
                connections,
                requests = self.in_flight.len(),
                verifications = self.verifications.len(),
                "shutdown_grace is over; the connections and verifications that are left are cut off"
            );
        }
    }

    /// Waits for the connections and their requests, then for what they leave behind: verifications, and the last frames of
    /// their answers, which HTTP/2 writes after the end of a request.
    async fn all(&self) {
        let OpenConnections { closed_when_idle, http_2 } = &self.connections;
        for tracker in [closed_when_idle, http_2, &self.in_flight] {
            tracker.close();
        }
        // They have all of the requests, but for those of HTTP/2.
        closed_when_idle.wait().await;
        loop {
            self.in_flight.wait().await;
            // A connection whose client is gone would never close.
            if timeout(LAST_FRAMES, http_2.wait()).await.is_ok() || self.in_flight.is_empty() {
                break;
            }
        }
        self.verifications.wait().await;
    }
}

/// Verifies callbacks after they were answered, until that ends or is cut off. Clones share the tasks.
#[derive(Clone, Default)]
pub(super) struct VerificationTasks {
    tracker: TaskTracker,
    ended: CancellationToken,
}

impl VerificationTasks {
    /// How many run.
    pub(super) fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until none runs. To be called when no more can come.
    pub(super) fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        self.tracker.close();
        self.tracker.wait()
    }

    /// Ends those that still run.
    pub(super) fn cut_off(&self) {
        self.ended.cancel();
    }
}

impl Tasks for VerificationTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let ended = self.ended.clone();
        // What a request leaves behind belongs to its trace.
        let task = match CurrentSpan::get() {
            Some(span) => Box::pin(span.run(task)),
            None => task,
        };
        self.tracker.spawn(async move { ended.run_until_cancelled_owned(task).await });
    }
}

const LAST_FRAMES: Duration = Duration::from_secs(2);
