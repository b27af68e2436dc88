//! One request on its way, and what is counted of it.

use std::{net::IpAddr, sync::Arc, time::Instant};

use http::{Extensions, Method, StatusCode};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{active_config::ActiveConfig, config::UpstreamId, connection_memory, upstream::Attempts};
use crate::clock::{Clock as _, SystemClock};

/// One request on its way.
pub(super) struct Exchange {
    pub(super) arrived: Instant,
    /// The configuration that was in force when it arrived, which serves it to its end.
    pub(super) active: Arc<ActiveConfig>,
    /// Its method; none after it was counted.
    pub(super) uncounted: Option<Method>,
    /// The status of the app's answer.
    pub(super) status: Option<StatusCode>,
    /// The extensions of the request after the gate has seen it: pingora would copy them for the app.
    pub(super) extensions: Extensions,
    /// The app that gets the request.
    pub(super) upstream: UpstreamId,
    pub(super) attempts: Attempts,
    /// The client's address, by which servers may be chosen.
    pub(super) client: Option<IpAddr>,
    pub(super) _in_flight: TaskTrackerToken,
}

impl Exchange {
    /// Counts the request, once.
    pub(super) fn count(&mut self, status: Option<StatusCode>) {
        if let Some(method) = self.uncounted.take() {
            let elapsed = SystemClock.now() - self.arrived;
            self.active.telemetry.request(&method, status.map_or(0, |status| status.as_u16()), elapsed);
        }
    }
}

/// Counts a request that is dropped because its session is over: pingora does not log it. A request that is not dropped has its
/// whole answer by now.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.count(self.status);
        connection_memory::note_end(self.active.config.timeouts.idle.map(|idle| SystemClock.now() + idle));
    }
}
