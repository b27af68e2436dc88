//! The metrics of a gateway.
//!
//! Metrics are families of series whose labels come from closed sets: each series is there before its first event, and
//! nothing that a client says makes another one.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{AdminRefusal, LoginRefusal};
use crate::{
    cause::Cause,
    closed_list::closed_list,
    gate::{AppLoginOutcome, CallbackOutcome, FetchOutcome, LoginEvent, Rejection, SpoofChannel, VerificationOutcome},
    gateway::{
        logs::{LineLoss, LogName},
        rejection::EdgeRejection,
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
    pub(in crate::gateway) failed_connections: Counters<ConnectionFailure>,
    /// By the name of the app and the cause.
    upstream_failures: Family<[(&'static str, String); 2], Counter>,
    /// By the name of the app and the state of its servers.
    upstream_servers: Family<[(&'static str, String); 2], Gauge>,
    pub(in crate::gateway) deliveries: Counters<u16>,
    pub(in crate::gateway) store_failures: Counters<Cause>,
    pub(in crate::gateway) unusable_phones_files: Gauge,
    pub(in crate::gateway) lost_log_lines: Counters<(LogName, LineLoss), 2>,
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

/// One counter for each value of a closed set, told apart by `N` labels.
pub(in crate::gateway) struct Counters<V, const N: usize = 1> {
    family: Family<[Label; N], Counter>,
    /// The same counters, which are found here without a lock: every request counts.
    counters: Vec<([Label; N], Counter)>,
    labels: fn(&V) -> [Label; N],
}

/// The name and the value of a label.
type Label = (&'static str, &'static str);

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
        let lost_log_lines = LogName::ALL.iter().flat_map(losses);
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
            failed_connections: Counters::new(each(ConnectionFailure::ALL), |failure| [("reason", failure.code())]),
            upstream_failures: Family::default(),
            upstream_servers: Family::default(),
            deliveries: Counters::new(classes(), class),
            store_failures: Counters::new(each(Cause::ALL), cause),
            unusable_phones_files: Gauge::default(),
            lost_log_lines: Counters::new(lost_log_lines, |(log, loss)| [("log", log.code()), ("cause", loss.code())]),
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
        UpstreamMetrics { failures: failures.collect(), known, up, resting }
    }

    /// Drops the series of an app. What is still counted of it is lost.
    pub(in crate::gateway) fn forget_upstream(&self, name: &str) {
        for cause in Cause::ALL {
            self.upstream_failures.remove(&of_upstream(name, "cause", cause.code()));
        }
        for state in STATES {
            self.upstream_servers.remove(&of_upstream(name, "state", state));
        }
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

    /// The names and the meaning of all metrics. Counters get `_total` behind their names, and each text a full stop.
    pub(in crate::gateway) fn registry(&self) -> Registry {
        let mut to = Registry::with_prefix("truegate");
        to.register("callbacks", "Callbacks by how they ended", self.callbacks.family.clone());
        let help = "Logins of the site's own app, by how the number is verified and how they ended";
        to.register("app_logins", help, self.app_logins.family.clone());
        let help = "Callbacks that were acknowledged, by how their verification ended";
        to.register("verifications", help, self.verifications.family.clone());
        let help = "From a callback, or a login of the app, to its verdict, also if it was acknowledged before";
        to.register_with_unit("verification", help, Unit::Seconds, self.verification.clone());
        let help = "Profiles asked for, all tries counted as one, by the result and why there is none";
        to.register("profile_fetches", help, self.fetches.family.clone());
        let help = "From asking for a profile to having it or giving up";
        to.register_with_unit("profile_fetch", help, Unit::Seconds, self.fetch.clone());
        to.register("logins", "Logins by how they moved on, and logouts", self.logins.family.clone());
        let help = "Logins that the site's server wanted to finish, by how that ended";
        to.register("site_logins", help, self.site_logins.family.clone());
        let help = "Requests for admin routes that were refused";
        to.register("admin_refusals", help, self.admin_refusals.family.clone());
        let help = "Identities that somebody else claimed and that were stripped";
        to.register("spoof_attempts", help, self.spoofs.family.clone());
        to.register("refusals", "Requests other than callbacks that were refused", self.refusals.family.clone());
        let help = "Requests by the class of the answer; none if the client left";
        to.register("responses", help, self.responses.family.clone());
        let help = "Connections that ended before their first request, by the reason";
        to.register("failed_connections", help, self.failed_connections.family.clone());
        let help = "Requests that the app could not be sent, or did not answer to the end";
        to.register("upstream_failures", help, self.upstream_failures.clone());
        let help = "Servers of the app: those that are known, those of them that get requests, and those that rest";
        to.register("upstream_servers", help, self.upstream_servers.clone());
        let help = "Callbacks that were sent to the app after they were answered, by its answer";
        to.register("forwarded_callbacks", help, self.deliveries.family.clone());
        to.register("store_failures", "Questions that the store did not answer", self.store_failures.family.clone());
        let help = "Files of phone numbers that cannot be used, so that their previous list is in use";
        to.register("unusable_phones_files", help, self.unusable_phones_files.clone());
        let help = "Lines of logs of requests that were lost, by why";
        to.register("lost_log_lines", help, self.lost_log_lines.family.clone());
        let help =
            "When the certificate that the gateway has obtained for a host ends, as Unix time; 0 while there is none";
        to.register_with_unit("certificate_expiry_timestamp", help, Unit::Seconds, self.certificate_expiries.clone());
        let help = "Attempts to obtain a certificate for a host that failed";
        to.register("certificate_failures", help, self.certificate_failures.clone());
        let help = "Whether the configuration that was read last is in force";
        to.register("config_last_reload_successful", help, self.reload.clone());
        let help = "When a configuration was last taken over, as Unix time";
        let name = "config_last_reload_success_timestamp";
        to.register_with_unit(name, help, Unit::Seconds, self.reload_success.clone());
        to
    }
}

/// The labels of a series of one app.
fn of_upstream(name: &str, label: &'static str, value: &str) -> [(&'static str, String); 2] {
    [("upstream", name.to_owned()), (label, value.to_owned())]
}

fn each<V: Copy>(values: &[V]) -> impl Iterator<Item = V> {
    values.iter().copied()
}

impl<V, const N: usize> Counters<V, N> {
    fn new(values: impl Iterator<Item = V>, labels: fn(&V) -> [Label; N]) -> Self {
        let family = Family::<_, Counter>::default();
        let counters = values.map(|value| {
            let labels = labels(&value);
            (labels, family.get_or_create(&labels).clone())
        });
        Self { counters: counters.collect(), family, labels }
    }

    /// Counts one more of a value.
    pub(in crate::gateway) fn count(&self, value: &V) {
        self.add(value, 1);
    }

    /// Counts so many more of a value.
    pub(in crate::gateway) fn add(&self, value: &V, count: u64) {
        let labels = (self.labels)(value);
        let counter = self.counters.iter().find(|(known, _)| *known == labels);
        counter.expect("the values are a closed set, and all of it was given").1.inc_by(count);
    }
}

/// The class of a status; 0 stands for no answer.
pub(in crate::gateway) fn class(status: u16) -> &'static str {
    CLASSES[usize::from(status / 100).min(CLASSES.len() - 1)]
}

/// The word for a login that the site's server has finished.
pub(in crate::gateway) const FINISHED: &str = "finished";

/// The states of servers.
const STATES: [&str; 3] = ["known", "up", "resting"];
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5];
/// A login that was acknowledged may be verified for as long as it runs.
const LONG_BUCKETS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 180.0, 600.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_its_class() {
        for (status, word) in [(0, "none"), (101, "1xx"), (204, "2xx"), (404, "4xx"), (599, "5xx"), (999, "5xx")] {
            assert_eq!(class(status), word, "{status}");
        }
    }
}
