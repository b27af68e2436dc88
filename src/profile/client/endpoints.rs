//! The endpoints that were asked, and the connections to them.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::{self, Handle},
    sync::Semaphore,
};
use url::Origin;

use super::{connections::Connections, connector::Connector, request::Target};
use crate::{callback::ProfileEndpoint, clock::Clock};

/// The endpoints that were asked. Only those of a configuration are ever asked.
///
/// Each runtime has its own connections: a runtime that is stuck drives no connection, and waking another thread costs far more
/// than a fetch. Endpoints of one origin share them.
pub(super) struct KnownEndpoints {
    connector: Connector,
    clock: Arc<dyn Clock>,
    concurrency: NonZeroUsize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    endpoints: HashMap<ProfileEndpoint, KnownEndpoint>,
    connections: HashMap<(runtime::Id, Origin), Arc<Connections>>,
}

struct KnownEndpoint {
    /// One for each request that may run at once, on any runtime.
    permits: Arc<Semaphore>,
    connected: HashMap<runtime::Id, Arc<ConnectedEndpoint>>,
}

/// An endpoint with the connections of one runtime to its origin.
pub(super) struct ConnectedEndpoint {
    pub(super) target: Target,
    pub(super) permits: Arc<Semaphore>,
    pub(super) connections: Arc<Connections>,
}

impl KnownEndpoints {
    pub(super) fn new(connector: Connector, clock: Arc<dyn Clock>, concurrency: NonZeroUsize) -> Self {
        Self { connector, clock, concurrency, known: Mutex::default() }
    }

    /// Returns an endpoint with the connections of the current runtime.
    pub(super) fn connected(&self, endpoint: &ProfileEndpoint) -> Arc<ConnectedEndpoint> {
        let runtime = Handle::current().id();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = known.endpoints.get(endpoint).and_then(|known| known.connected.get(&runtime)) {
            return Arc::clone(connected);
        }
        let Known { endpoints, connections } = &mut *known;
        let origin = (runtime, endpoint.url().origin());
        let connections = connections
            .entry(origin)
            .or_insert_with(|| Arc::new(Connections::new(endpoint, self.connector.clone(), Arc::clone(&self.clock))));
        let known = endpoints.entry(endpoint.clone()).or_insert_with(|| KnownEndpoint {
            permits: Arc::new(Semaphore::new(self.concurrency.get())),
            connected: HashMap::new(),
        });
        let connected = Arc::new(ConnectedEndpoint {
            target: Target::parse(endpoint.url().as_str()).expect("a canonical URL without a fragment is a URI"),
            permits: Arc::clone(&known.permits),
            connections: Arc::clone(connections),
        });
        Arc::clone(known.connected.entry(runtime).or_insert(connected))
    }
}
