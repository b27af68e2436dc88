//! The task that follows the revocations of the store, and the requests that wait for its first answer.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::{Revocation, START, Validity};
#[cfg(feature = "gateway")]
use crate::session::StoreReading;
use crate::{
    cause::Cause,
    clock::Clock,
    gate::plugin::WeakGate,
    session::{Session, SharedSessions, handler::Handler, public_urls::OriginIndex},
    store::{Cursor, REVOCATIONS_AT_ONCE, StoreError},
};

impl Handler<'_> {
    /// Returns whether a session is valid, after the store's first answer or the longest wait for it.
    pub(crate) async fn check(&self, session: &Session) -> Validity {
        let (revocations, clock, grace) =
            (&self.sessions.memory.revocations, self.gate.clock(), self.sessions.revocation_grace);
        if let Some(validity) = revocations.check(session, clock.now(), grace) {
            return validity;
        }
        let now = clock.now();
        if let Some(follower) = self.follower(now) {
            // The task runs on its own, so its end is not awaited.
            drop(self.begin(follower.follow()).await);
        }
        self.gate.by(revocations.started(now) + START, revocations.answered()).await;
        revocations.validity(session, clock.now(), grace)
    }

    /// Reads the revocations of the store before the first request, which then waits only for those that came later. Ends when
    /// all are known, or when the store does not answer.
    pub(in crate::session) async fn prepare(&self) {
        if let Some(follower) = self.follower(self.gate.clock().now()) {
            follower.ask().await;
        }
    }

    /// The task that follows the store; none if one runs or has just ended.
    fn follower(&self, now: Instant) -> Option<Follower> {
        self.sessions.memory.revocations.start(now).map(|generation| self.follower_of(generation))
    }

    /// Where several sessions share their memory, only the latest know all secrets, so that they follow for all.
    fn follower_of(&self, generation: u64) -> Follower {
        let memory = &self.sessions.memory;
        let (gate, sessions) = memory.latest_or(self.gate, self.sessions);
        let (clock, stopped) = (Arc::clone(self.gate.clock()), memory.revocations.stopped.clone());
        Follower { gate, sessions, clock, stopped, generation }
    }

    /// Lets another task follow the store where one does.
    #[cfg(feature = "gateway")]
    pub(in crate::session) fn replace_follower(&self, reading: StoreReading) {
        let now = self.gate.clock().now();
        if let Some(generation) = self.sessions.memory.revocations.restart(reading, now) {
            let follower = self.follower_of(generation);
            self.sessions.tasks.spawn(Box::pin(follower.follow()));
        }
    }

    /// Reads the revocations of a store that the sessions before these did not follow, or could not open, and returns from where to
    /// follow it. When the store does not answer, that is where the reading has come.
    #[cfg(feature = "gateway")]
    pub(in crate::session) async fn read_ahead(&self) -> StoreReading {
        let clock = self.gate.clock();
        let mut cursor = Cursor::default();
        loop {
            let asked = clock.now();
            let Ok(page) = self.page(&cursor).await else { return StoreReading::From { cursor, complete: None } };
            self.sessions.memory.revocations.note_all(page.revocations, clock.now());
            cursor = page.cursor;
            if page.is_last {
                return StoreReading::From { cursor, complete: Some(asked) };
            }
        }
    }

    /// Reads the revocations of the store page by page, until there are no more or the server stops. Returns when the last page
    /// was asked for, if all were known then.
    async fn read_revocations(&self, generation: u64) -> Option<Instant> {
        let (clock, revocations) = (self.gate.clock(), &self.sessions.memory.revocations);
        loop {
            let asked = clock.now();
            let after = revocations.begin_question(generation, asked)?;
            let page = self.page(&after).await.ok()?;
            let is_last = page.is_last;
            revocations.end_question(generation, page, clock.now())?;
            if is_last {
                return Some(asked);
            }
            if revocations.stopped.is_cancelled() {
                return None;
            }
        }
    }

    /// Asks the store for the revocations after a cursor.
    async fn page(&self, after: &Cursor) -> Result<Page, StoreError> {
        let sessions = self.sessions;
        let asked = async {
            let (sealed, cursor) = sessions.store.revocations(after).await?;
            // A store that does not get on would be read for ever.
            if sealed.is_empty() || cursor != *after { Ok((sealed, cursor)) } else { Err(Cause::Protocol.into()) }
        };
        let (sealed, cursor) = self.ask(asked).await?;
        let is_last = sealed.len() < REVOCATIONS_AT_ONCE;
        // Opened before the set is locked, so that no request waits for it.
        let revocations = sealed.iter().filter_map(|sealed| Revocation::open(&sessions.sealer, sealed)).collect();
        Ok(Page { revocations, cursor, is_last })
    }
}

/// One answer of the store.
pub(super) struct Page {
    pub(super) revocations: Vec<Revocation>,
    /// Behind them.
    pub(super) cursor: Cursor,
    is_last: bool,
}

/// The task that follows the store. It keeps neither the gate nor the sessions alive.
struct Follower {
    gate: WeakGate,
    sessions: Weak<SharedSessions>,
    clock: Arc<dyn Clock>,
    stopped: CancellationToken,
    /// Its number among the tasks that have followed the store.
    generation: u64,
}

impl Follower {
    async fn follow(self) {
        while let Some(next) = self.ask().await {
            if self.stopped.is_cancelled() {
                return;
            }
            // The first question is asked within a request. The timer must not be that of a runtime which ends with the request.
            yield_now().await;
            if self.stopped.run_until_cancelled(self.clock.sleep_until(next)).await.is_none() {
                return;
            }
        }
    }

    /// Asks the store, and returns when to ask it again.
    async fn ask(&self) -> Option<Instant> {
        let (gate, sessions) = self.gate.upgrade().zip(self.sessions.upgrade())?;
        let complete = Handler { gate: &gate, sessions: &sessions, origin: OriginIndex::default() }
            .read_revocations(self.generation)
            .await;
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let next = sessions.memory.revocations.end_reading(self.generation, complete, now, wall, sessions.lifetime);
        if sessions.memory.revocations.is_followed() {
            sessions.sweep_opened(now, wall);
        } else {
            sessions.opened.clear();
        }
        next
    }
}

impl Drop for Follower {
    /// Lets another task start and wakes the waiting requests, however the task ended.
    fn drop(&mut self) {
        if let Some(sessions) = self.sessions.upgrade() {
            sessions.memory.revocations.end_task(self.generation);
        }
    }
}
