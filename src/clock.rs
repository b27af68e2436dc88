//! Time as an argument: the only module that reads the time.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use truegate::clock::{Clock, ManualClock};
//!
//! let clock = ManualClock::default();
//! let start = clock.now();
//! clock.advance(Duration::from_secs(3));
//! assert_eq!(clock.now() - start, Duration::from_secs(3));
//!
//! clock.set_wall(SystemTime::UNIX_EPOCH);
//! clock.advance(Duration::from_secs(3));
//! assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH + Duration::from_secs(3));
//! ```

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

/// A monotonic clock that can also wait, and that has the date.
///
/// An implementor must guarantee that `now` never goes back, and that a future of `sleep_until` is ready when `now` has reached
/// its instant. Otherwise a verification can outlive its deadline. `wall` may go back, as the clock of a machine does: it dates
/// sessions, tokens and revocations.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present instant.
    fn now(&self) -> Instant;

    /// Returns the present date and time.
    fn wall(&self) -> SystemTime;

    /// Returns a future that is ready when `now` has reached `instant`.
    fn sleep_until(&self, instant: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The clock of the machine, with tokio's timer. It needs a tokio runtime, and a paused runtime pauses it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that asks for now")]
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks for now")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, instant: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep_until(instant.into()))
    }
}

/// A clock for tests that moves only when a test moves it. Clones share their time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    time: Arc<Mutex<ManualTime>>,
}

#[derive(Debug)]
struct ManualTime {
    now: Instant,
    wall: SystemTime,
    sleepers: Vec<Waker>,
}

impl ManualClock {
    /// Moves the clock forward and completes the waits that have ended.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        time.now += by;
        time.wall += by;
        time.sleepers.drain(..).for_each(Waker::wake);
    }

    /// Sets the date and time, forward or back. This ends no wait.
    pub fn set_wall(&self, wall: SystemTime) {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).wall = wall;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        let time = ManualTime { now: SystemClock.now(), wall: SystemClock.wall(), sleepers: Vec::new() };
        Self { time: Arc::new(Mutex::new(time)) }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn wall(&self) -> SystemTime {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).wall
    }

    fn sleep_until(&self, instant: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let time = Arc::clone(&self.time);
        Box::pin(poll_fn(move |cx| {
            let mut time = time.lock().unwrap_or_else(PoisonError::into_inner);
            if time.now >= instant {
                return Poll::Ready(());
            }
            time.sleepers.push(cx.waker().clone());
            Poll::Pending
        }))
    }
}
