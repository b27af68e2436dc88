//! Counts and logs events, with words from closed sets and never a secret.

/// Logs a line that strangers can cause: at most one of its kind in a second, with the number of those that were left out. The
/// level of details has all of them.
macro_rules! log {
    ($telemetry:ident[$word:expr], $loud:ident!($($field:tt)*), $message:literal) => {
        match $telemetry.admit(($message, $word), BETWEEN_LINES) {
            Some(suppressed) => $loud!($($field)*, suppressed, $message),
            None => debug!($($field)*, $message),
        }
    };
}

mod certificate;
mod gate;
mod guard;
mod logs;
mod spans;
mod store;
mod upstream;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Method;
use tracing::{debug, error, info, warn};

pub(super) use self::{
    certificate::CertificateTelemetry, guard::OpenGuard, spans::SpanLoss, store::StoreTelemetry,
    upstream::UpstreamTelemetry,
};
use super::{
    admin::{AdminRefusal, ConnectionFailure, FINISHED, LoginRefusal, Metrics, RouteMetrics, class, unix_seconds},
    connections::ProxyHeaderError,
    log_limit::{LogLimit, Suppressed},
    rejection::EdgeRejection,
    route_names::{RouteId, RouteNames},
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
};

/// Counts and logs what happens in a gateway. Clones share their counts.
#[derive(Clone)]
pub(super) struct Telemetry(Arc<Shared>);

struct Shared {
    metrics: Metrics,
    limit: LogLimit,
    /// The peers that send a proxy's headers and were warned of, up to [`PEERS`].
    peers: Mutex<HashSet<IpAddr>>,
}

impl Telemetry {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self(Arc::new(Shared { metrics, limit: LogLimit::default(), peers: Mutex::default() }))
    }

    fn admit(&self, kind: (&'static str, &'static str), period: Duration) -> Option<Suppressed> {
        self.0.limit.admit(kind, period, SystemClock.now())
    }

    /// A request has ended. A status of 0 means that the client had left before the answer.
    pub(super) fn request(
        &self,
        routes: &RouteMetrics,
        route: RouteId,
        method: &Method,
        status: u16,
        elapsed: Duration,
    ) {
        self.0.metrics.responses.count(&status);
        routes.of(route.index(), status).into_iter().for_each(|durations| durations.observe(elapsed));
        debug!(method = known(method), status, elapsed_ms = milliseconds(elapsed), "request");
    }

    /// A peer that is not trusted says where a request came from. It may be a proxy that is not listed.
    pub(super) fn untrusted_proxy(&self, peer: IpAddr) {
        let mut peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() < PEERS && peers.insert(peer) {
            warn!(
                %peer,
                add = format!("trusted_proxies: [\"{peer}\"]"),
                "X-Forwarded-Proto is ignored, because it comes from a peer that is not trusted; if the peer is your proxy, list it"
            );
        }
    }

    /// The gateway itself refused a request.
    pub(super) fn refusal(&self, rejection: EdgeRejection) {
        self.0.metrics.refusals.count(&rejection.code());
        log!(self[rejection.code()], info!(reason = rejection.code()), "refused");
    }

    /// A connection was closed because its TLS handshake failed or took too long.
    pub(super) fn failed_handshake(&self, cause: Cause) {
        self.0.metrics.failed_connections.count(&ConnectionFailure::Tls);
        let (code, tls) = (cause.code(), cause.detail());
        log!(self[tls.unwrap_or(code)], info!(cause = code, tls), "a TLS handshake failed");
    }

    /// A connection was closed because no trusted proxy said which client it is from.
    pub(super) fn refused_proxy(&self, error: ProxyHeaderError) {
        let Some(failure) = ConnectionFailure::of(error) else { return };
        self.0.metrics.failed_connections.count(&failure);
        log!(
            self[failure.code()],
            warn!(cause = failure.code()),
            "a connection without a trusted PROXY header was closed"
        );
    }

    /// A connection could not be accepted, as the system has no descriptor or no memory for it.
    pub(super) fn failed_accept(&self) {
        self.0.metrics.failed_connections.count(&ConnectionFailure::Accept);
        log!(self["accept"], error!(cause = "accept"), "a connection could not be accepted");
    }

    /// Counts a connection of a client as an open one until the guard is dropped.
    pub(super) fn open_connection(&self) -> OpenGuard {
        OpenGuard::new(&self.0.metrics.open_connections)
    }

    /// Counts a WebSocket as an open one until the guard is dropped.
    pub(super) fn open_web_socket(&self) -> OpenGuard {
        OpenGuard::new(&self.0.metrics.open_web_sockets)
    }

    /// Counts requests on the routes of a configuration.
    pub(super) fn routes(&self, names: &RouteNames) -> RouteMetrics {
        self.0.metrics.routes(names.names())
    }

    /// Counts what the store is asked for.
    pub(super) fn store(&self) -> StoreTelemetry {
        StoreTelemetry::new(&self.0.metrics)
    }

    /// Counts and logs what happens to one app.
    pub(super) fn upstream(&self, name: &str) -> UpstreamTelemetry {
        UpstreamTelemetry::new(name, self.0.metrics.upstream(name))
    }

    /// Counts and logs what happens to the certificate of a host.
    pub(super) fn certificate(&self, host: &str) -> CertificateTelemetry {
        CertificateTelemetry::new(host, self.0.metrics.certificate(host))
    }

    /// A callback was sent to the app after it was answered. The answer is the status of the app, or why there is none.
    pub(super) fn delivery(&self, upstream: &UpstreamTelemetry, answer: Result<u16, Cause>) {
        let status = answer.unwrap_or(0);
        self.0.metrics.deliveries.count(&status);
        let class = class(status);
        match answer {
            Ok(100..500) => log!(self[class], info!(class), "callback forwarded"),
            Ok(_) => log!(self[class], warn!(class), "callback forwarded"),
            Err(cause) => {
                upstream.count_failure(cause);
                let (code, tls) = (cause.code(), cause.detail());
                log!(self[code], warn!(class, cause = code, tls), "callback forwarded");
            }
        }
    }

    /// The site's server finished a login, or could not.
    pub(super) fn site_login(&self, finished: Result<(), LoginRefusal>) {
        let outcome = finished.map_or_else(LoginRefusal::code, |()| FINISHED);
        self.0.metrics.site_logins.count(&outcome);
        match finished {
            // The event of the login is logged as well.
            Ok(()) => debug!(outcome, "login of the site"),
            Err(LoginRefusal::LoginOver) => log!(self[outcome], info!(outcome), "login of the site"),
            Err(_) => log!(self[outcome], warn!(outcome), "login of the site"),
        }
    }

    /// A request for an admin route was refused.
    pub(super) fn admin_refusal(&self, refusal: AdminRefusal) {
        self.0.metrics.admin_refusals.count(&refusal);
        let reason = refusal.code();
        log!(self[reason], warn!(reason), "an admin request was refused");
    }

    /// A file of phone numbers was looked at, or is no longer looked at.
    pub(super) fn phones_file(&self, was_faulty: bool, is_faulty: bool) {
        self.0.metrics.unusable_phones_files.inc_by(i64::from(is_faulty) - i64::from(was_faulty));
    }

    /// A configuration was taken over, or refused.
    pub(super) fn reload(&self, is_successful: bool) {
        self.0.metrics.reload.set(i64::from(is_successful));
        if is_successful {
            self.0.metrics.reload_success.set(unix_seconds(SystemClock.wall()));
        }
    }

    /// Drops the series of the apps and the certificates that a configuration no longer has.
    pub(super) fn forget(&self, upstreams: impl Iterator<Item = String>, hosts: impl Iterator<Item = String>) {
        upstreams.for_each(|name| self.0.metrics.forget_upstream(&name));
        hosts.for_each(|host| self.0.metrics.forget_certificate(&host));
    }
}

/// The name of a method, unless a client invented it.
fn known(method: &Method) -> &str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// How many peers are warned of. There is a limit because any client can send such a header.
const PEERS: usize = 100;
const BETWEEN_LINES: Duration = Duration::from_secs(1);
