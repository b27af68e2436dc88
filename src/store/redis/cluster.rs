//! A cluster: the client of the `redis` crate finds the server of each slot, and follows slots that move.
//!
//! The connections are our own. So their TLS has its provider, each has a deadline, and a command that a server may have
//! heard is never sent again: the client repeats only what no server has heard, or what one has refused.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult,
    RetryMethod, Value,
    aio::ConnectionLike,
    cluster::ClusterClient,
    cluster_async::{ClusterConnection, Connect},
};
use tokio::time::{sleep, timeout};

use super::{
    error::{RedisStoreError, failure_of},
    server::{Address, Server, ServerConnection},
};
use crate::{
    cause::{Cause, Failure},
    clock::Clock,
};

/// The servers of a cluster that are known before it is asked for all.
#[derive(Clone)]
pub(super) struct Nodes {
    seeds: Vec<ConnectionInfo>,
    /// How to log in at each node.
    node: Server,
}

/// A connection to a cluster: to each of its nodes.
pub(super) struct NodesConnection {
    pub(super) commands: ClusterConnection<NodeConnection>,
    connector: Arc<Connector>,
}

/// Connects to nodes for the client, which names them only when it knows them.
struct Connector {
    number: u64,
    node: Server,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<(Box<str>, u16), Known>>,
}

/// What is known of a node.
enum Known {
    Connected(Weak<ServerConnection>),
    /// Nobody connects to it until then.
    Failed(Instant, Failure),
}

/// A connection to a node, of which the client has clones.
#[derive(Clone)]
pub(super) struct NodeConnection(Arc<Mutex<Option<Arc<ServerConnection>>>>);

impl Nodes {
    /// Reads the URLs of servers of the cluster.
    pub(super) fn parse(servers: &[impl AsRef<str>]) -> Result<Self, RedisStoreError> {
        let nodes: Result<Vec<_>, _> = servers.iter().map(|url| Server::parse(url.as_ref())).collect();
        let nodes = nodes?;
        let node = nodes.first().cloned().ok_or(RedisStoreError::NoServer)?;
        let login = |server: &Server| {
            let (user, password) = (server.login.username(), server.login.password());
            (user.map(str::to_owned), password.map(str::to_owned), server.is_encrypted())
        };
        if nodes.iter().any(|other| login(other) != login(&node)) {
            return Err(RedisStoreError::Logins);
        }
        if nodes.iter().any(|node| node.login.db() != 0) {
            return Err(RedisStoreError::Database);
        }
        let seed = |server: Server| match server.address {
            Address::Tcp { host, port } => {
                ConnectionAddr::Tcp(host.into(), port).into_connection_info().map_err(|_| RedisStoreError::Url)
            }
            Address::Unix(_) => Err(RedisStoreError::Socket),
        };
        Ok(Self { seeds: nodes.into_iter().map(seed).collect::<Result<_, _>>()?, node })
    }

    /// What a client needs to log in at a node.
    pub(super) fn node_mut(&mut self) -> &mut Server {
        &mut self.node
    }

    pub(super) async fn connect(&self, clock: &Arc<dyn Clock>) -> Result<NodesConnection, Failure> {
        let connector = Connector::register(self.node.clone(), Arc::clone(clock));
        // What the client logs in with at a node is all that it can carry there.
        let client = ClusterClient::builder(self.seeds.iter().cloned()).username(connector.number.to_string());
        let client = client.retries(RETRIES).min_retry_wait(SHORTEST_WAIT).max_retry_wait(LONGEST_WAIT);
        let client = client.overall_response_timeout(None).build().map_err(failure_of)?;
        match client.get_async_generic_connection().await {
            Ok(commands) => Ok(NodesConnection { commands, connector }),
            Err(error) => Err(connector.failure(error)),
        }
    }
}

impl NodesConnection {
    /// Why a call failed.
    pub(super) fn failure(&self, error: RedisError) -> Failure {
        self.connector.failure(error)
    }

    /// Whether no node is connected.
    pub(super) fn has_ended(&self) -> bool {
        let is_connected = |known: &Known| match known {
            Known::Connected(connection) => connection.upgrade().is_some_and(|connection| !connection.has_ended()),
            Known::Failed(..) => false,
        };
        !self.connector.known().values().any(is_connected)
    }
}

impl Connector {
    fn register(node: Server, clock: Arc<dyn Clock>) -> Arc<Self> {
        let mut connectors = connectors();
        let number = connectors.last_key_value().map_or(0, |(last, _)| last + 1);
        let connector = Arc::new(Self { number, node, clock, known: Mutex::default() });
        connectors.insert(number, Arc::downgrade(&connector));
        connector
    }

    async fn connect(&self, host: &str, port: u16) -> RedisResult<NodeConnection> {
        let node = (Box::from(host), port);
        let is_resting = |known: &Known| matches!(known, Known::Failed(until, _) if self.clock.now() < *until);
        if self.known().get(&node).is_some_and(is_resting) {
            // The client tries again and again, and at once.
            sleep(BREATH).await;
            return Err(unheard());
        }
        let connected = timeout(CONNECT_TIMEOUT, self.node.at(host, port).connect()).await;
        match connected.unwrap_or_else(|_| Err(Cause::Timeout.into())) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                self.known().insert(node, Known::Connected(Arc::downgrade(&connection)));
                Ok(NodeConnection(Arc::new(Mutex::new(Some(connection)))))
            }
            Err(failure) => {
                self.known().insert(node, Known::Failed(self.clock.now() + PAUSE, failure));
                Err(unheard())
            }
        }
    }

    /// Why a call failed: as a server or a connection says, or else as the node that failed last.
    fn failure(&self, error: RedisError) -> Failure {
        // Redirections that lead in a circle: the servers do not agree yet.
        if error.redirect_node().is_some() {
            return Cause::ServerError.into();
        }
        if error.code().is_some() || matches!(error.retry_method(), RetryMethod::NoRetry) {
            return failure_of(error);
        }
        let known = self.known();
        let failed = known.values().filter_map(|known| match known {
            Known::Failed(until, failure) => Some((until, failure)),
            Known::Connected(_) => None,
        });
        failed.max_by_key(|(until, _)| **until).map_or_else(|| failure_of(error), |(_, failure)| failure.clone())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(Box<str>, u16), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        connectors().remove(&self.number);
    }
}

impl Connect for NodeConnection {
    fn connect_with_config<'a, T>(info: T, _: redis::AsyncConnectionConfig) -> RedisFuture<'a, Self>
    where
        T: IntoConnectionInfo + Send + 'a,
    {
        Box::pin(async move {
            let info = info.into_connection_info()?;
            let number = info.redis_settings().username().and_then(|number| number.parse().ok());
            let connector = number.and_then(|number: u64| connectors().get(&number).and_then(Weak::upgrade));
            match (connector, info.addr()) {
                (Some(connector), ConnectionAddr::Tcp(host, port)) => connector.connect(host, *port).await,
                _ => Err(unheard()),
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of the node. When it failed after the node may have heard the command, the client must not send it again.
    async fn answer<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let failure = match timeout(PATIENCE, answer).await {
            Ok(Err(error)) if error.is_io_error() => failure_of(error),
            Ok(answer) => return answer,
            Err(_) => {
                *self.slot() = None;
                Cause::Timeout.into()
            }
        };
        Err(io::Error::new(io::ErrorKind::Unsupported, failure).into())
    }
}

impl ConnectionLike for NodeConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut commands = self.connection().ok_or_else(unheard)?.commands.clone();
            self.answer(commands.req_packed_command(cmd)).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut commands = self.connection().ok_or_else(unheard)?.commands.clone();
            self.answer(commands.req_packed_commands(pipeline, offset, count)).await
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// The error of a command that no server has heard. The client connects anew, and sends it again.
fn unheard() -> RedisError {
    io::Error::from(io::ErrorKind::NotConnected).into()
}

/// The connectors by their numbers. The client makes its connections itself, by a function without a state, so a connection
/// has to find what it needs here.
fn connectors() -> MutexGuard<'static, BTreeMap<u64, Weak<Connector>>> {
    static CONNECTORS: Mutex<BTreeMap<u64, Weak<Connector>>> = Mutex::new(BTreeMap::new());
    CONNECTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection to a node may take to come up. The client connects to all at once, first to those that it knows, and
/// then to the others.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(350);

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_millis(600);

/// The time from a failed attempt to connect to a node to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the client waits before it tries the next node.
const BREATH: Duration = Duration::from_millis(10);

/// How often the client sends a command again, and how many milliseconds it waits before.
const RETRIES: u32 = 6;
const SHORTEST_WAIT: u64 = 10;
const LONGEST_WAIT: u64 = 100;
