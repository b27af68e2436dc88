//! The task that follows the revocations of the store, and the requests that wait for its first answer.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use tokio_util::sync::CancellationToken;

use super::{Revocation, START, Validity};
use crate::{
    clock::Clock,
    gate::plugin::WeakGate,
    session::{Session, builder::Inner, handler::Handler},
    store::StoreError,
};

impl Handler<'_> {
    /// Returns whether a session is valid, after the store's first answer or the longest wait for it.
    pub(crate) async fn check(&self, session: &Session) -> Validity {
        let (revocations, clock, grace) =
            (&self.sessions.revocations, self.gate.clock(), self.sessions.revocation_grace);
        if let Some(validity) = revocations.check(session, clock.now(), grace) {
            return validity;
        }
        let now = clock.now();
        if let Some(generation) = revocations.start(now) {
            let (gate, sessions) = (self.gate.downgrade(), Arc::downgrade(self.sessions));
            let (clock, stopped) = (Arc::clone(clock), revocations.stopped.clone());
            // The task goes on by itself, so nobody waits for its end.
            drop(self.begin(Follower { gate, sessions, clock, stopped, generation }.follow()).await);
        }
        self.gate.by(revocations.started(now) + START, revocations.answered()).await;
        revocations.validity(session, clock.now(), grace)
    }

    /// Reads the revocations of the store page by page, until there are no more.
    async fn read_revocations(&self) -> Result<(), StoreError> {
        let (sessions, revocations) = (self.sessions, &self.sessions.revocations);
        loop {
            let cursor = revocations.known().cursor.clone();
            let (sealed, cursor) = self.ask(sessions.store.revocations(&cursor)).await?;
            if sealed.is_empty() {
                return Ok(());
            }
            // Opened before the set is locked, so that no request waits for it.
            let opened: Vec<_> =
                sealed.iter().filter_map(|sealed| Revocation::open(&sessions.sealer, sealed)).collect();
            let mut known = revocations.known();
            opened.into_iter().for_each(|revocation| known.note(revocation));
            known.cursor = cursor;
        }
    }
}

/// The task that follows the store. It keeps neither the gate nor the sessions alive.
struct Follower {
    gate: WeakGate,
    sessions: Weak<Inner>,
    clock: Arc<dyn Clock>,
    stopped: CancellationToken,
    /// Its number among the tasks that have followed the store.
    generation: u64,
}

impl Follower {
    async fn follow(self) {
        while let Some(next) = self.ask().await {
            if self.stopped.run_until_cancelled(self.clock.sleep_until(next)).await.is_none() {
                return;
            }
        }
    }

    /// Asks the store, and returns when to ask it again.
    async fn ask(&self) -> Option<Instant> {
        let (gate, sessions) = self.gate.upgrade().zip(self.sessions.upgrade())?;
        let asked = self.clock.now();
        let is_complete = Handler { gate: &gate, sessions: &sessions }.read_revocations().await.is_ok();
        sessions.revocations.end_question(self.generation, asked, is_complete, self.clock.now(), self.clock.wall())
    }
}

impl Drop for Follower {
    /// Lets another task start and wakes the waiting requests, however the task ended.
    fn drop(&mut self) {
        if let Some(sessions) = self.sessions.upgrade() {
            sessions.revocations.end_task(self.generation);
        }
    }
}
