//! One request on its way, and what is counted and logged of it.

use std::{net::IpAddr, sync::Arc, time::Instant};

use http::{Extensions, Method, StatusCode};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    active_config::ActiveConfig,
    config::UpstreamId,
    connections::memory,
    logs::{AccessRecord, Answer, AskedApp},
    request_id::HttpRequestId,
    route_names::RouteId,
    telemetry::OpenGuard,
    traces::{RequestTrace, TracedEnd},
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
    /// None if the request passes with the trace that it brings; none after its end, too.
    pub(super) trace: Option<Box<RequestTrace>>,
    /// The code of truegate's own refusal, as far as a trace tells it.
    pub(super) refusal: Option<&'static str>,
    /// Its method; none after it was counted.
    pub(super) uncounted: Option<Method>,
    /// None until the gate has seen the request.
    pub(super) route: RouteId,
    /// When the request was first sent to a server of the app.
    pub(super) sent: Option<Instant>,
    /// When the head of the app's answer came.
    pub(super) answered: Option<Instant>,
    /// The status of the app's answer.
    pub(super) status: Option<StatusCode>,
    /// Counts the request as a WebSocket, if it is one.
    pub(super) web_socket: Option<OpenGuard>,
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
    /// Takes note that the request is sent to a server of the app, and returns when that is.
    pub(super) fn note_sent(&mut self) -> Instant {
        let now = SystemClock.now();
        self.sent.get_or_insert(now);
        now
    }

    /// Takes note of the head of the app's answer.
    pub(super) fn note_answer(&mut self, status: StatusCode) {
        let (Some(sent), None) = (self.sent, self.answered) else { return };
        let now = SystemClock.now();
        (self.status, self.answered) = (Some(status), Some(now));
        self.active.upstream(self.upstream).telemetry.answer(now - sent);
    }

    /// Counts and logs the request, once.
    pub(super) fn end(&mut self, status: Option<StatusCode>) {
        let Some(method) = self.uncounted.take() else { return };
        let (active, ended) = (&self.active, SystemClock.now());
        let code = status.map_or(0, |status| status.as_u16());
        active.telemetry.request(&active.route_metrics, self.route, &method, code, ended - self.arrived);
        if let Some(record) = self.record.take() {
            let (time, server, name) =
                (SystemClock.wall(), self.attempts.address(), &active.upstream(self.upstream).config.name);
            let app = self.sent.map(|sent| AskedApp { name, sent, answered: self.answered });
            let trace = self.trace.as_ref().and_then(|trace| trace.id());
            record.write(&Answer { status, arrived: self.arrived, ended, time, app, server, trace });
        }
        if let Some(trace) = self.trace.take() {
            let (route, refusal) = (active.routes.told(self.route), self.refusal);
            trace.end(&TracedEnd { method: &method, route, status, refusal, ended });
        }
    }
}

/// Counts and logs a request that is dropped because its session is over: pingora does not log it. A request that is not dropped has its
/// whole answer by now.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(self.status);
        memory::note_end(self.active.config.timeouts.idle.map(|idle| SystemClock.now() + idle));
    }
}
