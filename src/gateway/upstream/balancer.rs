//! Chooses servers by one of pingora's load balancers.

use std::sync::Arc;

use pingora_core::Result;
use pingora_load_balancing::{
    Backends, LoadBalancer,
    health_check::HealthCheck,
    selection::{Consistent, Random, RoundRobin},
};

use super::{
    discovery::{self, Discovery, SharedDiscovery},
    server::Server,
};
use crate::gateway::config::Balance;

/// One of pingora's load balancers.
pub(super) enum Balancer {
    RoundRobin(LoadBalancer<RoundRobin>),
    Consistent(LoadBalancer<Consistent>),
    Random(LoadBalancer<Random>),
}

/// Runs the same code with whichever load balancer it is.
macro_rules! with {
    ($balancer:expr, $inner:ident => $body:expr) => {
        match $balancer {
            Balancer::RoundRobin($inner) => $body,
            Balancer::Consistent($inner) => $body,
            Balancer::Random($inner) => $body,
        }
    };
}

impl Balancer {
    /// A balancer that has not looked for servers yet.
    pub(super) fn new(
        balance: Balance,
        discovery: &Arc<Discovery>,
        check: Option<Box<dyn HealthCheck + Send + Sync>>,
    ) -> Self {
        let mut backends = Backends::new(Box::new(SharedDiscovery(Arc::clone(discovery))));
        if let Some(check) = check {
            backends.set_health_check(check);
        }
        match balance {
            Balance::RoundRobin => Self::RoundRobin(LoadBalancer::from_backends(backends)),
            Balance::Consistent => Self::Consistent(LoadBalancer::from_backends(backends)),
            Balance::Random => Self::Random(LoadBalancer::from_backends(backends)),
        }
    }

    /// Looks for servers.
    pub(super) async fn update(&self) -> Result<()> {
        with!(self, inner => inner.update().await)
    }

    /// Checks the health of all servers once.
    pub(super) async fn check(&self) {
        with!(self, inner => inner.backends().run_health_check(true).await);
    }

    /// Chooses a server that is accepted. The key tells which requests belong together.
    pub(super) fn choose(&self, key: &[u8], accept: impl Fn(&Server) -> bool) -> Option<Arc<Server>> {
        let accept = |backend: &_, _| accept(discovery::server(backend));
        let chosen = with!(self, inner => inner.select_with(key, MOST_STEPS, accept));
        chosen.map(|backend| Arc::clone(discovery::server(&backend)))
    }
}

/// How many points of the ring, or turns, are looked at. A ring has 160 points for each server.
const MOST_STEPS: usize = 1024;
