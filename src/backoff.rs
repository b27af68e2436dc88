//! The pause between two attempts, with jitter, so that gateways which failed together do not try again together.

use std::time::Duration;

use tower::{
    retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff},
    util::rng::HasherRng,
};

use crate::clock::{Clock, SystemClock};

/// Returns a pause between half of `longest` and `longest`. It needs a tokio runtime, as the system's clock does.
pub(crate) fn jittered(longest: Duration) -> Duration {
    let maker = ExponentialBackoffMaker::new(longest / 2, longest, 1.0, HasherRng::default());
    // The pause is given as a timer that runs already.
    let pause = maker.expect("a half is not more than the whole").make_backoff().next_backoff();
    pause.deadline().into_std().saturating_duration_since(SystemClock.now())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_are_in_bounds_and_differ() {
        let longest = Duration::from_secs(1);
        let pauses: HashSet<_> = (0..20).map(|_| jittered(longest)).collect();
        assert!(pauses.iter().all(|pause| longest / 2 <= *pause && *pause <= longest), "{pauses:?}");
        assert!(pauses.len() > 10, "{pauses:?}");
    }
}
