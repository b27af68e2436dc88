//! The pauses between attempts, with jitter, so that gateways which failed together do not try again together.

use std::{iter::successors, time::Duration};

use tokio::time::Sleep;
use tower::{
    retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff},
    util::rng::{HasherRng, Rng},
};

/// Returns pauses that grow from `shortest` to `longest`. Up to as much again is added to a pause, but none is longer than
/// `longest`. They need a tokio runtime.
pub(crate) fn growing(shortest: Duration, longest: Duration) -> impl Backoff<Future = Sleep> {
    // A random generator of its own for each user, or those that fail together would try again together.
    let jitter = 1.0;
    let maker = ExponentialBackoffMaker::new(shortest, longest, jitter, HasherRng::default());
    maker.expect("the bounds are in order").make_backoff()
}

/// Returns a pause between half of `longest` and `longest`. It needs no runtime, as the caller's clock may need none.
pub(crate) fn jittered(longest: Duration) -> Duration {
    longest.mul_f64(f64::midpoint(1.0, HasherRng::default().next_f64()))
}

/// Returns pauses that double from `shortest` to `longest`, for callers whose clock may need no runtime.
pub(crate) fn doubling(shortest: Duration, longest: Duration) -> impl Iterator<Item = Duration> {
    successors(Some(shortest), move |pause| Some(longest.min(*pause * 2)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pauses_are_in_bounds_and_differ() {
        let longest = Duration::from_secs(1);
        let pauses: HashSet<_> = (0..20).map(|_| jittered(longest)).collect();
        assert!(pauses.iter().all(|pause| longest / 2 <= *pause && *pause <= longest), "{pauses:?}");
        assert!(pauses.len() > 10, "{pauses:?}");
    }
}
