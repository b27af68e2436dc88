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
mod guard;
mod spans;
mod store;
mod upstream;

use std::{
    collections::HashSet,
    io,
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
    log_limit::{LogLimit, Suppressed},
    logs::{LineLoss, LogName},
    proxy_header::ProxyHeaderError,
    rejection::EdgeRejection,
    route_names::{RouteId, RouteNames},
    traces,
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gate::{AppLoginOutcome, CallbackOutcome, Event, FetchOutcome, LoginEvent, Observer, VerificationOutcome},
    identity::VerificationMethod,
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

    /// A browser opened the login over http, so the login cannot succeed.
    fn insecure_login(&self) {
        if self.admit(("insecure login", ""), BETWEEN_WARNINGS).is_some() {
            warn!(
                "a login was opened over http although public_url is https, so the browser drops its cookies; open it over \
                 https, or list the proxy that speaks https in trusted_proxies"
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

    /// A line of a log is lost, because too many wait to be written.
    pub(super) fn full_log(&self, log: LogName) {
        self.lost_lines(log, LineLoss::Full, 1);
        let (log, cause) = (log.code(), LineLoss::Full.code());
        log!(self[log], warn!(log, cause), "lines of a log are lost");
    }

    /// A line of a log is left out, because clients cause too many of its kind.
    pub(super) fn limited_log(&self, log: LogName) {
        self.lost_lines(log, LineLoss::Limited, 1);
    }

    /// Lines of a log are lost, because they could not be written.
    pub(super) fn failed_log(&self, log: LogName, lines: u64, error: &io::Error) {
        self.lost_lines(log, LineLoss::Failed, lines);
        let (log, cause) = (log.code(), LineLoss::Failed.code());
        log!(self[cause], warn!(log, cause, lines, %error), "lines of a log are lost");
    }

    fn lost_lines(&self, log: LogName, loss: LineLoss, lines: u64) {
        self.0.metrics.lost_log_lines.add(&(log, loss), lines);
    }

    /// The file of a log could not be opened again.
    pub(super) fn kept_log_file(&self, log: LogName, error: &io::Error) {
        let log = log.code();
        warn!(log, %error, "the file of a log could not be opened again; its lines go where they went before");
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

impl Observer for Telemetry {
    fn observe(&self, event: Event) {
        let metrics = &self.0.metrics;
        match event {
            Event::Callback { outcome, elapsed } => {
                metrics.callbacks.count(&outcome);
                // A callback that was only acknowledged gets its verdict later.
                if outcome != CallbackOutcome::Acknowledged {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let (word, elapsed_ms) = (outcome.code(), milliseconds(elapsed));
                match outcome {
                    CallbackOutcome::Verified => info!(outcome = word, elapsed_ms, "callback"),
                    _ => log!(self[word], info!(outcome = word, elapsed_ms), "callback"),
                }
            }
            Event::AppLogin { method, outcome, elapsed } => {
                metrics.app_logins.count(&(method, outcome));
                metrics.verification.observe(elapsed.as_secs_f64());
                let (method, word, elapsed_ms) =
                    (method.map(VerificationMethod::code), outcome.code(), milliseconds(elapsed));
                match outcome {
                    AppLoginOutcome::Verified => info!(method, outcome = word, elapsed_ms, "app login"),
                    _ => log!(self[word], info!(method, outcome = word, elapsed_ms), "app login"),
                }
            }
            Event::Verification { outcome, elapsed } => {
                metrics.verifications.count(&outcome);
                let had_no_verdict = matches!(outcome, VerificationOutcome::NoLogin | VerificationOutcome::Repeated);
                if !had_no_verdict {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let (word, elapsed_ms) = (outcome.code(), milliseconds(elapsed));
                match outcome {
                    VerificationOutcome::Verified => info!(outcome = word, elapsed_ms, "verification"),
                    _ if had_no_verdict => debug!(outcome = word, elapsed_ms, "verification"),
                    _ => log!(self[word], info!(outcome = word, elapsed_ms), "verification"),
                }
            }
            Event::Fetch { outcome, elapsed } => {
                metrics.fetches.count(&outcome);
                metrics.fetch.observe(elapsed.as_secs_f64());
                traces::note_fetch(outcome, elapsed);
                self.fetch(outcome, elapsed);
            }
            Event::Refusal(rejection) => {
                metrics.refusals.count(&rejection.code());
                log!(self[rejection.code()], info!(reason = rejection.code()), "refused");
            }
            Event::Login(event) => {
                metrics.logins.count(&event);
                match event {
                    LoginEvent::Verified | LoginEvent::LoggedOut | LoginEvent::Revoked => {
                        info!(event = event.code(), "login");
                    }
                    _ => log!(self[event.code()], info!(event = event.code()), "login"),
                }
            }
            Event::Revocation(scope) => debug!(scope = scope.code(), "revocation"),
            Event::StoreFailure(cause) => {
                metrics.store_failures.count(&cause);
                log!(self[cause.code()], warn!(cause = cause.code(), tls = cause.detail()), "the store did not answer");
            }
            Event::InsecureLogin => self.insecure_login(),
            Event::Spoof(channel) => {
                metrics.spoofs.count(&channel);
                log!(self[channel.code()], warn!(channel = channel.code()), "spoofed identity stripped");
            }
        }
    }
}

impl Telemetry {
    /// A profile that cannot be fetched is the operator's business; a refused token is the caller's.
    fn fetch(&self, outcome: FetchOutcome, elapsed: Duration) {
        let (result, cause, elapsed_ms) = (outcome.code(), outcome.cause(), milliseconds(elapsed));
        let (cause, tls) = (cause.map(Cause::code), cause.and_then(Cause::detail));
        match outcome {
            FetchOutcome::Fetched | FetchOutcome::Refused => debug!(result, cause, tls, elapsed_ms, "profile"),
            _ => log!(self[cause.unwrap_or(result)], warn!(result, cause, tls, elapsed_ms), "profile"),
        }
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
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);
