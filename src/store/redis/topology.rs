//! The servers that are one Redis together.

use std::sync::Arc;

use super::{
    cluster::{Nodes, NodesConnection},
    error::RedisStoreError,
    script::Layout,
    sentinel::Sentinels,
    server::{Server, ServerConnection},
};
use crate::{cause::Failure, clock::Clock};

/// The form in which Redis is run.
#[derive(Clone)]
pub(super) enum Topology {
    /// One server.
    One(Server),
    /// A master, which Sentinels watch.
    Sentinel(Sentinels),
    /// Masters that share the slots.
    Cluster(Nodes),
}

/// What all calls share.
pub(super) enum Connection {
    /// To the only server, or to the master.
    Server(ServerConnection),
    /// To a cluster, where one server may fail while the others answer.
    Cluster(NodesConnection),
}

impl Topology {
    /// Where the keys of logins are.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::One(_) | Self::Sentinel(_) => Layout::OneSlot,
            Self::Cluster(_) => Layout::Spread,
        }
    }

    /// Trusts the certificates of a PEM file beside Mozilla's roots.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), RedisStoreError> {
        match self {
            Self::One(server) => server.trust(pem),
            Self::Sentinel(sentinels) => sentinels.servers_mut().try_for_each(|server| server.trust(pem)),
            Self::Cluster(nodes) => nodes.node_mut().trust(pem),
        }
    }

    /// Connects to the servers.
    pub(super) async fn connect(&self, clock: &Arc<dyn Clock>) -> Result<Connection, Failure> {
        match self {
            Self::One(server) => server.connect().await.map(Connection::Server),
            Self::Sentinel(sentinels) => sentinels.connect().await.map(Connection::Server),
            Self::Cluster(nodes) => nodes.connect(clock).await.map(Connection::Cluster),
        }
    }
}
