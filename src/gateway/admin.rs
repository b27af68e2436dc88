//! The admin listener: health and metrics, apart from the public one.
//!
//! Metrics are families of series whose labels come from closed sets: each series is there before its first event, and
//! nothing that a client says makes another one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{
    encoding::prometheus_text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::rejection::EdgeRejection;
use crate::{
    cause::Cause,
    closed_list::closed_list,
    gate::{Channel, FetchOutcome, LoginEvent, Outcome, Rejection, VerificationOutcome},
};

/// What the admin routes tell.
#[derive(Clone)]
pub(super) struct Health {
    metrics: Arc<Metrics>,
    is_ready: Arc<AtomicBool>,
}

impl Health {
    /// A gateway that takes no requests yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, is_ready: Arc::default() }
    }

    /// Requests are taken from now on, or no more.
    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }
}

/// The routes `/livez`, `/readyz` and `/metrics`.
pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], health.metrics.render())
}

/// The metrics of one gateway.
pub(super) struct Metrics {
    pub(super) callbacks: Counters<Outcome>,
    pub(super) verifications: Counters<VerificationOutcome>,
    pub(super) verification: Histogram,
    pub(super) fetches: Counters<FetchOutcome, 2>,
    pub(super) fetch: Histogram,
    pub(super) logins: Counters<LoginEvent>,
    pub(super) spoofs: Counters<Channel>,
    /// By the code of a [`Rejection`] or an [`EdgeRejection`].
    pub(super) refusals: Counters<&'static str>,
    pub(super) responses: Counters<StatusClass>,
    pub(super) upstream_failures: Counters<Cause>,
    pub(super) deliveries: Counters<StatusClass>,
    pub(super) store_failures: Counters<Cause>,
    pub(super) unusable_phones_files: Gauge,
    registry: Registry,
}

/// One counter for each value of a closed set, told apart by `N` labels.
pub(super) struct Counters<V, const N: usize = 1> {
    family: Family<[Label; N], Counter>,
    labels: fn(&V) -> [Label; N],
}

/// The name and the value of a label.
type Label = (&'static str, &'static str);

closed_list! {
    /// The class of the status of an answer.
    pub(super) enum StatusClass {
        /// There was no answer.
        None = "none",
        /// An interim answer.
        Informational = "1xx",
        /// Success.
        Success = "2xx",
        /// A redirect.
        Redirection = "3xx",
        /// The request was at fault.
        ClientError = "4xx",
        /// The server failed.
        ServerError = "5xx",
    }
}

impl Metrics {
    /// Registers every series.
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("truegate");
        let to = &mut registry;
        let reasons = Rejection::ALL.iter().map(|rejection| rejection.code());
        let reasons = reasons.chain(EdgeRejection::ALL.iter().map(|rejection| rejection.code()));
        let outcome = |outcome: &VerificationOutcome| [("outcome", outcome.code())];
        let fetch = |outcome: &FetchOutcome| {
            [("result", outcome.code()), ("cause", outcome.cause().map_or("none", Cause::code))]
        };
        let event = |event: &LoginEvent| [("event", event.code())];
        let channel = |channel: &Channel| [("channel", channel.code())];
        let class = |class: &StatusClass| [("class", class.code())];
        let cause = |cause: &Cause| [("cause", cause.code())];
        let classes = || StatusClass::ALL.iter().copied();
        let causes = || Cause::ALL.iter().copied();
        // A full stop is added to each help text, and `_total` to the name of each counter.
        Self {
            callbacks: Counters::new(
                to,
                ("callbacks", "Callbacks by how they ended"),
                |outcome| [("outcome", outcome.code())],
                Outcome::all(),
            ),
            verifications: Counters::new(
                to,
                ("verifications", "Grants that were acknowledged, by how their verification ended"),
                outcome,
                VerificationOutcome::ALL.iter().copied(),
            ),
            verification: seconds(
                to,
                ("verification", "From a callback to its verdict, also if it was acknowledged before"),
                BUCKETS.into_iter().chain(LONG_BUCKETS),
            ),
            fetches: Counters::new(
                to,
                ("profile_fetches", "Profiles asked for, all tries counted as one, by the result and its cause"),
                fetch,
                FetchOutcome::all(),
            ),
            fetch: seconds(to, ("profile_fetch", "From asking for a profile to having it or giving up"), BUCKETS),
            logins: Counters::new(
                to,
                ("logins", "Logins by how they moved on, and logouts"),
                event,
                LoginEvent::ALL.iter().copied(),
            ),
            spoofs: Counters::new(
                to,
                ("spoof_attempts", "Identities that others claimed and that were stripped"),
                channel,
                Channel::ALL.iter().copied(),
            ),
            refusals: Counters::new(
                to,
                ("refusals", "Requests other than callbacks that were refused"),
                |code| [("reason", *code)],
                reasons,
            ),
            responses: Counters::new(
                to,
                ("responses", "Requests by the class of the answer; none if the client left"),
                class,
                classes(),
            ),
            upstream_failures: Counters::new(
                to,
                ("upstream_failures", "Requests that the app could not be sent, or did not answer to the end"),
                cause,
                causes(),
            ),
            deliveries: Counters::new(
                to,
                ("forwarded_callbacks", "Callbacks sent to the app after they were answered, by its answer"),
                class,
                classes(),
            ),
            store_failures: Counters::new(
                to,
                ("store_failures", "Questions that the store did not answer"),
                cause,
                causes(),
            ),
            unusable_phones_files: {
                let gauge = Gauge::default();
                let help = "Files of phone numbers that cannot be used, so that their previous list is in use";
                to.register("unusable_phones_files", help, gauge.clone());
                gauge
            },
            registry,
        }
    }

    /// The metrics in the text format of Prometheus, 0.0.4.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a String takes any text");
        text
    }
}

impl<V: 'static, const N: usize> Counters<V, N> {
    fn new(
        registry: &mut Registry,
        (name, help): (&str, &str),
        labels: fn(&V) -> [Label; N],
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let family = Family::<_, Counter>::default();
        registry.register(name, help, family.clone());
        for value in values {
            let _ = family.get_or_create(&labels(&value));
        }
        Self { family, labels }
    }

    /// Counts one more of a value.
    pub(super) fn count(&self, value: &V) {
        self.family.get_or_create(&(self.labels)(value)).inc();
    }
}

impl StatusClass {
    /// The class of a status; 0 stands for no answer.
    pub(super) fn of(status: u16) -> Self {
        match status {
            0..100 => Self::None,
            100..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

fn seconds(registry: &mut Registry, (name, help): (&str, &str), buckets: impl IntoIterator<Item = f64>) -> Histogram {
    let histogram = Histogram::new(buckets);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5];
/// A login that was acknowledged may be verified for as long as it runs.
const LONG_BUCKETS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 180.0, 600.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_its_class() {
        for (status, word) in [(0, "none"), (101, "1xx"), (204, "2xx"), (404, "4xx"), (599, "5xx"), (999, "5xx")] {
            assert_eq!(StatusClass::of(status).code(), word, "{status}");
        }
    }
}
