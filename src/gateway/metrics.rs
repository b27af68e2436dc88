//! What is counted: series with labels from closed sets, each there before its first event.

use std::{collections::HashMap, hash::Hash, time::Duration};

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::rejection::EdgeRejection;
use crate::{
    cause::Cause,
    gate::{Channel, FetchOutcome, LoginEvent, Outcome, Rejection, VerificationOutcome},
};

/// The metrics of one gateway.
pub(super) struct Metrics {
    pub(super) callbacks: Series,
    pub(super) verifications: Series,
    pub(super) verification: Histogram,
    pub(super) fetches: Series<(&'static str, &'static str)>,
    pub(super) fetch: Histogram,
    pub(super) logins: Series,
    pub(super) spoofs: Series,
    pub(super) refusals: Series,
    pub(super) responses: Series,
    pub(super) upstream_failures: Series,
    pub(super) deliveries: Series,
    pub(super) store_failures: Series,
    pub(super) unusable_phones_files: Gauge,
    handle: PrometheusHandle,
}

/// One counter for each value of a label, or of several.
pub(super) struct Series<L = &'static str>(HashMap<L, Counter>);

impl Metrics {
    /// Registers every series.
    pub(super) fn new() -> Result<Self, BuildError> {
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS)?;
        let verdicts = [&BUCKETS[..], &LONG_BUCKETS].concat();
        let recorder =
            builder.set_buckets_for_metric(Matcher::Full(VERIFICATION.to_owned()), &verdicts)?.build_recorder();
        let handle = recorder.handle();
        Ok(with_local_recorder(&recorder, || Self::register(handle)))
    }

    /// The metrics in the text format of Prometheus.
    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts what the histograms gathered, which would grow for ever if nobody asked.
    pub(super) async fn keep_small(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }

    fn register(handle: PrometheusHandle) -> Self {
        let edge = EdgeRejection::ALL.iter().map(|rejection| rejection.code());
        let causes = || Cause::ALL.iter().map(|cause| cause.code());
        Self {
            callbacks: series(
                ("truegate_callbacks_total", "outcome", "Callbacks by how they ended."),
                Outcome::all().map(Outcome::code),
            ),
            verifications: series(
                ("truegate_verifications_total", "outcome", "Grants that were acknowledged, by how they ended."),
                VerificationOutcome::ALL.iter().map(|outcome| outcome.code()),
            ),
            verification: seconds(VERIFICATION, "From a callback to its verdict, also if it was acknowledged before."),
            fetches: fetches(),
            fetch: seconds("truegate_profile_fetch_seconds", "From asking for a profile to having it or giving up."),
            logins: series(
                ("truegate_logins_total", "event", "Logins by how they moved on, and logouts."),
                LoginEvent::ALL.iter().map(|event| event.code()),
            ),
            spoofs: series(
                ("truegate_spoof_attempts_total", "channel", "Identities claimed by others and stripped."),
                Channel::ALL.iter().map(|channel| channel.code()),
            ),
            refusals: series(
                ("truegate_refusals_total", "reason", "Requests other than callbacks that were refused."),
                Rejection::ALL.iter().map(|rejection| rejection.code()).chain(edge),
            ),
            responses: series(
                ("truegate_responses_total", "class", "Requests by the class of the answer; none if the client left."),
                CLASSES.into_iter(),
            ),
            upstream_failures: series(
                ("truegate_upstream_failures_total", "cause", "Requests that the app behind could not be asked."),
                causes(),
            ),
            deliveries: series(
                ("truegate_forwarded_callbacks_total", "class", "Callbacks sent to the app afterwards, by its answer."),
                CLASSES.into_iter(),
            ),
            store_failures: series(
                ("truegate_store_failures_total", "cause", "Times that the store could not be asked."),
                causes(),
            ),
            unusable_phones_files: unusable_phones_files(),
            handle,
        }
    }
}

impl<L: Eq + Hash> Series<L> {
    /// Counts one more of a value; values that are not of the set are not counted.
    pub(super) fn count(&self, value: &L) {
        if let Some(counter) = self.0.get(value) {
            counter.increment(1);
        }
    }
}

/// The words for how a fetch ended, and why.
pub(super) fn words(outcome: FetchOutcome) -> (&'static str, &'static str) {
    (outcome.code(), outcome.cause().map_or("none", Cause::code))
}

/// The word for the class of a status.
pub(super) fn class(status: u16) -> &'static str {
    CLASSES[usize::from(status / 100).min(CLASSES.len() - 1)]
}

fn series(
    (name, label, help): (&'static str, &'static str, &'static str),
    values: impl Iterator<Item = &'static str>,
) -> Series {
    describe_counter!(name, help);
    Series(values.map(|value| (value, counter!(name, label => value))).collect())
}

fn seconds(name: &'static str, help: &'static str) -> Histogram {
    describe_histogram!(name, Unit::Seconds, help);
    histogram!(name)
}

fn fetches() -> Series<(&'static str, &'static str)> {
    const NAME: &str = "truegate_profile_fetches_total";
    describe_counter!(NAME, "Profiles asked for, all tries counted as one, by the result and why there is none.");
    let counter = |(result, cause)| counter!(NAME, "result" => result, "cause" => cause);
    Series(FetchOutcome::all().map(words).map(|words| (words, counter(words))).collect())
}

fn unusable_phones_files() -> Gauge {
    describe_gauge!("truegate_unusable_phones_files", "Files of phone numbers whose list of before is in use.");
    gauge!("truegate_unusable_phones_files")
}

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5];
/// A login that was acknowledged may be verified for as long as it runs.
const LONG_BUCKETS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 180.0, 600.0];
const VERIFICATION: &str = "truegate_verification_seconds";
const UPKEEP: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_before_its_first_event() {
        let rendered = Metrics::new().unwrap().render();
        for line in [
            r#"truegate_callbacks_total{outcome="verified"} 0"#,
            r#"truegate_callbacks_total{outcome="endpoint-not-allowed"} 0"#,
            r#"truegate_profile_fetches_total{result="ok",cause="none"} 0"#,
            r#"truegate_profile_fetches_total{result="unavailable",cause="tls"} 0"#,
            r#"truegate_spoof_attempts_total{channel="trailer"} 0"#,
            r#"truegate_refusals_total{reason="ambiguous-path"} 0"#,
            r#"truegate_responses_total{class="2xx"} 0"#,
            r#"truegate_upstream_failures_total{cause="connect"} 0"#,
            r#"truegate_store_failures_total{cause="auth"} 0"#,
            r#"truegate_verifications_total{outcome="token-refused"} 0"#,
        ] {
            assert!(rendered.lines().any(|rendered| rendered == line), "{line} in\n{rendered}");
        }
    }

    #[test]
    fn a_status_has_its_class() {
        for (status, word) in [(0, "none"), (101, "1xx"), (204, "2xx"), (404, "4xx"), (599, "5xx"), (999, "5xx")] {
            assert_eq!(class(status), word, "{status}");
        }
    }
}
