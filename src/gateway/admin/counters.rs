//! Counters for closed sets of values, and the words of their labels.

use std::time::SystemTime;

use prometheus_client::metrics::{counter::Counter, family::Family};

/// One counter for each value of a closed set, told apart by `N` labels.
pub(in crate::gateway) struct Counters<V, const N: usize = 1> {
    pub(super) family: Family<[Label; N], Counter>,
    /// The same counters, which are found here without a lock: every request counts.
    counters: Vec<([Label; N], Counter)>,
    labels: fn(&V) -> [Label; N],
}

/// The name and the value of a label.
pub(super) type Label = (&'static str, &'static str);

impl<V, const N: usize> Counters<V, N> {
    pub(super) fn new(values: impl Iterator<Item = V>, labels: fn(&V) -> [Label; N]) -> Self {
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
        // All counters of a family have the same label names, so their values tell them apart.
        let has_values = |known: &[Label; N]| known.iter().zip(&labels).all(|(known, label)| known.1 == label.1);
        let counter = self.counters.iter().find(|(known, _)| has_values(known));
        counter.expect("the values are a closed set, and all of it was given").1.inc_by(count);
    }
}

/// The class of a status; 0 stands for no answer.
pub(in crate::gateway) fn class(status: u16) -> &'static str {
    CLASSES[class_index(status)]
}

pub(super) fn class_index(status: u16) -> usize {
    usize::from(status / 100).min(CLASSES.len() - 1)
}

/// A time in seconds of Unix time.
pub(in crate::gateway) fn unix_seconds(time: SystemTime) -> i64 {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

pub(super) const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

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
