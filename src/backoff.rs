//! The pauses between attempts, with jitter, so that callers which failed together do not try again together.

use std::time::Duration;

use tower::{
    retry::backoff::{Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
    util::rng::HasherRng,
};

use crate::clock::{Clock as _, SystemClock};

/// The pauses of one series of attempts.
pub(crate) struct Backoff(ExponentialBackoff);

impl Backoff {
    /// Pauses that begin at `first` and double, each with up to as much again at random, but no longer than `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        let maker = ExponentialBackoffMaker::new(first, longest, 1.0, HasherRng::default());
        Self(maker.expect("the first pause is not longer than the longest").make_backoff())
    }

    /// The next pause. It needs a tokio runtime, as the system's clock does.
    pub(crate) fn pause(&mut self) -> Duration {
        // It is given as a timer that runs already.
        self.0.next_backoff().deadline().into_std().saturating_duration_since(SystemClock.now())
    }
}

/// A pause between half of `longest` and `longest`, for attempts that go on for as long as it takes.
pub(crate) fn jittered(longest: Duration) -> Duration {
    Backoff::new(longest / 2, longest).pause()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_longest() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for base in [1, 2, 4, 8, 10, 10] {
            let pause = backoff.pause();
            assert!(base * FIRST <= pause && pause <= LONGEST.min(2 * base * FIRST), "{base}: {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_failed_together_pause_for_different_times() {
        let pauses: std::collections::HashSet<_> = (0..20).map(|_| jittered(LONGEST)).collect();
        assert!(
            pauses.len() > 10 && pauses.iter().all(|pause| LONGEST / 2 <= *pause && *pause <= LONGEST),
            "{pauses:?}"
        );
    }
}
