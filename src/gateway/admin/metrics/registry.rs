//! The names and the meaning of all metrics.

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{
    super::counters::{Label, unix_seconds},
    Metrics,
};
use crate::clock::{Clock as _, SystemClock};

impl Metrics {
    /// All metrics under their names. Counters get `_total` behind their names, and each text a full stop.
    pub(in crate::gateway) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let started = Gauge::<i64>::default();
        started.set(unix_seconds(SystemClock.wall()));
        let help = "When the process was started, as Unix time";
        registry.register_with_unit("process_start_time", help, Unit::Seconds, started);
        let to = registry.sub_registry_with_prefix("truegate");
        let build = Family::<[Label; 1], Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        to.register("build_info", "The version of the program; the value is always 1", build);
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
        let help =
            "From a request to the end of its answer, by its rule and the class of the answer; none if the client left";
        to.register_with_unit("request", help, Unit::Seconds, self.requests.clone());
        to.register("open_connections", "Connections of clients that are open", self.open_connections.clone());
        to.register("open_websockets", "WebSockets that are open", self.open_web_sockets.clone());
        let help = "Connections that ended before their first request, by the reason";
        to.register("failed_connections", help, self.failed_connections.family.clone());
        let help = "Requests that the app could not be sent, or did not answer to the end";
        to.register("upstream_failures", help, self.upstream_failures.clone());
        let help = "Servers of the app: those that are known, those of them that get requests, and those that rest";
        to.register("upstream_servers", help, self.upstream_servers.clone());
        let help = "From sending a request to the app to the head of its answer, with connections and further tries";
        to.register_with_unit("upstream_answer", help, Unit::Seconds, self.upstream_answers.clone());
        let help = "Callbacks that were sent to the app after they were answered, by its answer";
        to.register("forwarded_callbacks", help, self.deliveries.family.clone());
        to.register("store_failures", "Questions that the store did not answer", self.store_failures.family.clone());
        let help = "From asking the store to its answer, or to giving up";
        to.register_with_unit("store_call", help, Unit::Seconds, self.store_calls.clone());
        let help = "Files of phone numbers that cannot be used, so that their previous list is in use";
        to.register("unusable_phones_files", help, self.unusable_phones_files.clone());
        let help = "Lines of the access log and the audit log that were lost, by why";
        to.register("lost_log_lines", help, self.lost_log_lines.family.clone());
        let help = "Spans of traces that the collector did not get, by why";
        to.register("lost_spans", help, self.lost_spans.family.clone());
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
        registry
    }
}
