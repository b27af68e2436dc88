//! How long the store takes, whichever it is.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::telemetry::StoreTelemetry;
use crate::{
    callback::RequestId,
    clock::{Clock as _, SystemClock},
    closed_list::closed_list,
    session::BrowserId,
    store::{Cursor, Login, LoginState, Store, StoreFuture, WatchedLogin},
};

closed_list! {
    /// What the store is asked for.
    pub(super) enum StoreOperation {
        /// To open a login.
        Open = "open",
        /// How long a login lasts.
        TimeLeft = "time-left",
        /// To move a login on.
        Advance = "advance",
        /// The login of a browser.
        State = "state",
        /// Which of the logins that browsers wait for have moved.
        Moved = "moved",
        /// To keep a revocation.
        Revoke = "revoke",
        /// The revocations that have come.
        Revocations = "revocations",
    }
}

/// A store whose calls are measured. A call that is given up, because it takes too long, counts with the time that it was given.
pub(super) struct MeasuredStore<S> {
    inner: S,
    telemetry: StoreTelemetry,
}

/// A call of the store, which ends when this is dropped.
struct Call<'a> {
    telemetry: &'a StoreTelemetry,
    operation: StoreOperation,
    begun: Instant,
}

impl<S: Store> MeasuredStore<S> {
    pub(super) fn new(inner: S, telemetry: StoreTelemetry) -> Self {
        Self { inner, telemetry }
    }

    fn measure<'a, T: Send + 'a>(&'a self, operation: StoreOperation, asked: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let _call = Call { telemetry: &self.telemetry, operation, begun: SystemClock.now() };
            asked.await
        })
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let elapsed: Duration = SystemClock.now() - self.begun;
        self.telemetry.call(self.operation, elapsed);
    }
}

impl<S: Store> Store for MeasuredStore<S> {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        self.measure(StoreOperation::Open, self.inner.open(request_id, browser, owner, lifetime))
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        self.measure(StoreOperation::TimeLeft, self.inner.time_left(request_id))
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        self.measure(StoreOperation::Advance, self.inner.advance(request_id, to))
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        self.measure(StoreOperation::State, self.inner.state(browser, request_id))
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        self.measure(StoreOperation::Moved, self.inner.moved(watched))
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        self.measure(StoreOperation::Revoke, self.inner.revoke(revocation, lifetime))
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        self.measure(StoreOperation::Revocations, self.inner.revocations(after))
    }
}
