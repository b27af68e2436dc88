//! What is counted and logged of the apps and their servers.

use std::{sync::Arc, time::Duration};

use pingora_core::protocols::l4::socket::SocketAddr;
use tracing::{debug, field::display, info, warn};

use super::BETWEEN_LINES;
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gateway::{
        admin::UpstreamMetrics,
        log_limit::{LogLimit, Suppressed},
    },
};

/// Counts and logs what happens to one app. Clones share their counts.
#[derive(Clone)]
pub(in crate::gateway) struct UpstreamTelemetry(Arc<SharedUpstream>);

struct SharedUpstream {
    name: String,
    metrics: UpstreamMetrics,
    limit: LogLimit,
}

impl UpstreamTelemetry {
    pub(super) fn new(name: &str, metrics: UpstreamMetrics) -> Self {
        Self(Arc::new(SharedUpstream { name: name.to_owned(), metrics, limit: LogLimit::default() }))
    }

    /// A callback could not be sent to the app, which is logged with the callback.
    pub(super) fn count_failure(&self, cause: Cause) {
        self.0.metrics.fail(cause);
    }

    /// The app could not be reached, or broke off. The server is the last one that was tried.
    pub(in crate::gateway) fn failure(&self, server: Option<&SocketAddr>, cause: Cause) {
        self.0.metrics.fail(cause);
        let (upstream, server) = (&self.0.name, server.map(display));
        log!(
            self[cause.code()],
            warn!(upstream, server, cause = cause.code(), tls = cause.detail()),
            "upstream failed"
        );
    }

    /// The head of the app's answer has come so long after the request was first sent.
    pub(in crate::gateway) fn answer(&self, elapsed: Duration) {
        self.0.metrics.answers.observe(elapsed);
    }

    /// The app has so many servers. So many of them get requests, and so many rest.
    pub(in crate::gateway) fn servers(&self, known: usize, up: usize, resting: usize) {
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.0.metrics.known.set(count(known));
        self.0.metrics.up.set(count(up));
        self.0.metrics.resting.set(count(resting));
    }

    /// A server begins to rest. The only server of an app gets all requests even so.
    pub(in crate::gateway) fn server_rests(&self, server: &SocketAddr, cause: Cause, is_sole: bool) {
        let (upstream, cause, tls) = (&self.0.name, cause.code(), cause.detail());
        if is_sole {
            warn!(
                upstream,
                %server,
                cause,
                tls,
                "no connection to the only server of an app could be made; the server is asked again at each request"
            );
        } else {
            warn!(
                upstream,
                %server,
                cause,
                tls,
                "no connection to a server could be made; for 10 seconds it gets requests only if no other server is left"
            );
        }
    }

    /// The name of a server could not be resolved.
    pub(in crate::gateway) fn failed_lookup(&self, host: &str, cause: Cause) {
        let (upstream, cause) = (&self.0.name, cause.code());
        warn!(
            upstream,
            host, cause, "the name of a server could not be resolved; addresses that were found before stay in use"
        );
    }

    /// Health checks have changed what is known of a server.
    pub(in crate::gateway) fn server_health(&self, server: &SocketAddr, is_healthy: bool) {
        let upstream = &self.0.name;
        match is_healthy {
            true => info!(upstream, %server, "a server is healthy again"),
            false => warn!(upstream, %server, "a server is unhealthy and gets no new requests"),
        }
    }

    fn admit(&self, kind: (&'static str, &'static str), period: Duration) -> Option<Suppressed> {
        self.0.limit.admit(kind, period, SystemClock.now())
    }
}
