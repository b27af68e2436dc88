//! The apps behind the gateway: their servers, and where a request may still be sent.

mod attempts;
mod balancer;
mod discovery;
mod health;
mod peer;
mod roots;
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue, header};
use pingora_core::{Error, ErrorType, Result, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use smallvec::SmallVec;
use tokio_util::task::TaskTracker;

pub(super) use self::{
    attempts::Attempts,
    peer::with_authority,
    roots::{UpstreamRoots, UsualRoots, connector},
};
use self::{
    balancer::Balancer,
    discovery::Discovery,
    health::HealthChecks,
    peer::{PeerCertificates, peer},
    server::{Server, Servers},
};
use super::{
    BoxError,
    config::{HostMode, Protocol, UpstreamConfig},
    telemetry::UpstreamTelemetry,
    watcher::{Freshness, Reason, Watched},
};
use crate::{
    cause::{Cause, Failure, NoAddress},
    clock::{Clock as _, SystemClock},
    headers::{HeaderTarget, tokens},
};

/// An app, with the servers that it has now.
pub(super) struct Upstream {
    pub(super) config: UpstreamConfig,
    pub(super) telemetry: UpstreamTelemetry,
    /// Tells its connections from those of other apps, of this configuration and of earlier ones.
    id: u32,
    /// How each configured server is named in a request to it.
    authorities: Vec<HeaderValue>,
    certificates: PeerCertificates,
    discovery: Arc<Discovery>,
    balancer: Balancer,
    servers: Arc<Servers>,
    /// How many new connections were asked for.
    fresh: AtomicU32,
}

/// Tells which requests belong together, for a balancer that sends them to one server. It may be a secret.
pub(super) type AffinityKey = SmallVec<[u8; 32]>;

impl Upstream {
    /// An app whose servers are not found yet.
    ///
    /// # Errors
    ///
    /// When health checks need a client that cannot be set up.
    pub(super) fn new(
        config: UpstreamConfig,
        telemetry: UpstreamTelemetry,
        usual_roots: &UsualRoots,
    ) -> std::result::Result<Self, BoxError> {
        let names = config.servers.iter().map(|server| HeaderValue::from_str(&server.authority()));
        let authorities = names.collect::<std::result::Result<Vec<_>, _>>()?;
        let discovery = Arc::new(Discovery::new(&config.servers, telemetry.clone()));
        let servers = Arc::new(Servers::new(telemetry.clone()));
        let certificates = PeerCertificates::of(&config, usual_roots)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let peer = |config_index, protocol| peer(&config, &certificates, config_index, protocol);
        let checks = config.health.as_ref().map(|health| HealthChecks::new(&config, health, peer, &servers));
        let check = checks.transpose()?.map(|checks| Box::new(checks) as _);
        let balancer = Balancer::new(config.balance, &discovery, check);
        let fresh = AtomicU32::new(0);
        Ok(Self { config, telemetry, id, authorities, certificates, discovery, balancer, servers, fresh })
    }

    /// Looks for the addresses of all servers. Where that fails or changes nothing, everything stays the same.
    pub(super) async fn resolve(&self) -> Freshness {
        let updated = self.balancer.update().await;
        self.servers.replace(self.discovery.servers());
        if updated.is_ok() { self.freshness() } else { Freshness::Stale }
    }

    /// Whether the last look found an address of each server.
    pub(super) fn freshness(&self) -> Freshness {
        if self.discovery.is_current() { Freshness::Current } else { Freshness::Stale }
    }

    /// Asks the servers again and again whether they can serve, for as long as the future is polled.
    pub(super) async fn check_health(&self) {
        let Some(health) = &self.config.health else { return };
        loop {
            self.balancer.check().await;
            tokio::time::sleep(health.interval).await;
        }
    }

    /// The version of HTTP that a request is sent by: a WebSocket begins with HTTP/1.1.
    pub(super) fn protocol_for(&self, request: &RequestHeader) -> Protocol {
        match self.config.protocol {
            Protocol::Http2 if opens_web_socket(request) => Protocol::Http1,
            protocol => protocol,
        }
    }

    /// The server that a request is sent to next, and how to speak to it. The key tells which requests belong together.
    ///
    /// # Errors
    ///
    /// When no server is left.
    pub(super) fn next(
        &self,
        attempts: &mut Attempts,
        protocol: Protocol,
        now: Instant,
        key: impl FnOnce() -> AffinityKey,
    ) -> Result<Box<HttpPeer>> {
        let (server, key) = match attempts.take_retry() {
            // The pool has no connection for a new key.
            Some(server) => (Arc::clone(server), self.fresh.fetch_add(1, Ordering::Relaxed).wrapping_add(1)),
            None => {
                let server = self.choose(attempts, now, key)?;
                attempts.note(Arc::clone(&server));
                (server, 0)
            }
        };
        let mut peer = peer(&self.config, &self.certificates, server.config_index, protocol);
        peer._address = server.address.clone();
        peer.group_key = u64::from(self.id) << 32 | u64::from(key);
        Ok(peer)
    }

    fn choose(&self, attempts: &Attempts, now: Instant, key: impl FnOnce() -> AffinityKey) -> Result<Arc<Server>> {
        let servers = self.servers.list();
        let may_serve = |server: &Server| server.is_healthy() && !attempts.have_tried(server);
        if let [sole] = &servers[..]
            && may_serve(sole)
        {
            return Ok(Arc::clone(sole));
        }
        if servers.is_empty() {
            return Err(Error::because(ErrorType::ConnectNoRoute, "no server has an address", NoAddress::default()));
        }
        let key = key();
        let rested = self.balancer.choose(&key, |server| may_serve(server) && !server.rests(now));
        let any = rested.or_else(|| self.balancer.choose(&key, may_serve));
        // A random choice may have missed it.
        let any = any.or_else(|| servers.iter().find(|server| may_serve(server)).cloned());
        any.ok_or_else(|| {
            let cause = Failure::from(Cause::Unhealthy);
            Error::because(ErrorType::ConnectNoRoute, "no server is healthy", cause)
        })
    }

    /// Whether there is a server to which a request can still be sent.
    pub(super) fn has_left(&self, attempts: &Attempts) -> bool {
        self.servers.list().iter().any(|server| server.is_healthy() && !attempts.have_tried(server))
    }

    /// Plans to send a request again after its connection was lost. Returns whether it may be sent again.
    pub(super) fn plan_retry(&self, attempts: &mut Attempts, was_reused: bool) -> bool {
        attempts.plan_retry(was_reused, |attempts| self.has_left(attempts))
    }

    /// Lets the server that a request was sent to rest, because no connection to it could be made.
    pub(super) fn rest(&self, attempts: &Attempts, cause: Cause, now: Instant) {
        if let Some(server) = attempts.current()
            && server.rest(now)
        {
            let is_sole = self.servers.list().len() == 1;
            self.telemetry.server_rests(&server.address, cause, is_sole);
        }
    }

    /// Tells that a request failed, and at which server.
    pub(super) fn note_failure(&self, attempts: &Attempts, cause: Cause) {
        let server = attempts.current().filter(|_| cause != Cause::Unhealthy);
        self.telemetry.failure(server.map(|server| &server.address), cause);
    }

    /// Counts the servers by what is known of them now.
    pub(super) fn count_servers(&self) {
        self.servers.count(SystemClock.now());
    }

    /// Sets the host that the app shall see. A request without one, which HTTP/1.0 and HTTP/2 allow, gets the server's.
    pub(super) fn set_host(&self, request: &mut RequestHeader, attempts: &Attempts) -> Result<()> {
        let host = match &self.config.host {
            HostMode::Preserve if request.headers.contains_key(header::HOST) || request.uri.authority().is_some() => {
                return Ok(());
            }
            HostMode::Preserve | HostMode::Server => {
                &self.authorities[attempts.current().map_or(0, |server| server.config_index)]
            }
            HostMode::Fixed(host) => host,
        };
        request.insert_header(header::HOST, host.clone())
    }

    /// Sets the headers that the configuration adds to every request.
    pub(super) fn set_fixed_headers(&self, request: &mut impl HeaderTarget) {
        self.config.headers.iter().for_each(|(name, value)| request.insert(name, value.clone()));
    }
}

/// Looks for the servers of all apps at once.
pub(super) async fn resolve_all(upstreams: impl Iterator<Item = Arc<Upstream>>, tasks: &TaskTracker) {
    let looks = upstreams.map(|upstream| tasks.spawn(async move { upstream.resolve().await }));
    for look in looks.collect::<Vec<_>>() {
        // A look that panics has found nothing.
        let _ = look.await;
    }
}

/// Whether a request opens a WebSocket (RFC 6455 §4.1). A server may ignore any other upgrade (RFC 9110 §7.8).
fn opens_web_socket(request: &RequestHeader) -> bool {
    let lists = |name: HeaderName, word: &[u8]| {
        let mut listed = request.headers.get_all(name).iter().flat_map(tokens);
        listed.any(|token| token.trim_ascii().eq_ignore_ascii_case(word))
    };
    lists(header::UPGRADE, b"websocket") && lists(header::CONNECTION, b"upgrade")
}

/// A name may get other addresses.
impl Watched for Arc<Upstream> {
    const PERIOD: Duration = Duration::from_secs(30);

    async fn look(&mut self, _: Reason) -> Freshness {
        self.resolve().await
    }
}

/// The id of the next app of this process. Connections are kept for as long as threads, and so beyond a configuration.
static NEXT_ID: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests;
