//! The work that is open when a gateway stops.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{assemble::VerificationTasks, listeners::OpenConnections};

/// What a stop waits for.
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

const LAST_FRAMES: Duration = Duration::from_secs(2);
