//! A cluster: the client of the `redis` crate finds the server of each slot, and follows slots that move.

use std::sync::Arc;

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError, cluster::ClusterClient,
    cluster_async::ClusterConnection,
};

use super::{
    error::{RedisStoreError, failure_of},
    node::{NodeConnection, NodeConnector},
    server::{Address, Server},
};
use crate::{cause::Failure, clock::Clock};

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
    connector: Arc<NodeConnector>,
}

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
        let connector = NodeConnector::register(self.node.clone(), Arc::clone(clock));
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
        !self.connector.is_connected()
    }
}

/// How often the client sends a command again, and how many milliseconds it waits before.
const RETRIES: u32 = 6;
const SHORTEST_WAIT: u64 = 10;
const LONGEST_WAIT: u64 = 100;
