//! Finds the servers of an app: pingora's load balancer asks for them again and again.

use std::{
    collections::{BTreeSet, HashMap},
    os::unix::net::SocketAddr as UnixAddress,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use http::Extensions;
use pingora_core::{Result, protocols::l4::socket::SocketAddr};
use pingora_load_balancing::{Backend, discovery::ServiceDiscovery};
use tokio::time::timeout;

use super::server::Server;
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gateway::{config::UpstreamServer, telemetry::UpstreamTelemetry},
};

/// The servers of an app, with the current addresses of their names.
pub(super) struct Discovery {
    telemetry: UpstreamTelemetry,
    names: Vec<UpstreamServer>,
    /// The addresses of each name, in the same order.
    found: Mutex<Vec<Vec<Arc<Server>>>>,
    /// Whether the last look found an address of each name.
    is_current: AtomicBool,
}

impl Discovery {
    pub(super) fn new(names: &[UpstreamServer], telemetry: UpstreamTelemetry) -> Self {
        let found = Mutex::new(vec![Vec::new(); names.len()]);
        Self { telemetry, names: names.to_vec(), found, is_current: AtomicBool::new(true) }
    }

    /// Whether the last look found an address of each name.
    pub(super) fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Relaxed)
    }

    /// The servers, each address once, in the order of the configuration.
    pub(super) fn servers(&self) -> Vec<Arc<Server>> {
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for server in self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten() {
            if !servers.iter().any(|other| other.address == server.address) {
                servers.push(Arc::clone(server));
            }
        }
        servers
    }

    /// Resolves every name. Where that fails, the previous addresses stay.
    async fn look(&self) {
        let mut is_current = true;
        for (index, name) in self.names.iter().enumerate() {
            match addresses(name).await {
                Ok(addresses) => self.replace(index, &addresses, SystemClock.now()),
                Err(cause) => {
                    is_current = false;
                    self.telemetry.failed_lookup(name.host(), cause);
                }
            }
        }
        self.is_current.store(is_current, Ordering::Relaxed);
    }

    /// Takes the addresses of a name. A server that was known stays what it is: it may rest, or be unhealthy.
    fn replace(&self, index: usize, addresses: &[SocketAddr], now: Instant) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = addresses.iter().take(MOST_ADDRESSES).map(|address| {
            let known = found[index].iter().find(|server| server.address == *address);
            known.cloned().unwrap_or_else(|| Arc::new(Server::new(index, address.clone(), now)))
        });
        found[index] = servers.collect();
    }
}

async fn addresses(name: &UpstreamServer) -> std::result::Result<Vec<SocketAddr>, Cause> {
    if let Some(address) = name.address() {
        return Ok(vec![SocketAddr::Inet(address)]);
    }
    match name {
        UpstreamServer::Unix(path) => {
            let address = UnixAddress::from_pathname(path).map_err(|_| Cause::Other)?;
            Ok(vec![SocketAddr::Unix(address)])
        }
        UpstreamServer::Tcp { host, port } => {
            let found = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host.as_str(), *port))).await;
            let found: Vec<_> = found.map_err(|_| Cause::Timeout)?.map_err(|_| Cause::Dns)?.collect();
            if found.is_empty() { Err(Cause::Dns) } else { Ok(found.into_iter().map(SocketAddr::Inet).collect()) }
        }
    }
}

/// The discovery, for pingora, which owns what it asks.
pub(super) struct SharedDiscovery(pub(super) Arc<Discovery>);

#[async_trait]
impl ServiceDiscovery for SharedDiscovery {
    async fn discover(&self) -> Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        self.0.look().await;
        Ok((self.0.servers().into_iter().map(backend).collect(), HashMap::new()))
    }
}

/// A server as pingora has it.
fn backend(server: Arc<Server>) -> Backend {
    let addr = server.address.clone();
    let mut ext = Extensions::new();
    ext.insert(server);
    Backend { addr, weight: 1, ext }
}

/// The server of a backend.
pub(super) fn server(backend: &Backend) -> &Arc<Server> {
    backend.ext.get::<Arc<Server>>().expect("each backend is made with its server")
}

const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// More addresses of one name are left out.
const MOST_ADDRESSES: usize = 100;
