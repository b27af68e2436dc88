//! The link to the server: one connection, which is made anew when it is lost.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{FromRedisValue, RedisError, RetryMethod, ScriptInvocation};
use tokio::{
    sync::OnceCell,
    time::{timeout, timeout_at},
};

use super::address::{Address, Connection};
use crate::{
    clock::{Clock as _, SystemClock},
    store::StoreError,
};

/// Gives each call an answer within [`DEADLINE`].
///
/// It connects when it is first called, and again after a connection was lost: one attempt at a time, for which
/// all callers wait, and then none for [`PAUSE`], in which they fail at once.
pub(super) struct Link {
    pub(super) address: Address,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    connection: Arc<OnceCell<Arc<Connection>>>,
    rests_until: Option<Instant>,
}

/// How long a call may take, connecting included.
pub(super) const DEADLINE: Duration = Duration::from_secs(1);

/// How long a connection may take to come up, TLS and password included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(750);

/// How long nobody connects after an attempt that failed, and the least time from one attempt to the next.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

impl Link {
    pub(super) fn new(address: Address) -> Self {
        Self { address, line: Mutex::default() }
    }

    /// What the server answers to a script.
    pub(super) async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        let deadline = (SystemClock.now() + DEADLINE).into();
        let connection = timeout_at(deadline, self.connection()).await.map_err(|_| StoreError::Unavailable)??;
        // The answer to a call that nobody waits for any more is told apart by its order, and dropped.
        let mut commands = connection.commands.clone();
        match timeout_at(deadline, call.invoke_async(&mut commands)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if !is_lost(&error) => {}
            _ => self.give_up(&connection),
        }
        Err(StoreError::Unavailable)
    }

    async fn connection(&self) -> Result<Arc<Connection>, StoreError> {
        let cell = self.line().cell();
        cell.get_or_try_init(|| self.connect()).await.cloned()
    }

    async fn connect(&self) -> Result<Arc<Connection>, StoreError> {
        // A caller may leave in the middle of its attempt: that counts as one as well.
        self.line().begin(SystemClock.now())?;
        match timeout(CONNECT_TIMEOUT, self.address.connect()).await {
            Ok(Ok(connection)) => Ok(Arc::new(connection)),
            _ => {
                self.line().rest(SystemClock.now());
                Err(StoreError::Unavailable)
            }
        }
    }

    /// Lets the next caller connect. Who waits for answers on the lost connection may still get them.
    fn give_up(&self, lost: &Arc<Connection>) {
        let mut line = self.line();
        if line.connection.get().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            line.connection = Arc::default();
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Where the connection is, or will be.
    fn cell(&mut self) -> Arc<OnceCell<Arc<Connection>>> {
        if self.connection.get().is_some_and(|connection| connection.has_ended()) {
            self.connection = Arc::default();
        }
        Arc::clone(&self.connection)
    }

    fn begin(&mut self, now: Instant) -> Result<(), StoreError> {
        if self.rests_until.is_some_and(|end| now < end) {
            return Err(StoreError::Unavailable);
        }
        self.rest(now);
        Ok(())
    }

    fn rest(&mut self, now: Instant) {
        self.rests_until = Some(now + PAUSE);
    }
}

/// Whether another connection may fare better: to a server that has started meanwhile, or to another one.
fn is_lost(error: &RedisError) -> bool {
    !matches!(error.retry_method(), RetryMethod::NoRetry)
}
