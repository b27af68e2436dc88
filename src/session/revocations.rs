//! Which sessions have ended before their time, and how this gateway learns of it.
//!
//! While sessions are in use, a task follows the store and fills a set that requests read without waiting. The task ends once no
//! session was seen for [`IDLE`], so that an idle gateway leaves the store alone. Only the first requests after that wait for
//! the store, for at most [`START`].

mod feed;
mod record;
mod revoked;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(super) use self::record::{Revocation, UserEnd};
use self::{feed::Page, revoked::Revoked};
#[cfg(feature = "gateway")]
use super::StoreReading;
use super::{Session, handler::STORE_DEADLINE};
use crate::store::Cursor;

/// Whether a session is valid, by the revocations that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    Revoked,
    /// The store has been silent for too long.
    Unknown,
}

/// The revocations that are known. They are at most a second old while the store answers.
#[derive(Default)]
pub(super) struct Revocations {
    known: Mutex<KnownRevocations>,
    /// Wakes the requests that wait for the first answer.
    answered: Notify,
    stopped: CancellationToken,
}

#[derive(Default)]
struct KnownRevocations {
    revoked: Revoked,
    cursor: Cursor,
    feed: Feed,
    /// The number of the task that follows the store. A task with an earlier number was replaced, and changes nothing.
    generation: u64,
    /// When that task was heard of last: it started, or began or ended a question.
    heard: Option<Instant>,
    /// When the store was asked last.
    asked: Option<Instant>,
    /// When the store was asked last and had no more to tell, so that all was known.
    complete: Option<Instant>,
    /// When a session was seen last.
    used: Option<Instant>,
}

/// The state of the task that follows the store.
#[derive(Default, Clone, Copy)]
enum Feed {
    #[default]
    Stopped,
    /// It has yet to hear from the store.
    Starting {
        since: Instant,
    },
    Running,
}

impl Revocations {
    /// Returns whether a session is valid; `None` while the caller should wait for the store's first answer.
    pub(super) fn check(&self, session: &Session, now: Instant, grace: Duration) -> Option<Validity> {
        let mut known = self.known();
        known.used = Some(now);
        let validity = known.validity(session, now, grace);
        (validity == Validity::Revoked || !known.is_worth_waiting(now)).then_some(validity)
    }

    /// Returns whether a session is valid, even if the store has not answered yet.
    pub(super) fn validity(&self, session: &Session, now: Instant, grace: Duration) -> Validity {
        self.known().validity(session, now, grace)
    }

    /// Whether a session has been ended, as far as is known.
    pub(super) fn names(&self, session: &Session) -> bool {
        self.known().revoked.names(session)
    }

    /// Takes note of a revocation.
    pub(super) fn note(&self, revocation: Revocation, now: Instant) {
        self.known().revoked.note(revocation, now);
    }

    /// Lets the task end now, and later after its first answer: the server stops.
    pub(super) fn stop(&self) {
        self.stopped.cancel();
    }

    /// Takes note of what is in a store that is not followed yet.
    #[cfg(feature = "gateway")]
    fn note_all(&self, revocations: Vec<Revocation>, now: Instant) {
        self.known().revoked.note_all(revocations, now);
    }

    /// Whether a task follows the store.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self.known().feed, Feed::Stopped)
    }

    /// Marks a task as started and returns its number; `None` if a task runs or has just ended. A task that was not heard of for
    /// longer than [`SILENCE`] is replaced.
    fn start(&self, now: Instant) -> Option<u64> {
        let mut known = self.known();
        if !matches!(known.feed(now), Feed::Stopped) || !known.is_worth_waiting(now) {
            return None;
        }
        known.generation += 1;
        known.feed = Feed::Starting { since: now };
        known.heard = Some(now);
        Some(known.generation)
    }

    /// Replaces the task that follows the store, and returns the number of the new task; `None` if none runs.
    ///
    /// # Security
    ///
    /// What an earlier store said makes nobody valid in another one. A task that is not heard of any more must not say so later
    /// either, so it is replaced even where no other one starts.
    #[cfg(feature = "gateway")]
    fn restart(&self, reading: StoreReading, now: Instant) -> Option<u64> {
        let mut known = self.known();
        known.generation += 1;
        let is_running = !matches!(known.feed(now), Feed::Stopped);
        known.feed = if is_running { known.feed } else { Feed::Stopped };
        if let StoreReading::From { cursor, complete } = reading {
            (known.cursor, known.complete) = (cursor, complete);
            if complete.is_none() {
                known.asked = None;
                known.feed = if is_running { Feed::Starting { since: now } } else { Feed::Stopped };
            }
        }
        known.heard = is_running.then_some(now);
        is_running.then_some(known.generation)
    }

    /// When the task began to wait for the store's first answer.
    fn started(&self, now: Instant) -> Instant {
        if let Feed::Starting { since } = self.known().feed { since } else { now }
    }

    /// Waits for the store's first answer, or until the time for it is over.
    async fn answered(&self) {
        loop {
            let answered = self.answered.notified();
            if !matches!(self.known().feed, Feed::Starting { .. }) {
                return;
            }
            answered.await;
        }
    }

    /// Begins one question to the store, and returns the cursor to ask with; `None` for a task that was replaced.
    fn begin_question(&self, generation: u64, now: Instant) -> Option<Cursor> {
        let mut known = self.known_to(generation)?;
        (known.heard, known.asked) = (Some(now), Some(now));
        Some(known.cursor.clone())
    }

    /// Takes note of one answer of the store.
    fn end_question(&self, generation: u64, page: Page, now: Instant) -> Option<()> {
        let mut known = self.known_to(generation)?;
        known.revoked.note_all(page.revocations, now);
        (known.heard, known.cursor) = (Some(now), page.cursor);
        Some(())
    }

    /// Ends one reading of the store, and returns when to begin the next one; never if nobody needs it.
    fn end_reading(
        &self,
        generation: u64,
        complete: Option<Instant>,
        now: Instant,
        wall: SystemTime,
        lifetime: Duration,
    ) -> Option<Instant> {
        let mut known = self.known_to(generation)?;
        known.heard = Some(now);
        known.complete = complete.or(known.complete);
        known.revoked.forget(now, wall, lifetime);
        let is_idle = known.used.is_none_or(|used| now.saturating_duration_since(used) >= IDLE);
        known.feed = if is_idle { Feed::Stopped } else { Feed::Running };
        if is_idle && complete.is_some() {
            // The next request starts a task, however soon it comes after this reading.
            known.asked = None;
        }
        drop(known);
        self.answered.notify_waiters();
        (!is_idle).then(|| complete.unwrap_or(now) + INTERVAL)
    }

    /// Lets another task start, and wakes the requests that wait for this one.
    fn end_task(&self, generation: u64) {
        if let Some(mut known) = self.known_to(generation) {
            known.feed = Feed::Stopped;
        }
        self.answered.notify_waiters();
    }

    /// Returns the known revocations, for a task that has not been replaced.
    fn known_to(&self, generation: u64) -> Option<MutexGuard<'_, KnownRevocations>> {
        Some(self.known()).filter(|known| known.generation == generation)
    }

    fn known(&self) -> MutexGuard<'_, KnownRevocations> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Revocations {
    fn drop(&mut self) {
        self.stop();
    }
}

impl KnownRevocations {
    fn validity(&self, session: &Session, now: Instant, grace: Duration) -> Validity {
        let age = self.complete.map(|complete| now.saturating_duration_since(complete));
        if self.revoked.names(session) {
            Validity::Revoked
        } else if age.is_some_and(|age| age <= grace.max(SHORTEST_GRACE)) {
            Validity::Valid
        } else {
            Validity::Unknown
        }
    }

    /// What the task does, as far as it may be trusted: one that was silent for too long counts as stopped.
    fn feed(&self, now: Instant) -> Feed {
        let is_heard = self.heard.is_some_and(|heard| now.saturating_duration_since(heard) < SILENCE);
        if is_heard { self.feed } else { Feed::Stopped }
    }

    fn is_worth_waiting(&self, now: Instant) -> bool {
        match self.feed(now) {
            Feed::Stopped => self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= INTERVAL),
            Feed::Starting { since } => now.saturating_duration_since(since) < START,
            Feed::Running => false,
        }
    }
}

/// The time from one question to the next. With the time that an answer takes, it is under the second within which a logout is
/// known everywhere.
const INTERVAL: Duration = Duration::from_millis(300);
/// How long the first requests wait for the store.
const START: Duration = Duration::from_millis(400);
/// How long the task may be silent before another one replaces it: its runtime is blocked or gone, or nobody runs it. A task that
/// runs is silent for one answer or one interval at most.
const SILENCE: Duration = STORE_DEADLINE.saturating_add(INTERVAL);
/// How long the store is followed after a session was seen.
const IDLE: Duration = Duration::from_mins(1);
/// The grace that a store which answers needs: the interval, and twice as long for an answer. With less, nobody could be valid.
const SHORTEST_GRACE: Duration = Duration::from_millis(900);
