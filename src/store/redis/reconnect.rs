//! The way to the servers: one connection for all calls, which is made anew when it is lost.
//!
//! It is our own because the connection manager of the client lets callers wait for as long as it reconnects. Here each call
//! is answered within [`DEADLINE`], and at once while it is known that the server cannot be reached.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{Cmd, FromRedisValue, RedisError, RedisResult, RetryMethod, aio::ConnectionLike};
use tokio::{sync::OnceCell, time::timeout};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    cluster::NodesConnection,
    error::failure_of,
    server::ServerConnection,
    topology::{Connection, Topology},
};
use crate::{
    backoff::jittered,
    cause::{Cause, Failure},
    clock::Clock,
    store::StoreError,
};

/// Connects when it is first called, and again after a connection was lost.
///
/// All callers wait for the same attempt. If it fails, nobody connects for up to [`PAUSE`], and calls fail at once with the
/// cause of the failed attempt.
pub(super) struct Reconnect {
    pub(super) topology: Topology,
    pub(super) clock: Arc<dyn Clock>,
    slot: Mutex<ConnectionSlot>,
}

#[derive(Default)]
struct ConnectionSlot {
    connection: Arc<OnceCell<Arc<Connection>>>,
    /// The earliest time of the next attempt to connect.
    next_attempt: Option<Instant>,
    /// The reason why the last call, attempt or connection failed.
    failure: Option<Failure>,
}

/// A call that waits for its answer. When its deadline passes or its caller leaves, and there was time enough for an answer, the
/// connection is given up.
struct PendingCall<'a> {
    reconnect: &'a Reconnect,
    connection: &'a Arc<Connection>,
    asked: Instant,
    answered: bool,
    _token: TaskTrackerToken,
}

/// What a server can be asked for.
pub(super) trait Call {
    /// Asks for it.
    fn ask<T: FromRedisValue + Send>(
        &self,
        connection: &mut (impl ConnectionLike + Send),
    ) -> impl Future<Output = RedisResult<T>> + Send;
}

impl Call for Cmd {
    async fn ask<T: FromRedisValue + Send>(&self, connection: &mut (impl ConnectionLike + Send)) -> RedisResult<T> {
        self.query_async(connection).await
    }
}

impl Reconnect {
    pub(super) fn new(topology: Topology, clock: Arc<dyn Clock>) -> Self {
        Self { topology, clock, slot: Mutex::default() }
    }

    /// Returns what the server answers to a call.
    pub(super) async fn run<T: FromRedisValue + Send>(&self, call: &(impl Call + Sync)) -> Result<T, StoreError> {
        let answer = timeout(DEADLINE, self.answer(call)).await;
        Ok(answer.unwrap_or_else(|_| Err(Cause::Timeout.into()))?)
    }

    async fn answer<T: FromRedisValue + Send>(&self, call: &(impl Call + Sync)) -> Result<T, Failure> {
        let connection = self.connection().await?;
        match &*connection {
            Connection::Server(server) => self.answer_of_server(call, &connection, server).await,
            Connection::Cluster(nodes) => {
                let answer = call.ask(&mut nodes.commands.clone()).await;
                answer.map_err(|error| self.failure_of_cluster(&connection, nodes, error))
            }
        }
    }

    async fn answer_of_server<T: FromRedisValue + Send>(
        &self,
        call: &(impl Call + Sync),
        connection: &Arc<Connection>,
        server: &ServerConnection,
    ) -> Result<T, Failure> {
        // The client drops the answer to a call whose caller has left: it knows that answer by its order.
        let mut commands = server.commands.clone();
        let (asked, _token) = (self.clock.now(), server.in_flight.token());
        let mut pending = PendingCall { reconnect: self, connection, asked, answered: false, _token };
        let answer = call.ask(&mut commands).await;
        pending.answered = true;
        let error = match answer {
            Ok(answer) => {
                server.note(None);
                return Ok(answer);
            }
            Err(error) => error,
        };
        // Another connection may fare better: to a server that has started meanwhile, or to another one.
        let is_lost = !matches!(error.retry_method(), RetryMethod::NoRetry);
        let has_ended = error.is_io_error();
        let mut failure = failure_of(error);
        if has_ended {
            drop(pending);
            failure = server.end().await.unwrap_or(failure);
        } else {
            server.note(Some(failure.clone()));
        }
        if is_lost {
            self.give_up(connection, &failure);
        } else if let Some(mut slot) = self.slot_of(connection) {
            slot.failure = Some(failure.clone());
        }
        Err(failure)
    }

    /// Returns why a call failed. The connection is given up only if it has no node left: the client connects anew to a node
    /// that is lost, and the others go on meanwhile.
    fn failure_of_cluster(&self, connection: &Arc<Connection>, nodes: &NodesConnection, error: RedisError) -> Failure {
        let failure = nodes.failure(error);
        if nodes.has_ended() {
            self.give_up(connection, &failure);
        }
        failure
    }

    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let mut cell = self.cell();
        if let Some(connection) = cell.get() {
            let failure = match &**connection {
                Connection::Server(server) if server.is_outdated() => Some(Cause::ReadOnly.into()),
                Connection::Server(server) if server.has_ended() => {
                    Some(server.end().await.unwrap_or(Cause::Closed.into()))
                }
                _ => None,
            };
            if let Some(failure) = failure {
                self.give_up(connection, &failure);
                cell = self.cell();
            }
        }
        cell.get_or_try_init(|| self.connect()).await.cloned()
    }

    async fn connect(&self) -> Result<Arc<Connection>, Failure> {
        {
            let mut slot = self.slot();
            let now = self.clock.now();
            if slot.rests(now) {
                return Err(slot.failure.clone().unwrap_or(Cause::Closed.into()));
            }
            // A caller may leave in the middle of its attempt, which counts as one as well.
            slot.next_attempt = Some(now + jittered(PAUSE));
            slot.failure = Some(Cause::Timeout.into());
        }
        let connected = timeout(CONNECT_TIMEOUT, self.topology.connect(&self.clock)).await;
        let connected = connected.unwrap_or_else(|_| Err(Cause::Timeout.into()));
        let mut slot = self.slot();
        slot.failure = connected.as_ref().err().cloned();
        if slot.failure.is_some() {
            slot.next_attempt = Some(self.clock.now() + jittered(PAUSE));
        }
        connected.map(Arc::new)
    }

    /// Lets the next caller connect. Those that wait for answers on the lost connection may still get them.
    fn give_up(&self, lost: &Arc<Connection>, failure: &Failure) {
        if let Some(mut slot) = self.slot_of(lost) {
            slot.connection = Arc::default();
            slot.failure = Some(failure.clone());
        }
    }

    /// The slot, if this connection is still in it.
    fn slot_of(&self, connection: &Arc<Connection>) -> Option<MutexGuard<'_, ConnectionSlot>> {
        let slot = self.slot();
        slot.connection.get().is_some_and(|current| Arc::ptr_eq(current, connection)).then_some(slot)
    }

    fn cell(&self) -> Arc<OnceCell<Arc<Connection>>> {
        Arc::clone(&self.slot().connection)
    }

    fn slot(&self) -> MutexGuard<'_, ConnectionSlot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionSlot {
    fn rests(&self, now: Instant) -> bool {
        self.next_attempt.is_some_and(|next| now < next)
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        let now = self.reconnect.clock.now();
        // While no one may connect, a silent connection is better than none.
        if !self.answered && now >= self.asked + PATIENCE && !self.reconnect.slot().rests(now) {
            self.reconnect.give_up(self.connection, &Cause::Timeout.into());
        }
    }
}

/// How long a call may take, connecting included.
const DEADLINE: Duration = Duration::from_secs(1);

/// How long a caller must have waited before its leaving counts against the connection. A caller may leave before [`DEADLINE`],
/// such as a request whose client has gone. One that leaves sooner than this says nothing of the server.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long a connection may take to come up, TLS and password included.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(750);

/// The longest time from a failed attempt to the next, and from one attempt to the next. The store promises to be back half a
/// second after its server is.
const PAUSE: Duration = Duration::from_millis(500);
