//! The question to the store about all logins that are waited for, which finds the moves of other processes.
//!
//! One of the requests that wait asks for all of them, batch by batch, every [`INTERVAL`]. When that request leaves, another
//! one takes over, so that nothing runs while nobody waits.

use std::{
    collections::HashSet,
    future::pending,
    time::{Duration, Instant},
};

use super::{Changes, Waiting, WakeReason};
use crate::{
    gate::plugin::unless,
    session::handler::Handler,
    store::{StoreError, WATCHED_AT_ONCE, WatchedLogin},
};

/// How far polling has come, whichever request does it.
#[derive(Default)]
pub(super) struct PollProgress {
    /// When the store is to be asked next.
    due: Option<Instant>,
    /// How many polls in a row have failed.
    failures: u32,
}

impl Handler<'_> {
    /// Waits until a login may have moved; returns none at the deadline, and once waiting is stopped.
    pub(crate) async fn wait(&self, changes: Option<&mut Changes>, deadline: Instant) -> Option<WakeReason> {
        let change = async {
            let Some(changes) = changes else { return pending().await };
            // The sender is gone once the login is watched no more, and its state may have changed before that.
            unless(self.poll(), changes.changed())
                .await?
                .ok()
                .map_or(Some(WakeReason::Moved), |()| Some(*changes.borrow()))
        };
        self.gate.by(deadline, self.sessions.memory.waiting.closed.run_until_cancelled(change)).await??
    }

    /// Asks the store about all logins again and again, once no other request does.
    async fn poll(&self) {
        let (waiting, clock) = (&self.sessions.memory.waiting, self.gate.clock());
        let _permit = waiting.poller.acquire().await;
        loop {
            let due = *waiting.registry().progress.due.get_or_insert(clock.now() + INTERVAL);
            clock.sleep_until(due).await;
            let asked = clock.now();
            let outcome = self.ask_about(&waiting.begin_poll(asked), asked).await;
            waiting.end_poll(outcome.is_err());
        }
    }

    async fn ask_about(&self, watched: &[WatchedLogin], asked: Instant) -> Result<(), StoreError> {
        for batch in watched.chunks(WATCHED_AT_ONCE) {
            let moved = self.ask(self.sessions.store.moved(batch)).await?;
            self.sessions.memory.waiting.learn(batch, moved, asked);
        }
        Ok(())
    }
}

impl Waiting {
    /// All logins that the store is to be asked about now.
    fn begin_poll(&self, now: Instant) -> Vec<WatchedLogin> {
        let mut registry = self.registry();
        registry.progress.due = Some(now + INTERVAL);
        registry.forget_idle();
        let logins =
            registry.browsers.iter().flat_map(|(id, browser)| browser.logins.iter().map(move |login| (id, login)));
        let watched = logins.map(|(browser, login)| WatchedLogin {
            browser: browser.clone(),
            asked: login.asked.clone(),
            found: login.found.clone(),
        });
        watched.collect()
    }

    /// Takes over the store's answer about a batch.
    fn learn(&self, batch: &[WatchedLogin], moved: Vec<usize>, asked: Instant) {
        let mut registry = self.registry();
        let moved: HashSet<usize> = moved.into_iter().collect();
        for (index, watched) in batch.iter().enumerate() {
            let login = registry.login(&watched.browser, watched.asked.as_ref());
            match login.filter(|login| login.found == watched.found) {
                Some(login) if moved.contains(&index) => login.wake(),
                Some(login) => login.confirmed = Some(asked),
                None => {}
            }
        }
    }

    /// Tells all requests that the store cannot be asked, once that has lasted: they all come again at once.
    fn end_poll(&self, failed: bool) {
        let mut registry = self.registry();
        registry.progress.failures = if failed { registry.progress.failures + 1 } else { 0 };
        if registry.progress.failures >= FAILURES {
            registry.progress.failures = 0;
            let logins = registry.browsers.values().flat_map(|browser| &browser.logins);
            logins.for_each(|login| _ = login.changes.send_replace(WakeReason::StoreFailure));
        }
    }
}

/// The time from one poll to the next.
const INTERVAL: Duration = Duration::from_millis(300);
/// How many polls must fail in a row before requests hear of it.
const FAILURES: u32 = 3;
