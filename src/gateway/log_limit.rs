//! A limit on the log lines that strangers can cause, which keeps them from filling the disk.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lets one line of a kind through in a period, and counts those that are left out.
///
/// A kind is a message with a word, both from closed sets. Few kinds are ever logged, so they are found one by one.
#[derive(Default)]
pub(super) struct LogLimit(Mutex<Vec<(Kind, Logged)>>);

type Kind = (&'static str, &'static str);

/// The last line of a kind.
struct Logged {
    at: Instant,
    suppressed: u64,
}

/// How many lines of a kind were left out since the last one; none if no line was.
pub(super) type Suppressed = Option<u64>;

impl LogLimit {
    /// Lets a line through if the last one of its kind is older than the period.
    pub(super) fn admit(&self, kind: Kind, period: Duration, now: Instant) -> Option<Suppressed> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, last)) = kinds.iter_mut().find(|(known, _)| *known == kind) else {
            kinds.push((kind, Logged { at: now, suppressed: 0 }));
            return Some(None);
        };
        if now.duration_since(last.at) < period {
            last.suppressed += 1;
            return None;
        }
        last.at = now;
        let suppressed = std::mem::take(&mut last.suppressed);
        Some((suppressed > 0).then_some(suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};

    #[test]
    fn a_kind_has_one_line_in_a_period_which_tells_how_many_were_left_out() {
        let (limit, clock, period) = (LogLimit::default(), ManualClock::default(), Duration::from_secs(1));
        let admit = |word| limit.admit(("refused", word), period, clock.now());
        assert_eq!(admit("a"), Some(None), "the first is logged");
        assert_eq!((admit("a"), admit("a")), (None, None));
        assert_eq!(admit("b"), Some(None), "another kind has its own limit");
        clock.advance(period - Duration::from_nanos(1));
        assert_eq!(admit("a"), None);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(admit("a"), Some(Some(3)));
        clock.advance(period);
        assert_eq!(admit("a"), Some(None), "nothing was left out meanwhile");
    }
}
