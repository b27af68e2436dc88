//! A circuit breaker: while an endpoint cannot be connected to, callbacks do not pay for handshakes that fail.

use std::time::{Duration, Instant};

use crate::cause::Failure;

/// The failures to connect to one endpoint since the last success. An open connection is used whatever this says.
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
    /// How many attempts have failed so far: someone who waits for the attempt of another sees by it how that ended.
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

    /// Holds further attempts back, for longer with each failure in a row.
    pub(super) fn fail(&mut self, failure: Failure, now: Instant) {
        let pause = self.last.as_ref().map_or(SHORTEST, |open| LONGEST.min(open.pause * 2));
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
            breaker.fail(Cause::Connect.into(), now);
            pauses.push(breaker.open().unwrap().1.duration_since(now).as_millis());
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(breaker.failures(), 7);
    }

    #[test]
    fn a_success_lets_attempts_begin_and_the_pauses_start_again() {
        let now = ManualClock::default().now();
        let mut breaker = Breaker::default();
        breaker.fail(Cause::Connect.into(), now);
        breaker.fail(Cause::Timeout.into(), now);
        assert_eq!(breaker.open().unwrap().0.cause(), Cause::Timeout);
        breaker.succeed();
        assert!(breaker.open().is_none());
        breaker.fail(Cause::Connect.into(), now);
        assert_eq!(breaker.open().unwrap().1, now + SHORTEST);
    }
}
