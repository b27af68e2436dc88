//! One request on its way, and what is counted of it.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use http::{Extensions, Method, StatusCode};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{config::UpstreamId, connection_memory, telemetry::Telemetry, upstream::Attempts};
use crate::clock::{Clock as _, SystemClock};

/// One request on its way.
pub(super) struct Exchange {
    pub(super) arrived: Instant,
    pub(super) telemetry: Telemetry,
    /// Its method; none after it was counted.
    pub(super) uncounted: Option<Method>,
    /// The status of the app's answer.
    pub(super) status: Option<StatusCode>,
    /// The extensions of the request after the gate has seen it: pingora would copy them for the app.
    pub(super) extensions: Extensions,
    /// How long the connection may wait for its next request.
    pub(super) idle: Option<Duration>,
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
            self.telemetry.request(&method, status.map_or(0, |status| status.as_u16()), elapsed);
        }
    }
}

/// Counts a request that is dropped because its session is over: pingora does not log it. A request that is not dropped has its
/// whole answer by now.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.count(self.status);
        connection_memory::note_end(self.idle.map(|idle| SystemClock.now() + idle));
    }
}
