//! How a connection is opened: for a callback that waits for it, or ahead of the next one.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;

use super::Connections;
use crate::{
    backoff,
    clock::Clock,
    profile::{
        FetchError,
        client::connector::{Connection, Driver},
    },
};

impl Connections {
    /// Opens a connection, or returns the one that another callback has opened meanwhile.
    pub(super) async fn open(self: &Arc<Self>, deadline: Instant) -> Result<Connection, FetchError> {
        let failures = self.admit(deadline).await?;
        let alone = {
            let state = self.state();
            state.is_http1 && state.breaker.open().is_none()
        };
        let _turn = if alone { None } else { Some(self.turn.lock().await) };
        if let Some(connection) = self.reuse().await {
            return Ok(connection);
        }
        if let Some(failure) = self.state().breaker.open_after(failures) {
            return Err(failure.clone().into());
        }
        let opened = self.connector.open(&self.url).await;
        let now = self.clock.now();
        let mut state = self.state();
        let (connection, driver) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                state.breaker.fail(failure.clone(), failures, now);
                return Err(failure.into());
            }
        };
        state.breaker.succeed();
        state.is_http1 = matches!(connection, Connection::Http1(_));
        match &connection {
            Connection::Http1(_) => TokioExecutor::new().execute(driver),
            Connection::Http2(requests) => {
                state.shared = Some(requests.clone());
                state.signs_of_life += 1;
                self.keep_open(driver, now);
            }
        }
        Ok(connection)
    }

    /// Waits for the end of a short back-off; fails during a long one. Returns how many attempts had failed before.
    async fn admit(&self, deadline: Instant) -> Result<u64, FetchError> {
        let now = self.clock.now();
        let (failures, until) = {
            let state = self.state();
            let until = match state.breaker.open() {
                Some((failure, until)) if now + BACKOFF_WAIT < until || deadline <= until => {
                    return Err(failure.clone().into());
                }
                open => open.map(|(_, until)| until),
            };
            (state.breaker.failures(), until)
        };
        if let Some(until) = until.filter(|until| now < *until) {
            self.clock.sleep_until(until).await;
        }
        Ok(failures)
    }

    /// Opens a connection ahead of the first callback, in a task of its own.
    pub(in crate::profile::client) fn connect(self: &Arc<Self>) {
        let (connections, clock) = (Arc::downgrade(self), Arc::clone(&self.clock));
        TokioExecutor::new().execute(async move { Self::open_ahead(&connections, &*clock, 0).await });
    }

    /// Drives an HTTP/2 connection, and opens the next one when it is lost.
    fn keep_open(self: &Arc<Self>, driver: Driver, opened: Instant) {
        let (connections, clock) = (Arc::downgrade(self), Arc::clone(&self.clock));
        TokioExecutor::new().execute(async move {
            driver.await;
            let lost = connections.upgrade().map(|connections| connections.note_loss(opened));
            Self::open_ahead(&connections, &*clock, lost.unwrap_or_default()).await;
        });
    }

    /// Opens a connection for the next callback, unless none has come for long. It sends no request.
    async fn open_ahead(connections: &Weak<Self>, clock: &dyn Clock, lost: usize) {
        for pause in backoff::doubling(SHORTEST_REOPENING_PAUSE, LONGEST_REOPENING_PAUSE).skip(lost) {
            clock.sleep_until(clock.now() + backoff::jittered(pause)).await;
            let Some(connections) = connections.upgrade() else { return };
            let now = clock.now();
            let is_wanted = now < connections.state().asked + KEPT_OPEN;
            if !is_wanted || connections.state().shared().is_some() {
                return;
            }
            if let Ok(connection) = connections.open(now + KEPT_OPEN).await {
                return connections.give_back(connection);
            }
        }
    }

    /// Counts a connection that was soon lost, and returns how many there were in a row.
    fn note_loss(&self, opened: Instant) -> usize {
        let mut state = self.state();
        state.lost = if self.clock.now() < opened + LONGEST_REOPENING_PAUSE { state.lost + 1 } else { 0 };
        state.lost
    }
}

/// How long a callback waits for a back-off to end. Truecaller waits 3 s for its answer.
const BACKOFF_WAIT: Duration = Duration::from_millis(250);
/// How long a connection is kept open after the last callback.
const KEPT_OPEN: Duration = Duration::from_hours(24);
/// The pauses before a connection is opened ahead: no server is asked more than once a minute for long.
const SHORTEST_REOPENING_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_REOPENING_PAUSE: Duration = Duration::from_mins(1);
