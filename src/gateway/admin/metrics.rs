//! The metrics of a gateway.
//!
//! Metrics are families of series whose labels come from closed sets: each series is there before its first event, and
//! nothing that a client says makes another one.

mod registry;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::{
    AdminRefusal, LoginRefusal,
    counters::{CLASSES, Counters, Label, class},
    durations::Durations,
    route_metrics::{RequestDurations, RouteMetrics},
};
use crate::{
    cause::Cause,
    closed_list::closed_list,
    gate::{AppLoginOutcome, CallbackOutcome, FetchOutcome, LoginEvent, Rejection, SpoofChannel, VerificationOutcome},
    gateway::{
        connections::ProxyHeaderError,
        logs::{LineLoss, LogName},
        rejection::EdgeRejection,
        store_calls::StoreOperation,
        telemetry::SpanLoss,
    },
    identity::VerificationMethod,
};

/// The metrics of one gateway.
pub(in crate::gateway) struct Metrics {
    pub(in crate::gateway) callbacks: Counters<CallbackOutcome>,
    /// By how the number is verified, as far as that is known.
    pub(in crate::gateway) app_logins: Counters<(Option<VerificationMethod>, AppLoginOutcome), 2>,
    pub(in crate::gateway) verifications: Counters<VerificationOutcome>,
    pub(in crate::gateway) verification: Histogram,
    pub(in crate::gateway) fetches: Counters<FetchOutcome, 2>,
    pub(in crate::gateway) fetch: Histogram,
    pub(in crate::gateway) logins: Counters<LoginEvent>,
    /// By the code of a [`LoginRefusal`], or [`FINISHED`].
    pub(in crate::gateway) site_logins: Counters<&'static str>,
    pub(in crate::gateway) admin_refusals: Counters<AdminRefusal>,
    pub(in crate::gateway) spoofs: Counters<SpoofChannel>,
    /// By the code of a [`Rejection`] or an [`EdgeRejection`].
    pub(in crate::gateway) refusals: Counters<&'static str>,
    /// By the status of the answer, of which the class is counted.
    pub(in crate::gateway) responses: Counters<u16>,
    /// By the name of the route and the class of the answer.
    requests: RequestDurations,
    pub(in crate::gateway) open_connections: Gauge,
    pub(in crate::gateway) open_web_sockets: Gauge,
    pub(in crate::gateway) failed_connections: Counters<ConnectionFailure>,
    /// By the name of the app and the cause.
    upstream_failures: Family<[(&'static str, String); 2], Counter>,
    /// By the name of the app and the state of its servers.
    upstream_servers: Family<[(&'static str, String); 2], Gauge>,
    /// By the name of the app.
    upstream_answers: Family<[(&'static str, String); 1], Durations>,
    pub(in crate::gateway) deliveries: Counters<u16>,
    pub(in crate::gateway) store_failures: Counters<Cause>,
    /// By the operation.
    store_calls: Family<[Label; 1], Durations>,
    pub(in crate::gateway) unusable_phones_files: Gauge,
    pub(in crate::gateway) lost_log_lines: Counters<(LogName, LineLoss), 2>,
    pub(in crate::gateway) lost_spans: Counters<SpanLoss>,
    /// By the name of the host.
    certificate_expiries: Family<[(&'static str, String); 1], Gauge>,
    /// By the name of the host.
    certificate_failures: Family<[(&'static str, String); 1], Counter>,
    /// 1 if the configuration that was read last is in force, and 0 if it was refused.
    pub(in crate::gateway) reload: Gauge,
    /// When a configuration was last taken over, in seconds of Unix time.
    pub(in crate::gateway) reload_success: Gauge,
}

/// The metrics of the certificate of one host.
pub(in crate::gateway) struct CertificateMetrics {
    /// When it ends, in seconds of Unix time; 0 while there is none.
    pub(in crate::gateway) expiry: Gauge,
    /// How often no new one was obtained.
    pub(in crate::gateway) failures: Counter,
}

/// The metrics of one app.
pub(in crate::gateway) struct UpstreamMetrics {
    /// By the code of the cause.
    failures: Vec<(&'static str, Counter)>,
    /// How many servers there are.
    pub(in crate::gateway) known: Gauge,
    /// How many of them get requests.
    pub(in crate::gateway) up: Gauge,
    /// How many rest after a connection that could not be made.
    pub(in crate::gateway) resting: Gauge,
    /// How long the heads of its answers took.
    pub(in crate::gateway) answers: Durations,
}

impl UpstreamMetrics {
    /// Counts a request that failed.
    pub(in crate::gateway) fn fail(&self, cause: Cause) {
        let failure = self.failures.iter().find(|(code, _)| *code == cause.code());
        failure.expect("each cause has a counter").1.inc();
    }
}

closed_list! {
    /// A connection that ended before its first request.
    pub(in crate::gateway) enum ConnectionFailure {
        /// It could not be accepted.
        Accept = "accept",
        /// Its TLS handshake failed, or took too long.
        Tls = "tls",
        /// A peer that is not trusted connected to a listener for proxies.
        UntrustedProxy = "untrusted-proxy",
        /// A trusted proxy sent something else than a PROXY header, or took too long.
        ProxyHeader = "proxy-header",
    }
}

impl ConnectionFailure {
    /// The failure of a connection without a client; none if the peer left by itself.
    pub(in crate::gateway) fn of(error: ProxyHeaderError) -> Option<Self> {
        match error {
            ProxyHeaderError::Silent => None,
            ProxyHeaderError::Untrusted => Some(Self::UntrustedProxy),
            ProxyHeaderError::Malformed => Some(Self::ProxyHeader),
        }
    }
}

impl Metrics {
    /// Makes every series, with nothing counted yet.
    pub(in crate::gateway) fn new() -> Self {
        let reasons = Rejection::ALL.iter().map(|rejection| rejection.code());
        let reasons = reasons.chain(EdgeRejection::ALL.iter().map(|rejection| rejection.code()));
        let outcomes = LoginRefusal::ALL.iter().map(|refusal| refusal.code()).chain([FINISHED]);
        let cause = |cause: &Cause| [("cause", cause.code())];
        let class = |status: &u16| [("class", class(*status))];
        let classes = || (0..).step_by(100).take(CLASSES.len());
        let methods = [None, Some(VerificationMethod::App), Some(VerificationMethod::MissedCall)].into_iter();
        let app_logins = |method| AppLoginOutcome::all().map(move |outcome| (method, outcome));
        let losses = |log: &LogName| LineLoss::ALL.iter().map(|loss| (*log, *loss)).collect::<Vec<_>>();
        let lost_log_lines = LogName::ALL.iter().flat_map(losses).filter(|(log, loss)| loss.is_of(*log));
        let store_calls = Family::<_, Durations>::default();
        StoreOperation::ALL.iter().for_each(|operation| {
            let _ = store_calls.get_or_create(&[("operation", operation.code())]);
        });
        Self {
            callbacks: Counters::new(CallbackOutcome::all(), |outcome| [("outcome", outcome.code())]),
            app_logins: Counters::new(methods.flat_map(app_logins), |(method, outcome)| {
                [("method", method.map_or("none", VerificationMethod::code)), ("outcome", outcome.code())]
            }),
            verifications: Counters::new(each(VerificationOutcome::ALL), |outcome| [("outcome", outcome.code())]),
            verification: Histogram::new(BUCKETS.into_iter().chain(LONG_BUCKETS)),
            fetches: Counters::new(FetchOutcome::all(), |outcome| {
                [("result", outcome.code()), ("cause", outcome.cause().map_or("none", Cause::code))]
            }),
            fetch: Histogram::new(BUCKETS),
            logins: Counters::new(each(LoginEvent::ALL), |event| [("event", event.code())]),
            site_logins: Counters::new(outcomes, |outcome| [("outcome", *outcome)]),
            admin_refusals: Counters::new(each(AdminRefusal::ALL), |refusal| [("reason", refusal.code())]),
            spoofs: Counters::new(each(SpoofChannel::ALL), |channel| [("channel", channel.code())]),
            refusals: Counters::new(reasons, |reason| [("reason", *reason)]),
            responses: Counters::new(classes(), class),
            requests: Family::default(),
            open_connections: Gauge::default(),
            open_web_sockets: Gauge::default(),
            failed_connections: Counters::new(each(ConnectionFailure::ALL), |failure| [("reason", failure.code())]),
            upstream_failures: Family::default(),
            upstream_servers: Family::default(),
            upstream_answers: Family::default(),
            deliveries: Counters::new(classes(), class),
            store_failures: Counters::new(each(Cause::ALL), cause),
            store_calls,
            unusable_phones_files: Gauge::default(),
            lost_log_lines: Counters::new(lost_log_lines, |(log, loss)| [("log", log.code()), ("cause", loss.code())]),
            lost_spans: Counters::new(each(SpanLoss::ALL), |loss| [("cause", loss.code())]),
            certificate_expiries: Family::default(),
            certificate_failures: Family::default(),
            reload: Gauge::default(),
            reload_success: Gauge::default(),
        }
    }

    /// Makes the series of an app.
    pub(in crate::gateway) fn upstream(&self, name: &str) -> UpstreamMetrics {
        let servers = |state| self.upstream_servers.get_or_create(&of_upstream(name, "state", state)).clone();
        let failures = Cause::ALL.iter().map(|cause: &Cause| {
            let code = cause.code();
            (code, self.upstream_failures.get_or_create(&of_upstream(name, "cause", code)).clone())
        });
        let [known, up, resting] = STATES.map(servers);
        let answers = self.upstream_answers.get_or_create_owned(&[("upstream", name.to_owned())]);
        UpstreamMetrics { failures: failures.collect(), known, up, resting, answers }
    }

    /// The durations of the requests of a configuration with these routes.
    pub(in crate::gateway) fn routes(&self, names: &[Box<str>]) -> RouteMetrics {
        RouteMetrics::new(&self.requests, names)
    }

    /// How long the store took for an operation.
    pub(in crate::gateway) fn store_calls(&self, operation: StoreOperation) -> Durations {
        self.store_calls.get_or_create_owned(&[("operation", operation.code())])
    }

    /// Drops the series of an app. What is still counted of it is lost.
    pub(in crate::gateway) fn forget_upstream(&self, name: &str) {
        for cause in Cause::ALL {
            self.upstream_failures.remove(&of_upstream(name, "cause", cause.code()));
        }
        for state in STATES {
            self.upstream_servers.remove(&of_upstream(name, "state", state));
        }
        self.upstream_answers.remove(&[("upstream", name.to_owned())]);
    }

    /// Makes the series of the certificate of a host.
    pub(in crate::gateway) fn certificate(&self, host: &str) -> CertificateMetrics {
        let label = [("host", host.to_owned())];
        CertificateMetrics {
            expiry: self.certificate_expiries.get_or_create(&label).clone(),
            failures: self.certificate_failures.get_or_create(&label).clone(),
        }
    }

    /// Drops the series of the certificate of a host.
    pub(in crate::gateway) fn forget_certificate(&self, host: &str) {
        let label = [("host", host.to_owned())];
        self.certificate_expiries.remove(&label);
        self.certificate_failures.remove(&label);
    }
}

/// The labels of a series of one app.
fn of_upstream(name: &str, label: &'static str, value: &str) -> [(&'static str, String); 2] {
    [("upstream", name.to_owned()), (label, value.to_owned())]
}

fn each<V: Copy>(values: &[V]) -> impl Iterator<Item = V> {
    values.iter().copied()
}

/// The word for a login that the site's server has finished.
pub(in crate::gateway) const FINISHED: &str = "finished";

/// The states of servers.
const STATES: [&str; 3] = ["known", "up", "resting"];
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5];
/// A login that was acknowledged may be verified for as long as it runs.
const LONG_BUCKETS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 180.0, 600.0];
