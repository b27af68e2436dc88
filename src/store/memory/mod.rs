//! Logins and revocations in the memory of this process.

mod expiries;
mod logins;
mod revocations;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use self::{logins::Logins, revocations::Revocations};
use super::{Cursor, Login, State, Store, StoreError, WatchedLogin};
use crate::{
    callback::RequestId,
    clock::{Clock, SystemClock},
    session::BrowserId,
};

/// Keeps logins and revocations in the memory of this process, for a single gateway.
///
/// A restart forgets both: a login that ran must be started again, and a session that was revoked lives on until it
/// expires. Several gateways that must act as one need a store outside of them.
///
/// It is never unavailable, and never waits. What has expired is dropped by whatever call comes next.
pub struct MemoryStore {
    kept: Mutex<Kept>,
    max_pending: usize,
    clock: Box<dyn Clock>,
}

impl MemoryStore {
    /// An empty store for at most `max_pending` logins at once.
    ///
    /// A login that has ended keeps its place until its lifetime has passed, as its browser may still ask.
    pub fn new(max_pending: usize) -> Self {
        Self { kept: Mutex::default(), max_pending, clock: Box::new(SystemClock) }
    }

    /// The clock. Defaults to the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// A step that is taken as a whole, when it is first polled.
    fn step<'a, T: 'a>(&'a self, step: impl FnOnce(&mut Kept, Instant) -> T + Send + 'a) -> BoxFuture<'a, T> {
        Box::pin(async move {
            let (mut kept, now) = self.kept();
            step(&mut kept, now)
        })
    }

    /// What is kept now, and when now is.
    fn kept(&self) -> (MutexGuard<'_, Kept>, Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked under the lock, so that no call sees an earlier time than the one before it.
        let now = self.clock.now();
        kept.logins.expire(now);
        kept.revocations.expire(now);
        (kept, now)
    }
}

impl Store for MemoryStore {
    fn open<'a>(
        &'a self,
        nonce: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.step(move |kept, now| kept.logins.open(nonce, browser, owner, after(now, lifetime), self.max_pending))
    }

    fn time_left<'a>(&'a self, nonce: &'a RequestId) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        self.step(move |kept, now| Ok(kept.logins.runs_until(nonce).map(|end| end - now)))
    }

    fn advance<'a>(&'a self, nonce: &'a RequestId, to: State) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.step(move |kept, _| Ok(kept.logins.advance(nonce, to)))
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        nonce: Option<&'a RequestId>,
    ) -> BoxFuture<'a, Result<Option<Login>, StoreError>> {
        self.step(move |kept, _| Ok(kept.logins.state(browser, nonce)))
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
        self.step(move |kept, _| {
            let is_still = |watched: &WatchedLogin| {
                watched.is_still(kept.logins.state(&watched.browser, watched.asked.as_ref()).as_ref())
            };
            Ok(watched.iter().enumerate().filter(|(_, watched)| !is_still(watched)).map(|(place, _)| place).collect())
        })
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        self.step(move |kept, now| {
            kept.revocations.push(revocation, after(now, lifetime));
            Ok(())
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> BoxFuture<'a, Result<(Vec<Bytes>, Cursor), StoreError>> {
        self.step(move |kept, _| Ok(kept.revocations.after(after)))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Kept {
    logins: Logins,
    revocations: Revocations,
}

fn after(now: Instant, lifetime: Duration) -> Instant {
    now + lifetime.min(super::LONGEST)
}

#[cfg(test)]
mod tests;
