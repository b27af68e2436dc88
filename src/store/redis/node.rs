//! The connections to the nodes of a cluster.
//!
//! They are our own. So their TLS has its provider, each has a deadline, and a command that a server may have received is never
//! sent again: the client of the `redis` crate repeats only what no server has received, or what one has refused.

use std::{
    collections::{BTreeMap, HashMap},
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    Arg, AsyncConnectionConfig, Cmd, ConnectionAddr, IntoConnectionInfo, Pipeline, RedisError, RedisFuture,
    RedisResult, RetryMethod, Value, aio::ConnectionLike, cluster_async::Connect,
};
use tokio::time::{sleep, timeout};

use super::{
    error::failure_of,
    server::{Server, ServerConnection},
};
use crate::{
    cause::{Cause, Failure},
    clock::Clock,
};

/// Connects to nodes for the client, which names them only when it knows them.
pub(super) struct NodeConnector {
    /// What it is found by.
    pub(super) number: u64,
    node: Server,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<(Box<str>, u16), NodeState>>,
}

/// What is known of a node.
enum NodeState {
    Connected(Weak<ServerConnection>),
    /// Nobody connects to it until then.
    Failed(Instant, Failure),
}

/// A connection to a node, of which the client has clones: one for each command.
#[derive(Clone)]
pub(super) struct NodeConnection {
    /// Empty when the node has not answered in time.
    slot: Arc<Mutex<Option<Arc<ServerConnection>>>>,
    /// Whether the next command goes to a slot that is moving to the node.
    is_asking: bool,
}

impl NodeConnector {
    pub(super) fn register(node: Server, clock: Arc<dyn Clock>) -> Arc<Self> {
        // No number is given twice. A client whose connector has gone may still connect, and must not find another one, which
        // logs in elsewhere.
        static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let connector = Arc::new(Self { number, node, clock, known: Mutex::default() });
        connectors().insert(number, Arc::downgrade(&connector));
        connector
    }

    async fn connect(&self, host: &str, port: u16) -> RedisResult<NodeConnection> {
        let node = (Box::from(host), port);
        let is_resting = |known: &NodeState| matches!(known, NodeState::Failed(until, _) if self.clock.now() < *until);
        if self.known().get(&node).is_some_and(is_resting) {
            // The client tries again and again, and at once.
            sleep(RETRY_PAUSE).await;
            return Err(not_sent());
        }
        let connected = timeout(CONNECT_TIMEOUT, self.node.at(host, port).connect()).await;
        match connected.unwrap_or_else(|_| Err(Cause::Timeout.into())) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                self.known().insert(node, NodeState::Connected(Arc::downgrade(&connection)));
                Ok(NodeConnection { slot: Arc::new(Mutex::new(Some(connection))), is_asking: false })
            }
            Err(failure) => {
                self.known().insert(node, NodeState::Failed(self.clock.now() + PAUSE, failure));
                Err(not_sent())
            }
        }
    }

    /// Why a call failed: as a server or a connection says, or else as the node that failed last.
    pub(super) fn failure(&self, error: RedisError) -> Failure {
        // Redirections that lead in a circle: the servers do not agree yet.
        if error.redirect_node().is_some() {
            return Cause::ServerError.into();
        }
        if error.code().is_some() || matches!(error.retry_method(), RetryMethod::NoRetry) {
            return failure_of(error);
        }
        let known = self.known();
        let failed = known.values().filter_map(|known| match known {
            NodeState::Failed(until, failure) => Some((until, failure)),
            NodeState::Connected(_) => None,
        });
        failed.max_by_key(|(until, _)| **until).map_or_else(|| failure_of(error), |(_, failure)| failure.clone())
    }

    /// Whether any node is connected.
    pub(super) fn is_connected(&self) -> bool {
        self.known().values().any(|known| match known {
            NodeState::Connected(connection) => connection.upgrade().is_some_and(|connection| !connection.has_ended()),
            NodeState::Failed(..) => false,
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(Box<str>, u16), NodeState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NodeConnector {
    fn drop(&mut self) {
        connectors().remove(&self.number);
    }
}

impl Connect for NodeConnection {
    fn connect_with_config<'a, T>(info: T, _: AsyncConnectionConfig) -> RedisFuture<'a, Self>
    where
        T: IntoConnectionInfo + Send + 'a,
    {
        Box::pin(async move {
            let info = info.into_connection_info()?;
            let number = info.redis_settings().username().and_then(|number| number.parse().ok());
            let connector = number.and_then(|number: u64| connectors().get(&number).and_then(Weak::upgrade));
            match (connector, info.addr()) {
                (Some(connector), ConnectionAddr::Tcp(host, port)) => connector.connect(host, *port).await,
                _ => Err(not_sent()),
            }
        })
    }
}

impl NodeConnection {
    /// The connection, if it still leads to the node.
    fn connection(&self) -> Option<Arc<ServerConnection>> {
        self.slot().clone().filter(|connection| !connection.has_ended())
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<ServerConnection>>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of the node. When it failed after the command may have been sent, the client must not send it again.
    async fn answer<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let failure = match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Err(error)) if error.is_io_error() => failure_of(error),
            Ok(answer) => return answer,
            Err(_) => {
                *self.slot() = None;
                Cause::Timeout.into()
            }
        };
        Err(maybe_sent(failure))
    }
}

impl ConnectionLike for NodeConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            // The word counts for the next command of the connection, which others use as well. So the two are sent together.
            if matches!(cmd.args_iter().next(), Some(Arg::Simple(b"ASKING"))) {
                self.is_asking = true;
                return Ok(Value::Okay);
            }
            let mut commands = self.connection().ok_or_else(not_sent)?.commands.clone();
            if !mem::take(&mut self.is_asking) {
                return self.answer(commands.req_packed_command(cmd)).await;
            }
            let mut both = Pipeline::with_capacity(2);
            both.cmd("ASKING").add_command(cmd.clone());
            let answers = self.answer(commands.req_packed_commands(&both, 1, 1)).await?;
            answers.into_iter().next().ok_or_else(|| maybe_sent(Cause::Protocol.into()))
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut commands = self.connection().ok_or_else(not_sent)?.commands.clone();
            self.answer(commands.req_packed_commands(pipeline, offset, count)).await
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// The error of a command that was sent to no server. The client connects anew, and sends it again.
fn not_sent() -> RedisError {
    io::Error::from(io::ErrorKind::NotConnected).into()
}

/// The error of a command that may have been sent. The client must not send it again, and so takes it for one of a kind
/// that it does not repeat.
fn maybe_sent(failure: Failure) -> RedisError {
    io::Error::new(io::ErrorKind::Unsupported, failure).into()
}

/// The connectors by their numbers. The client makes its connections itself, by a function without a state, so a connection
/// has to find what it needs here.
fn connectors() -> MutexGuard<'static, BTreeMap<u64, Weak<NodeConnector>>> {
    static CONNECTORS: Mutex<BTreeMap<u64, Weak<NodeConnector>>> = Mutex::new(BTreeMap::new());
    CONNECTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection to a node may take to come up. The client connects to all at once, first to those that it knows, and
/// then to the others.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(350);

/// How long a node may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(600);

/// The time from a failed attempt to connect to a node to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the client waits before it tries the next node.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn no_connector_is_found_by_the_number_of_an_earlier_one() {
        let register = |password: &str| {
            let server = Server::parse(&format!("redis://:{password}@host")).unwrap();
            NodeConnector::register(server, Arc::new(ManualClock::default()))
        };
        let gone = register("one").number;
        let next = register("other");
        assert_ne!(next.number, gone);
        assert!(connectors().get(&gone).is_none());
    }
}
