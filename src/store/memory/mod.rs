//! Logins and revocations in the memory of this process.

mod logins;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound::{Excluded, Unbounded},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::logins::Logins;
use super::{Cursor, LONGEST, Login, LoginState, REVOCATIONS_AT_ONCE, Store, StoreError, StoreFuture, WatchedLogin};
use crate::{
    callback::RequestId,
    clock::{Clock, SystemClock},
    session::BrowserId,
};

/// Keeps logins and revocations in the memory of this process, for a single gateway.
///
/// A restart loses both: users who were logging in must start again, and a session that was revoked is valid again until it
/// expires. Several gateways that act as one need a store outside of them, such as `RedisStore`.
///
/// This store never waits. It is unavailable only for a request id that it already has. Each call drops expired entries.
pub struct MemoryStore {
    contents: Mutex<Contents>,
    max_pending: usize,
    clock: Box<dyn Clock>,
}

impl MemoryStore {
    /// Creates an empty store for at most `max_pending` logins at once.
    ///
    /// A login that has ended counts until its lifetime has passed, because its browser may still ask for its state.
    pub fn new(max_pending: usize) -> Self {
        Self { contents: Mutex::default(), max_pending, clock: Box::new(SystemClock) }
    }

    /// Sets the clock. Defaults to the machine's: the clock of [`GateBuilder::clock`](crate::gate::GateBuilder::clock) does not
    /// reach the store.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Takes a step as a whole, when it is first polled.
    fn step<'a, T: 'a>(
        &'a self,
        step: impl FnOnce(&mut Contents, Instant) -> Result<T, StoreError> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let (mut contents, now) = self.contents();
            step(&mut contents, now)
        })
    }

    /// Returns the contents and the present instant.
    fn contents(&self) -> (MutexGuard<'_, Contents>, Instant) {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock is asked under the lock, so that no call sees an earlier time than the call before it.
        let now = self.clock.now();
        contents.logins.expire(now);
        contents.revocations.expire(now);
        (contents, now)
    }
}

impl Store for MemoryStore {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        self.step(move |contents, now| {
            contents.logins.open(request_id, browser, owner, end_of(lifetime, now), self.max_pending)
        })
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        self.step(move |contents, now| Ok(contents.logins.pending_until(request_id).map(|end| end - now)))
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        self.step(move |contents, _| Ok(contents.logins.advance(request_id, to)))
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        self.step(move |contents, _| Ok(contents.logins.state(browser, request_id)))
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        self.step(move |contents, _| {
            let is_still = |watched: &WatchedLogin| {
                watched.is_still(contents.logins.state(&watched.browser, watched.asked.as_ref()).as_ref())
            };
            Ok(watched.iter().enumerate().filter(|(_, watched)| !is_still(watched)).map(|(place, _)| place).collect())
        })
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        self.step(move |contents, now| {
            contents.revocations.push(revocation, end_of(lifetime, now));
            Ok(())
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        self.step(move |contents, _| Ok(contents.revocations.after(after)))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Contents {
    logins: Logins,
    revocations: RevocationLog,
}

/// The revocations in the order in which they came, numbered from one. A cursor is the number of the last.
#[derive(Default)]
struct RevocationLog {
    numbered: BTreeMap<u64, Bytes>,
    last: u64,
    ends: BTreeSet<(Instant, u64)>,
}

impl RevocationLog {
    fn push(&mut self, revocation: Bytes, end: Instant) {
        self.last += 1;
        self.numbered.insert(self.last, revocation);
        self.ends.insert((end, self.last));
    }

    fn after(&self, cursor: &Cursor) -> (Vec<Bytes>, Cursor) {
        let after = cursor.name().parse().unwrap_or(0);
        let later = self.numbered.range((Excluded(after), Unbounded)).take(REVOCATIONS_AT_ONCE);
        let (numbers, later): (Vec<_>, Vec<_>) =
            later.map(|(number, revocation)| (*number, revocation.clone())).unzip();
        (later, Cursor::new(numbers.last().unwrap_or(&self.last).to_string()))
    }

    fn expire(&mut self, now: Instant) {
        while let Some(number) = pop_ended(&mut self.ends, now) {
            self.numbered.remove(&number);
        }
    }
}

/// Takes the first that has ended.
fn pop_ended<T: Ord>(ends: &mut BTreeSet<(Instant, T)>, now: Instant) -> Option<T> {
    ends.first().filter(|(end, _)| *end <= now)?;
    ends.pop_first().map(|(_, ended)| ended)
}

fn end_of(lifetime: Duration, now: Instant) -> Instant {
    now + lifetime.min(LONGEST)
}

#[cfg(test)]
mod tests;
