//! How long the store takes, whichever it is.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::{telemetry::StoreTelemetry, traces};
use crate::{
    callback::RequestId,
    cause::Cause,
    clock::{Clock as _, SystemClock},
    closed_list::closed_list,
    session::BrowserId,
    store::{Cursor, Login, LoginState, Store, StoreError, StoreFuture, WatchedLogin},
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
        /// Its time.
        Time = "time",
    }
}

/// A store whose calls are measured. A call that is given up, because it takes too long, counts with the time that it was given.
pub(super) struct MeasuredStore<S> {
    inner: S,
    /// What it is, in the words of OpenTelemetry.
    system: &'static str,
    telemetry: StoreTelemetry,
}

/// A call of the store, which ends when this is dropped.
struct Call<'a> {
    telemetry: &'a StoreTelemetry,
    system: &'static str,
    operation: StoreOperation,
    begun: Instant,
    /// It was given up, as long as nothing else is known.
    failure: Option<Cause>,
}

impl<S: Store> MeasuredStore<S> {
    pub(super) fn new(inner: S, system: &'static str, telemetry: StoreTelemetry) -> Self {
        Self { inner, system, telemetry }
    }

    fn measure<'a, T: Send + 'a>(&'a self, operation: StoreOperation, asked: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let (telemetry, system, begun) = (&self.telemetry, self.system, SystemClock.now());
            let mut call = Call { telemetry, system, operation, begun, failure: Some(Cause::Timeout) };
            let answer = asked.await;
            call.failure = match &answer {
                Ok(_) => None,
                Err(StoreError::Full) => Some(Cause::Full),
                Err(StoreError::Unavailable(failure)) => Some(failure.cause()),
            };
            answer
        })
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let elapsed: Duration = SystemClock.now() - self.begun;
        self.telemetry.call(self.operation, elapsed);
        traces::note_store_call(self.system, self.operation, elapsed, self.failure);
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

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        self.measure(StoreOperation::Time, self.inner.time())
    }
}
