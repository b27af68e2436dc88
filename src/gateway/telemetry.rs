//! Counts and logs events, with words from closed sets and never a secret.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::Method;
use tracing::{debug, info, warn};

use super::{
    admin::{Metrics, class},
    rejection::EdgeRejection,
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gate::{CallbackOutcome, Event, FetchOutcome, Observer, Rejection, VerificationOutcome},
};

/// Logs a line at the level of details if anyone can cause as many of them as they like.
macro_rules! log {
    (quiet if $is_quiet:expr, $loud:ident!($($line:tt)*)) => {
        if $is_quiet { debug!($($line)*) } else { $loud!($($line)*) }
    };
}

/// Counts and logs what happens in a gateway. Clones share their counts.
#[derive(Clone)]
pub(super) struct Telemetry(Arc<Metrics>, Arc<Warned>);

/// The warnings that were given already.
#[derive(Default)]
struct Warned {
    /// The peers that send a proxy's headers, up to [`PEERS`].
    peers: Mutex<HashSet<IpAddr>>,
    insecure: Mutex<Option<Instant>>,
}

impl Telemetry {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self(Arc::new(metrics), Arc::default())
    }

    /// A request has ended. A status of 0 means that the client had left before the answer.
    pub(super) fn request(&self, method: &Method, status: u16, elapsed: Duration) {
        self.0.responses.count(&status);
        debug!(method = known(method), status, elapsed_ms = milliseconds(elapsed), "request");
    }

    /// A peer that is not trusted says where a request came from. It may be a proxy that is not listed.
    pub(super) fn untrusted_proxy(&self, peer: IpAddr) {
        let mut peers = self.1.peers.lock().unwrap_or_else(PoisonError::into_inner);
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
        let (mut warned, now) = (self.1.insecure.lock().unwrap_or_else(PoisonError::into_inner), SystemClock.now());
        if warned.is_none_or(|warned| now.duration_since(warned) >= BETWEEN_WARNINGS) {
            *warned = Some(now);
            warn!(
                "a login was opened over http although public_url is https, so the browser drops its cookies; open it over \
                 https, or list the proxy that speaks https in trusted_proxies"
            );
        }
    }

    /// The gateway itself refused a request.
    pub(super) fn refusal(&self, rejection: EdgeRejection) {
        self.0.refusals.count(&rejection.code());
        info!(reason = rejection.code(), "refused");
    }

    /// The app could not be reached, or broke off.
    pub(super) fn upstream_failure(&self, cause: Cause) {
        self.0.upstream_failures.count(&cause);
        warn!(cause = cause.code(), tls = cause.detail(), "upstream failed");
    }

    /// A callback was sent to the app after it was answered. The answer is the status of the app, or why there is none.
    pub(super) fn delivery(&self, answer: Result<u16, Cause>) {
        let status = answer.unwrap_or(0);
        self.0.deliveries.count(&status);
        let class = class(status);
        match answer {
            Ok(100..500) => info!(class, "callback forwarded"),
            Ok(_) => warn!(class, "callback forwarded"),
            Err(cause) => {
                self.0.upstream_failures.count(&cause);
                warn!(class, cause = cause.code(), tls = cause.detail(), "callback forwarded");
            }
        }
    }

    /// A file of phone numbers was looked at.
    pub(super) fn phones_file(&self, was_usable: bool, is_usable: bool) {
        self.0.unusable_phones_files.inc_by(i64::from(was_usable) - i64::from(is_usable));
    }
}

impl Observer for Telemetry {
    fn observe(&self, event: Event) {
        let metrics = &self.0;
        match event {
            Event::Callback { outcome, elapsed } => {
                metrics.callbacks.count(&outcome);
                // A callback that was only acknowledged gets its verdict later.
                if outcome != CallbackOutcome::Acknowledged {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let is_flood = matches!(outcome, CallbackOutcome::Rejected(Rejection::TooManyRequests { .. }));
                log!(quiet if is_flood, info!(outcome = outcome.code(), elapsed_ms = milliseconds(elapsed), "callback"));
            }
            Event::Verification { outcome, elapsed } => {
                metrics.verifications.count(&outcome);
                let had_no_verdict = matches!(outcome, VerificationOutcome::NoLogin | VerificationOutcome::Repeated);
                if !had_no_verdict {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let (outcome, elapsed_ms) = (outcome.code(), milliseconds(elapsed));
                log!(quiet if had_no_verdict, info!(outcome, elapsed_ms, "verification"));
            }
            Event::Fetch { outcome, elapsed } => {
                metrics.fetches.count(&outcome);
                metrics.fetch.observe(elapsed.as_secs_f64());
                log_fetch(outcome, elapsed);
            }
            Event::Refusal(rejection) => {
                metrics.refusals.count(&rejection.code());
                let is_flood = matches!(rejection, Rejection::TooManyRequests { .. });
                log!(quiet if is_flood, info!(reason = rejection.code(), "refused"));
            }
            Event::Login(event) => {
                metrics.logins.count(&event);
                info!(event = event.code(), "login");
            }
            Event::StoreFailure(cause) => {
                metrics.store_failures.count(&cause);
                warn!(cause = cause.code(), tls = cause.detail(), "the store did not answer");
            }
            Event::InsecureLogin => self.insecure_login(),
            Event::Spoof(channel) => {
                metrics.spoofs.count(&channel);
                warn!(channel = channel.code(), "spoofed identity stripped");
            }
        }
    }
}

/// A profile that cannot be fetched is the operator's business; a refused token is the caller's.
fn log_fetch(outcome: FetchOutcome, elapsed: Duration) {
    let (result, cause, elapsed_ms) = (outcome.code(), outcome.cause(), milliseconds(elapsed));
    let (cause, tls) = (cause.map(Cause::code), cause.and_then(Cause::detail));
    let is_quiet = matches!(outcome, FetchOutcome::Fetched | FetchOutcome::Refused);
    log!(quiet if is_quiet, warn!(result, cause, tls, elapsed_ms, "profile"));
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
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);
