//! One request on its way, and what is counted and logged of it.

use std::{net::IpAddr, sync::Arc, time::Instant};

use http::{Extensions, Method, StatusCode};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    active_config::ActiveConfig,
    config::UpstreamId,
    connection_memory,
    logs::{AccessRecord, Answer},
    request_id::HttpRequestId,
    upstream::Attempts,
};
use crate::clock::{Clock as _, SystemClock};

/// One request on its way.
pub(super) struct Exchange {
    pub(super) arrived: Instant,
    /// The configuration that was in force when it arrived, which serves it to its end.
    pub(super) active: Arc<ActiveConfig>,
    /// The beginnings of its line in the access log, if there is such a log; none after it was written.
    pub(super) record: Option<Box<AccessRecord>>,
    /// None if requests get no ids.
    pub(super) request_id: Option<HttpRequestId>,
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
    /// Counts and logs the request, once.
    pub(super) fn end(&mut self, status: Option<StatusCode>) {
        let Some(method) = self.uncounted.take() else { return };
        let ended = SystemClock.now();
        self.active.telemetry.request(&method, status.map_or(0, |status| status.as_u16()), ended - self.arrived);
        if let Some(record) = self.record.take() {
            let (time, server) = (SystemClock.wall(), self.attempts.address());
            record.write(&Answer { status, arrived: self.arrived, ended, time, server });
        }
    }
}

/// Counts and logs a request that is dropped because its session is over: pingora does not log it. A request that is not dropped has its
/// whole answer by now.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(self.status);
        connection_memory::note_end(self.active.config.timeouts.idle.map(|idle| SystemClock.now() + idle));
    }
}
