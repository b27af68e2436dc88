//! A histogram of durations that requests fill without a lock.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// How many of something took how long. Clones share their counts.
///
/// The histogram of `prometheus-client` takes a lock, for which all threads of the gateway would queue at each request.
#[derive(Debug, Clone, Default)]
pub(in crate::gateway) struct Durations(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By the buckets, each without those before it. The last is for all that took longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// The sum, in nanoseconds. It overflows after centuries.
    nanoseconds: AtomicU64,
}

impl Durations {
    /// Counts one more.
    pub(in crate::gateway) fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|(bound, _)| nanoseconds <= *bound).unwrap_or(BOUNDS.len());
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Whether both are the same series.
    #[cfg(test)]
    pub(super) fn are(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|(_, seconds)| *seconds).chain([f64::INFINITY]);
        let counts = self.0.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        // All counts come from one look, so that the last bucket and the number of all agree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.0.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// The longest duration of each bucket, in nanoseconds and in seconds.
const BOUNDS: [(u64, f64); 12] = [
    (1_000_000, 0.001),
    (5_000_000, 0.005),
    (10_000_000, 0.01),
    (25_000_000, 0.025),
    (50_000_000, 0.05),
    (100_000_000, 0.1),
    (250_000_000, 0.25),
    (500_000_000, 0.5),
    (1_000_000_000, 1.0),
    (2_500_000_000, 2.5),
    (5_000_000_000, 5.0),
    (10_000_000_000, 10.0),
];

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn each_duration_is_in_its_bucket_and_those_after_it() {
        let durations = Durations::default();
        let mut registry = Registry::default();
        registry.register("d", "d", durations.clone());
        for milliseconds in [0, 1, 2, 10_000, 10_001, 3_600_000] {
            durations.observe(Duration::from_millis(milliseconds));
        }

        let mut encoded = String::new();
        text::encode(&mut encoded, &registry).unwrap();

        for line in [
            "d_sum 3620.004", "d_count 6", r#"d_bucket{le="0.001"} 2"#, r#"d_bucket{le="0.005"} 3"#,
            r#"d_bucket{le="5.0"} 3"#, r#"d_bucket{le="10.0"} 4"#, r#"d_bucket{le="+Inf"} 6"#,
        ] {
            assert!(encoded.lines().any(|found| found == line), "{line} in {encoded}");
        }
    }

    #[test]
    fn both_forms_of_a_bound_are_equal() {
        for (nanoseconds, seconds) in BOUNDS {
            assert_eq!(Duration::from_nanos(nanoseconds), Duration::from_secs_f64(seconds));
        }
    }
}
