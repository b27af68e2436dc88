//! The apps behind the gateway: their servers, and where a request may still be sent.

mod attempts;
mod balancer;
mod discovery;
mod health;
mod roots;
mod server;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderValue, Uri, header, uri::PathAndQuery};
use pingora_core::{
    Error, ErrorType, OrErr as _, Result,
    protocols::tls::CaType,
    upstreams::peer::{ALPN, HttpPeer},
    utils::tls::{CertKey, WrappedX509, parse_x509},
};
use pingora_http::RequestHeader;
use smallvec::SmallVec;

pub(super) use self::{
    attempts::Attempts,
    roots::{UpstreamRoots, connector},
};
use self::{balancer::Balancer, discovery::Discovery, health::HealthChecks, server::Server};
use super::{
    BoxError,
    config::{HostMode, Protocol, Scheme, Trust, UpstreamConfig, UpstreamId},
    telemetry::UpstreamTelemetry,
    watcher::{Freshness, Reason, Watched},
};
use crate::{
    cause::{Cause, Failure, NoAddress},
    headers::HeaderTarget,
    tls,
};

/// An app, with the servers that it has now.
pub(super) struct Upstream {
    pub(super) config: UpstreamConfig,
    pub(super) telemetry: UpstreamTelemetry,
    /// Tells its connections from those of other apps.
    id: u64,
    /// How each configured server is named in a request to it.
    authorities: Vec<HeaderValue>,
    certificates: Certificates,
    discovery: Arc<Discovery>,
    balancer: Balancer,
    servers: Arc<Servers>,
    /// How many new connections were asked for.
    fresh: AtomicU64,
}

/// The certificates of TLS to an app, in pingora's form.
struct Certificates {
    /// The roots that the app is trusted by, in place of the usual ones.
    roots: Option<Arc<CaType>>,
    /// What the gateway shows.
    client: Option<Arc<CertKey>>,
}

/// The servers of an app as they are now.
struct Servers {
    list: RwLock<Arc<[Arc<Server>]>>,
    telemetry: UpstreamTelemetry,
}

/// Tells which requests belong together, for a balancer that sends them to one server. It may be a secret.
pub(super) type AffinityKey = SmallVec<[u8; 32]>;

/// The version of HTTP that one request is sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// What the app is configured for.
    AsConfigured,
    /// HTTP/1.1, because a WebSocket begins with it.
    Http1,
}

impl Upstream {
    /// An app whose servers are not found yet.
    ///
    /// # Errors
    ///
    /// When health checks need a client that cannot be set up.
    pub(super) fn new(
        id: UpstreamId,
        config: UpstreamConfig,
        telemetry: UpstreamTelemetry,
    ) -> std::result::Result<Self, BoxError> {
        let names = config.servers.iter().map(|server| HeaderValue::from_str(&server.authority()));
        let authorities = names.collect::<std::result::Result<Vec<_>, _>>()?;
        let discovery = Arc::new(Discovery::new(&config.servers, telemetry.clone()));
        let servers = Arc::new(Servers { list: RwLock::new(Arc::new([])), telemetry: telemetry.clone() });
        let certificates = Certificates::of(&config)?;
        let id = u64::try_from(id.index())?;
        let peer = |named| peer(&config, &certificates, named);
        let checks = config.health.as_ref().map(|health| HealthChecks::new(&config, health, peer, &servers));
        let check = checks.transpose()?.map(|checks| Box::new(checks) as _);
        let balancer = Balancer::new(config.balance, &discovery, check);
        let fresh = AtomicU64::new(0);
        Ok(Self { config, telemetry, id, authorities, certificates, discovery, balancer, servers, fresh })
    }

    /// Looks for the addresses of all servers. Where that fails or changes nothing, everything stays the same.
    pub(super) async fn resolve(&self) -> Freshness {
        let updated = self.balancer.update().await;
        self.servers.replace(self.discovery.servers());
        if updated.is_ok() && self.discovery.is_current() { Freshness::Current } else { Freshness::Stale }
    }

    /// Asks the servers again and again whether they can serve, for as long as the future is polled.
    pub(super) async fn check_health(&self) {
        let Some(health) = &self.config.health else { return };
        loop {
            self.balancer.check().await;
            tokio::time::sleep(health.interval).await;
        }
    }

    /// The version of HTTP that a request is sent by.
    pub(super) fn version_for(&self, request: &RequestHeader) -> Version {
        match self.config.protocol {
            Protocol::Http2 if request.headers.contains_key(header::UPGRADE) => Version::Http1,
            Protocol::Http1 | Protocol::Http2 => Version::AsConfigured,
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
        version: Version,
        now: Instant,
        key: impl FnOnce() -> AffinityKey,
    ) -> Result<Box<HttpPeer>> {
        let (server, key) = match attempts.take_again() {
            // The pool has no connection for a new key.
            Some(server) => (Arc::clone(server), 1 + self.fresh.fetch_add(1, Ordering::Relaxed)),
            None => {
                let server = self.choose(attempts, now, key)?;
                attempts.note(Arc::clone(&server));
                (server, 0)
            }
        };
        let mut peer = peer(&self.config, &self.certificates, server.named);
        peer._address = server.address.clone();
        peer.group_key = self.id << 48 | key;
        if version == Version::AsConfigured {
            speak_http2(&mut peer, &self.config);
        }
        Ok(peer)
    }

    fn choose(&self, attempts: &Attempts, now: Instant, key: impl FnOnce() -> AffinityKey) -> Result<Arc<Server>> {
        let servers = self.servers.list();
        let may_serve = |server: &Server| server.is_well() && !attempts.have_tried(server);
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
        self.servers.list().iter().any(|server| server.is_well() && !attempts.have_tried(server))
    }

    /// Plans to send a request again after its connection was lost. Returns whether it may be sent again.
    pub(super) fn plan_again(&self, attempts: &mut Attempts, was_reused: bool) -> bool {
        attempts.plan_again(was_reused, |attempts| self.has_left(attempts))
    }

    /// Lets the server that a request was sent to rest, because no connection to it could be made.
    pub(super) fn rest(&self, attempts: &Attempts, now: Instant) {
        attempts.current().into_iter().for_each(|server| server.rest(now));
    }

    /// Names the host that the app shall see. A request without one, which HTTP/1.0 and HTTP/2 allow, gets the server's.
    pub(super) fn name_host(&self, request: &mut RequestHeader, attempts: &Attempts) -> Result<()> {
        let host = match &self.config.host {
            HostMode::Preserve if request.headers.contains_key(header::HOST) || request.uri.authority().is_some() => {
                return Ok(());
            }
            HostMode::Preserve | HostMode::Server => {
                &self.authorities[attempts.current().map_or(0, |server| server.named)]
            }
            HostMode::Fixed(host) => host,
        };
        request.insert_header(header::HOST, host.clone())
    }

    /// Sets the headers that the configuration adds to every request.
    pub(super) fn fix_headers(&self, request: &mut impl HeaderTarget) {
        self.config.headers.iter().for_each(|(name, value)| request.insert(name, value.clone()));
    }
}

/// How to speak to the servers with a name. The address is still to be set.
fn peer(config: &UpstreamConfig, certificates: &Certificates, named: usize) -> Box<HttpPeer> {
    let tls = config.tls.as_ref();
    // Without a name pingora would verify no certificate.
    let sni = tls.map_or_else(String::new, |tls| {
        tls.server_name.clone().unwrap_or_else(|| config.servers[named].host().to_owned())
    });
    let mut peer = Box::new(HttpPeer::new(NOWHERE, tls.is_some(), sni));
    peer.options.connection_timeout = config.timeouts.connect;
    peer.options.total_connection_timeout = config.timeouts.connect;
    peer.options.read_timeout = config.timeouts.read;
    peer.options.write_timeout = config.timeouts.write;
    peer.options.idle_timeout = Some(config.timeouts.idle);
    if let Some(tls) = tls {
        peer.options.ca = certificates.roots.clone();
        peer.client_cert_key = certificates.client.clone();
        let verifies = !matches!(tls.trust, Trust::InsecureAnyone);
        peer.options.verify_cert = verifies;
        peer.options.verify_hostname = verifies;
    }
    peer
}

/// Speaks HTTP/2 to an app that is configured so.
fn speak_http2(peer: &mut HttpPeer, config: &UpstreamConfig) {
    if config.protocol == Protocol::Http2 {
        peer.options.alpn = if config.tls.is_some() { ALPN::H2H1 } else { ALPN::H2 };
        peer.options.max_h2_streams = STREAMS;
    }
}

/// Names the host of a request in its target too, for either version of HTTP: HTTP/2 asks for it, and pingora sends the path
/// alone by HTTP/1.1.
pub(super) fn with_authority(request: &mut RequestHeader, scheme: Scheme) -> Result<()> {
    let scheme = if scheme == Scheme::Https { "https" } else { "http" };
    let authority = request.headers.get(header::HOST).map_or(&[][..], HeaderValue::as_bytes);
    let target = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(target).build();
    request.set_uri(uri.or_err(ErrorType::InvalidHTTPHeader, "the host is not one of HTTP/2")?);
    Ok(())
}

impl Certificates {
    fn of(config: &UpstreamConfig) -> std::result::Result<Self, BoxError> {
        let Some(tls) = &config.tls else { return Ok(Self { roots: None, client: None }) };
        let roots = match &tls.trust {
            Trust::Only(pem) => {
                let roots = tls::certificates(pem)?.into_iter().map(|root| WrappedX509::new(root.to_vec(), parse_x509));
                Some(roots.collect())
            }
            Trust::Public | Trust::InsecureAnyone => None,
        };
        let client = tls.client.as_ref().map(|client| {
            let chain = client.chain.iter().map(|certificate| certificate.to_vec()).collect();
            Arc::new(CertKey::new(chain, client.key.secret_der().to_vec()))
        });
        Ok(Self { roots, client })
    }
}

impl Servers {
    fn list(&self) -> Arc<[Arc<Server>]> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, servers: Vec<Arc<Server>>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = servers.into();
        self.count();
    }

    /// Tells how many servers there are, and how many of them are well.
    fn count(&self) {
        let list = self.list();
        self.telemetry.servers(list.len(), list.iter().filter(|server| server.is_well()).count());
    }
}

/// A name may get other addresses.
impl Watched for Arc<Upstream> {
    const PERIOD: Duration = Duration::from_secs(30);

    async fn look(&mut self, _: Reason) -> Freshness {
        self.resolve().await
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How many requests share one HTTP/2 connection. The gateway opens another connection for more.
const STREAMS: usize = 100;

#[cfg(test)]
mod tests;
