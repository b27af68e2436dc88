//! The time of the store, by which proofs of phone numbers and the ends of a user's sessions are dated.
//!
//! The clocks of gateways differ, and one of them may be wrong by minutes. So a session does not remember when its own gateway saw the
//! proof, but when the store would have. To ask the store at each login would cost a question: between two questions, the monotonic
//! clock of the gateway goes on.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::handler::Handler;
use crate::store::StoreError;

/// The time of the store, as far as it is known. It never runs ahead of the store, so that no proof is dated too late.
#[derive(Default)]
pub(super) struct StoreClock(Mutex<KnownTime>);

#[derive(Default)]
struct KnownTime {
    reading: Option<Reading>,
    /// When the store was asked last.
    asked: Option<Instant>,
}

/// What the store's clock showed, at the latest.
#[derive(Clone, Copy)]
struct Reading {
    time: SystemTime,
    at: Instant,
}

impl StoreClock {
    /// The store's time at an instant; none if the store has never told its time.
    pub(super) fn at(&self, instant: Instant) -> Option<SystemTime> {
        let Reading { time, at } = self.known().reading?;
        match instant.checked_duration_since(at) {
            Some(later) => time.checked_add(later),
            None => time.checked_sub(at.saturating_duration_since(instant)),
        }
    }

    /// Whether the store is to be asked: nothing is known of its time, or what is known is old and nobody else asks.
    fn is_due(&self, now: Instant) -> bool {
        let mut known = self.known();
        let is_old = known.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= INTERVAL);
        if is_old {
            known.asked = Some(now);
        }
        is_old || known.reading.is_none()
    }

    fn note(&self, time: SystemTime, at: Instant) {
        self.known().reading = Some(Reading { time, at });
    }

    fn known(&self) -> MutexGuard<'_, KnownTime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler<'_> {
    /// Dates a proof that arrived at an instant.
    ///
    /// # Errors
    ///
    /// When the store has never told its time, and does not tell it now.
    pub(super) async fn date_proof(&self, arrived: Instant) -> Result<SystemTime, StoreError> {
        let store_clock = &self.sessions.store_clock;
        if store_clock.is_due(self.gate.clock().now()) {
            let read = self.read_store_time().await;
            if let (Err(error), None) = (read, store_clock.at(arrived)) {
                return Err(error);
            }
        }
        Ok(store_clock.at(arrived).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Asks the store for its time.
    pub(super) async fn read_store_time(&self) -> Result<SystemTime, StoreError> {
        let time = self.ask(self.sessions.store.time()).await?;
        // The answer was underway for a while.
        self.sessions.store_clock.note(time, self.gate.clock().now());
        Ok(time)
    }

    /// The date of an instant by the clock of this gateway, where the store's is not known.
    pub(super) fn own_date(&self, instant: Instant) -> SystemTime {
        let clock = self.gate.clock();
        let (now, wall) = (clock.now(), clock.wall());
        wall.checked_sub(now.saturating_duration_since(instant)).unwrap_or(wall)
    }
}

/// The time from one question to the next while users log in. Quartz clocks drift by milliseconds in it.
const INTERVAL: Duration = Duration::from_mins(1);
