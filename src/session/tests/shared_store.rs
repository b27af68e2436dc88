//! A store that can be taken away.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::queue::Queue;
use crate::{
    callback::RequestId,
    cause::Cause,
    clock::ManualClock,
    session::BrowserId,
    store::{Cursor, Login, LoginState, MemoryStore, Store, StoreFuture, WatchedLogin},
};

/// A store that several gates share, and that can be taken away.
#[derive(Clone)]
pub(super) struct SharedStore {
    pub(super) clock: ManualClock,
    kept: Arc<MemoryStore>,
    is_down: Arc<AtomicBool>,
    is_slow: Arc<AtomicBool>,
    repeats: Arc<AtomicBool>,
    is_busy: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    asked_for_time: Arc<AtomicUsize>,
    /// How many more batches are answered.
    batches: Arc<AtomicUsize>,
    /// The tasks of the gates that share it.
    pub(super) followers: Arc<Mutex<Vec<Queue>>>,
}

impl Default for SharedStore {
    fn default() -> Self {
        let clock = ManualClock::default();
        let kept = Arc::new(MemoryStore::new(10_000).clock(clock.clone()));
        let batches = Arc::new(AtomicUsize::new(usize::MAX));
        Self {
            clock,
            kept,
            is_down: Arc::default(),
            is_slow: Arc::default(),
            repeats: Arc::default(),
            is_busy: Arc::default(),
            asked: Arc::default(),
            asked_for_time: Arc::default(),
            batches,
            followers: Arc::default(),
        }
    }
}

impl SharedStore {
    /// Another store, in which nothing is kept yet, with the same time.
    #[cfg(feature = "gateway")]
    pub(super) fn another(&self) -> Self {
        let clock = self.clock.clone();
        let kept = Arc::new(MemoryStore::new(10_000).clock(clock.clone()));
        Self { clock, kept, ..Self::default() }
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::Relaxed);
    }

    /// A slow store answers only once it is no longer slow.
    pub(super) fn set_slow(&self, is_slow: bool) {
        self.is_slow.store(is_slow, Ordering::Relaxed);
    }

    /// A store that repeats itself gives the revocations after a cursor with that very cursor.
    pub(super) fn set_repeating(&self, repeats: bool) {
        self.repeats.store(repeats, Ordering::Relaxed);
    }

    /// In a busy store a revocation comes before each question about revocations.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Answers so many more batches of logins that are watched, and then no other one.
    pub(super) fn set_batches(&self, batches: usize) {
        self.batches.store(batches, Ordering::Relaxed);
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn asked_for_time(&self) -> usize {
        self.asked_for_time.load(Ordering::Relaxed)
    }

    fn answer<'a, T: Send + 'a>(&self, answer: impl FnOnce() -> StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Box::pin(async { Err(Cause::Connect.into()) });
        }
        let (answer, is_slow) = (answer(), Arc::clone(&self.is_slow));
        Box::pin(async move {
            poll_fn(|_| if is_slow.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(()) }).await;
            answer.await
        })
    }
}

impl Store for SharedStore {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        self.answer(|| self.kept.open(request_id, browser, owner, lifetime))
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        self.answer(|| self.kept.time_left(request_id))
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        self.answer(|| self.kept.advance(request_id, to))
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        self.answer(|| self.kept.state(browser, request_id))
    }

    fn moved<'a>(&'a self, seen: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        let left = self.batches.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.answer(|| self.kept.moved(seen)),
            Err(_) => Box::pin(async { Err(Cause::Timeout.into()) }),
        }
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        self.answer(|| self.kept.revoke(revocation, lifetime))
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        self.answer(|| {
            Box::pin(async {
                if self.is_busy.load(Ordering::Relaxed) {
                    self.kept.revoke(Bytes::from_static(b"sealed"), Duration::from_secs(3600)).await?;
                }
                let (sealed, cursor) = self.kept.revocations(after).await?;
                Ok((sealed, if self.repeats.load(Ordering::Relaxed) { after.clone() } else { cursor }))
            })
        })
    }

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        self.asked_for_time.fetch_add(1, Ordering::Relaxed);
        self.answer(|| self.kept.time())
    }
}
