//! The addresses of an app, and whether requests should go there.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pingora_core::protocols::l4::socket::SocketAddr;

use crate::gateway::telemetry::UpstreamTelemetry;

/// One address of an app.
pub(super) struct Server {
    /// The place of its name in the configuration.
    pub(super) config_index: usize,
    pub(super) address: SocketAddr,
    /// Whether its last health checks were good. A server that is not checked is healthy.
    is_healthy: AtomicBool,
    /// When it was found.
    found: Instant,
    /// The end of its rest, in milliseconds since it was found.
    rests_until: AtomicU64,
}

/// The servers of an app as they are now.
pub(super) struct Servers {
    list: RwLock<Arc<[Arc<Server>]>>,
    pub(super) telemetry: UpstreamTelemetry,
}

impl Server {
    /// An address that was not used before.
    pub(super) fn new(config_index: usize, address: SocketAddr, now: Instant) -> Self {
        Self { config_index, address, is_healthy: AtomicBool::new(true), found: now, rests_until: AtomicU64::new(0) }
    }

    /// Whether its last health checks were good.
    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Relaxed)
    }

    /// Takes the result of health checks.
    pub(super) fn set_healthy(&self, is_healthy: bool) {
        self.is_healthy.store(is_healthy, Ordering::Relaxed);
        // Good checks have made connections.
        if is_healthy {
            self.rests_until.store(0, Ordering::Relaxed);
        }
    }

    /// Gets no requests for a while, because no connection to it could be made. Returns whether the rest begins now.
    pub(super) fn rest(&self, now: Instant) -> bool {
        self.rests_until.swap(self.age(now + REST), Ordering::Relaxed) <= self.age(now)
    }

    /// Whether it should get no requests now, unless all others rest too.
    pub(super) fn rests(&self, now: Instant) -> bool {
        let until = self.rests_until.load(Ordering::Relaxed);
        until > 0 && self.age(now) < until
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.found).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Servers {
    /// No servers yet.
    pub(super) fn new(telemetry: UpstreamTelemetry) -> Self {
        Self { list: RwLock::new(Arc::new([])), telemetry }
    }

    /// The servers, in the order of the configuration.
    pub(super) fn list(&self) -> Arc<[Arc<Server>]> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the servers that were found.
    pub(super) fn replace(&self, servers: Vec<Arc<Server>>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = servers.into();
    }

    /// Tells how many servers there are, how many of them get requests, and how many rest. The others are unhealthy.
    pub(super) fn count(&self, now: Instant) {
        let list = self.list();
        let (resting, up): (Vec<_>, Vec<_>) =
            list.iter().filter(|server| server.is_healthy()).partition(|server| server.rests(now));
        self.telemetry.servers(list.len(), up.len(), resting.len());
    }
}

/// As nginx and HAProxy rest a server by default.
const REST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};

    #[test]
    fn a_server_rests_for_ten_seconds() {
        let start = ManualClock::default().now();
        let server = Server::new(0, SocketAddr::Inet(([127, 0, 0, 1], 1).into()), start);
        let rests = |seconds| server.rests(start + Duration::from_secs(seconds));
        assert!(!rests(0));
        assert!(server.rest(start + Duration::from_secs(5)), "it begins");
        assert!(rests(5) && rests(14) && !rests(15));
        assert!(!server.rest(start + Duration::from_secs(6)), "it goes on");
        assert!(!rests(16) && server.rest(start + Duration::from_secs(16)), "another one begins");
        server.set_healthy(true);
        assert!(!rests(17), "a good health check ends it");
    }
}
