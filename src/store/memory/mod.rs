//! Logins and revocations in the memory of this process.

mod logins;

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
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
/// This store never waits. It is unavailable only for a request id that it already has. Each call drops the logins that have
/// expired, and the oldest revocations whose lifetime has passed. A revocation may stay for longer if an older one still lives.
pub struct MemoryStore {
    contents: Arc<Mutex<Contents>>,
    max_pending: usize,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// Creates an empty store for at most `max_pending` logins at once.
    ///
    /// A login that has ended counts until its lifetime has passed, because its browser may still ask for its state.
    pub fn new(max_pending: usize) -> Self {
        Self { contents: Arc::default(), max_pending, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock. Defaults to the machine's: the clock of [`GateBuilder::clock`](crate::gate::GateBuilder::clock) does not
    /// reach the store.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The same store, for at most `max_pending` logins at once. It keeps those that are too many now until they end.
    #[cfg(feature = "gateway")]
    pub(crate) fn bounded(&self, max_pending: usize) -> Self {
        Self { contents: Arc::clone(&self.contents), max_pending, clock: Arc::clone(&self.clock) }
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
            contents.revocations.push(&revocation, end_of(lifetime, now));
            Ok(())
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        self.step(move |contents, _| Ok(contents.revocations.after(after)))
    }

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        self.step(|_, _| Ok(self.clock.wall()))
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
    /// The newest last. Nearly all live equally long, so the oldest is the first to end.
    kept: VecDeque<KeptRevocation>,
    /// The number of the newest revocation that ever came.
    last: u64,
}

struct KeptRevocation {
    sealed: Box<[u8]>,
    end: Instant,
}

impl RevocationLog {
    fn push(&mut self, revocation: &[u8], end: Instant) {
        self.last += 1;
        self.kept.push_back(KeptRevocation { sealed: revocation.into(), end });
    }

    fn after(&self, cursor: &Cursor) -> (Vec<Bytes>, Cursor) {
        let dropped = self.last - self.kept.len() as u64;
        let after = cursor.name().parse().unwrap_or(0).clamp(dropped, self.last);
        let known = usize::try_from(after - dropped).expect("no more are known than are kept");
        let later = self.kept.range(known..).take(REVOCATIONS_AT_ONCE);
        let later: Vec<_> = later.map(|kept| Bytes::copy_from_slice(&kept.sealed)).collect();
        let cursor = Cursor::new((after + later.len() as u64).to_string());
        (later, cursor)
    }

    fn expire(&mut self, now: Instant) {
        while self.kept.pop_front_if(|kept| kept.end <= now).is_some() {}
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
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
