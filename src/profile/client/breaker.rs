//! A circuit breaker: while an endpoint cannot be connected to, callbacks do not pay for handshakes that fail.

use std::time::{Duration, Instant};

use crate::cause::Failure;

/// The failures to connect to one endpoint since the last success. An open connection is used in any case.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    last: Option<Open>,
    /// How many attempts failed in all.
    failures: u64,
}

#[derive(Debug)]
struct Open {
    failure: Failure,
    pause: Duration,
    until: Instant,
}

impl Breaker {
    /// How many attempts have failed so far. A callback that waits for the attempt of another one compares this before and after.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Returns the last failure, and when the next attempt may begin; none if no attempt failed since the last success.
    pub(super) fn open(&self) -> Option<(&Failure, Instant)> {
        self.last.as_ref().map(|open| (&open.failure, open.until))
    }

    /// Returns the last failure if an attempt failed after so many others.
    pub(super) fn open_after(&self, failures: u64) -> Option<&Failure> {
        self.last.as_ref().filter(|_| self.failures > failures).map(|open| &open.failure)
    }

    /// Holds further attempts back, for longer with each failure in a row. Attempts that were made at the same time fail together:
    /// one that began after `failures` others does not count again what has failed since.
    pub(super) fn fail(&mut self, failure: Failure, failures: u64, now: Instant) {
        let pause = match &self.last {
            None => SHORTEST,
            Some(open) if self.failures > failures => open.pause,
            Some(open) => LONGEST.min(open.pause * 2),
        };
        self.failures += 1;
        self.last = Some(Open { failure, pause, until: now + pause });
    }

    /// Lets all attempts begin.
    pub(super) fn succeed(&mut self) {
        self.last = None;
    }
}

/// As long as the shortest pause before the next attempt of the same callback.
const SHORTEST: Duration = Duration::from_millis(100);
/// Short enough that the first callbacks after an outage are not lost for long.
const LONGEST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cause::Cause,
        clock::{Clock, ManualClock},
    };

    #[test]
    fn each_failure_in_a_row_holds_attempts_back_for_longer_up_to_a_bound() {
        let now = ManualClock::default().now();
        let mut breaker = Breaker::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            breaker.fail(Cause::Connect.into(), breaker.failures(), now);
            pauses.push(breaker.open().unwrap().1.duration_since(now).as_millis());
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(breaker.failures(), 7);
    }

    #[test]
    fn a_success_lets_attempts_begin_and_the_pauses_start_again() {
        let now = ManualClock::default().now();
        let mut breaker = Breaker::default();
        breaker.fail(Cause::Connect.into(), 0, now);
        breaker.fail(Cause::Timeout.into(), 1, now);
        assert_eq!(breaker.open().unwrap().0.cause(), Cause::Timeout);
        breaker.succeed();
        assert!(breaker.open().is_none());
        breaker.fail(Cause::Connect.into(), 2, now);
        assert_eq!(breaker.open().unwrap().1, now + SHORTEST);
    }

    #[test]
    fn attempts_that_were_made_at_the_same_time_count_as_one() {
        let now = ManualClock::default().now();
        let mut breaker = Breaker::default();
        for _ in 0..6 {
            breaker.fail(Cause::Connect.into(), 0, now);
        }
        assert_eq!(breaker.open().unwrap().1, now + SHORTEST);
        breaker.fail(Cause::Connect.into(), breaker.failures(), now);
        assert_eq!(breaker.open().unwrap().1, now + 2 * SHORTEST);
    }
}
