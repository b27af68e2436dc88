//! The reconnect to the server: one connection, which is made anew when it is lost.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{FromRedisValue, RedisError, RetryMethod, ScriptInvocation};
use tokio::{
    sync::OnceCell,
    time::{timeout, timeout_at},
};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    error::fault_of,
    server::{Server, ServerConnection},
};
use crate::{
    cause::{Cause, Fault},
    clock::{Clock as _, SystemClock},
    store::StoreError,
};

/// Gives each call an answer within [`DEADLINE`].
///
/// It connects when it is first called, and again after a connection was lost: one attempt at a time, for which
/// all callers wait, and then none for [`PAUSE`], in which they fail at once, for the reason that the attempt failed for.
pub(super) struct Reconnect {
    pub(super) server: Server,
    slot: Mutex<Slot>,
}

/// A call that waits for its answer; the connection is given up if there was time enough for one and none came,
/// be it that the deadline has passed or that the caller has left.
struct InFlight<'a> {
    reconnect: &'a Reconnect,
    connection: &'a Arc<ServerConnection>,
    asked: Instant,
    answered: bool,
    _token: TaskTrackerToken,
}

#[derive(Default)]
struct Slot {
    connection: Arc<OnceCell<Arc<ServerConnection>>>,
    rests_until: Option<Instant>,
    /// Why there is no connection, if it was not just closed.
    fault: Option<Fault>,
}

/// How long a call may take, connecting included.
pub(super) const DEADLINE: Duration = Duration::from_secs(1);

/// How long a caller waits at least whose leaving says something of the connection. Who asks for revocations leaves
/// before [`DEADLINE`], and is the only caller while nobody logs in.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long a connection may take to come up, TLS and password included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(750);

/// How long nobody connects after an attempt that failed, and the least time from one attempt to the next.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

impl Reconnect {
    pub(super) fn new(server: Server) -> Self {
        Self { server, slot: Mutex::default() }
    }

    /// What the server answers to a script.
    pub(super) async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        Ok(self.answer(call).await?)
    }

    async fn answer<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Fault> {
        let deadline = (SystemClock.now() + DEADLINE).into();
        let connection = timeout_at(deadline, self.connection()).await.map_err(|_| Cause::Timeout)??;
        // The answer to a call that nobody waits for any more is told apart by its order, and dropped.
        let mut commands = connection.commands.clone();
        let mut in_flight = InFlight::new(self, &connection);
        let answer = timeout_at(deadline, call.invoke_async(&mut commands)).await;
        let answer = answer.map_err(|_| Cause::Timeout)?;
        in_flight.answered = true;
        let error = match answer {
            Ok(answer) => {
                connection.note(None);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let (is_lost, has_ended) = (is_lost(&error), error.is_io_error());
        let mut fault = fault_of(error);
        if has_ended {
            drop(in_flight);
            fault = timeout_at(deadline, connection.end()).await.ok().flatten().unwrap_or(fault);
        } else {
            connection.note(Some(fault.clone()));
        }
        self.note(&connection, &fault);
        if is_lost {
            self.give_up(&connection, &fault);
        }
        Err(fault)
    }

    async fn connection(&self) -> Result<Arc<ServerConnection>, Fault> {
        let cell = self.slot().cell();
        cell.get_or_try_init(|| self.connect()).await.cloned()
    }

    async fn connect(&self) -> Result<Arc<ServerConnection>, Fault> {
        // A caller may leave in the middle of its attempt: that counts as one as well.
        self.slot().begin(SystemClock.now())?;
        let connected = timeout(CONNECT_TIMEOUT, self.server.connect()).await;
        let connected = connected.unwrap_or_else(|_| Err(Cause::Timeout.into()));
        let mut slot = self.slot();
        slot.fault = connected.as_ref().err().cloned();
        if slot.fault.is_some() {
            slot.rest(SystemClock.now());
        }
        connected.map(Arc::new)
    }

    /// Remembers why a call failed: a server that refuses may also hang up.
    fn note(&self, connection: &Arc<ServerConnection>, fault: &Fault) {
        let mut slot = self.slot();
        if slot.connection.get().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            slot.fault = Some(fault.clone());
        }
    }

    /// Lets the next caller connect. Who waits for answers on the lost connection may still get them.
    fn give_up(&self, lost: &Arc<ServerConnection>, fault: &Fault) {
        let mut slot = self.slot();
        if slot.connection.get().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            slot.connection = Arc::default();
            slot.fault = Some(fault.clone());
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> InFlight<'a> {
    fn new(reconnect: &'a Reconnect, connection: &'a Arc<ServerConnection>) -> Self {
        let _token = connection.in_flight.token();
        Self { reconnect, connection, asked: SystemClock.now(), answered: false, _token }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let now = SystemClock.now();
        // While nobody may connect, a silent connection is better than none.
        if !self.answered && now >= self.asked + PATIENCE && !self.reconnect.slot().rests(now) {
            self.reconnect.give_up(self.connection, &Cause::Timeout.into());
        }
    }
}

impl Slot {
    /// Where the connection is, or will be.
    fn cell(&mut self) -> Arc<OnceCell<Arc<ServerConnection>>> {
        if self.connection.get().is_some_and(|connection| connection.has_ended()) {
            self.connection = Arc::default();
        }
        Arc::clone(&self.connection)
    }

    fn begin(&mut self, now: Instant) -> Result<(), Fault> {
        if self.rests(now) {
            return Err(self.fault.clone().unwrap_or(Cause::Closed.into()));
        }
        self.rest(now);
        self.fault = Some(Cause::Timeout.into());
        Ok(())
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|end| now < end)
    }

    fn rest(&mut self, now: Instant) {
        self.rests_until = Some(now + PAUSE);
    }
}

/// Whether another connection may fare better: to a server that has started meanwhile, or to another one.
fn is_lost(error: &RedisError) -> bool {
    !matches!(error.retry_method(), RetryMethod::NoRetry)
}
