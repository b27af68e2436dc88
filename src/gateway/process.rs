//! What lives as long as the process, whatever its configuration says.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::http_proxy;
use pingora_timeout::fast_timeout::set_fast_timeout_to_tokio_threshold;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    StartError,
    acme::Challenges,
    active_config::ActiveConfig,
    config::{Config, NeedsRestart, ServerConfig},
    connections::{ClientConnections, WorkerStop, Workers},
    listeners::InheritedSockets,
    logs::Logs,
    open_work::OpenWork,
    proxy::Proxy,
    telemetry::Telemetry,
    traces::Exports,
    upstream::{UpstreamRoots, UsualRoots},
};
use crate::{pingora::SessionBound, session::SessionMemory, store::MemoryStore};

/// The parts of a gateway that there are once, and that every [configuration](super::active_config::ActiveConfig) is made with.
/// Clones share them.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) telemetry: Telemetry,
    pub(super) logs: Arc<Logs>,
    /// The sockets that the service manager opened.
    pub(super) inherited: Arc<InheritedSockets>,
    /// The answers that an ACME server may ask for now.
    pub(super) challenges: Challenges,
    pub(super) open_work: OpenWork,
    pub(super) exports: Exports,
    /// The logins and revocations of configurations with `store: memory`. Each of them says how many logins there may be.
    pub(super) memory_store: Arc<MemoryStore>,
    pub(super) session_memory: Arc<SessionMemory>,
    /// The roots that the threads were started with.
    pub(super) thread_roots: UpstreamRoots,
    pub(super) usual_roots: UsualRoots,
    /// The settings that only a restart changes.
    pub(super) fixed: NeedsRestart,
}

impl Process {
    /// The parts for the configuration that the process starts with, and for all later ones.
    pub(super) fn new(first: &Config, telemetry: Telemetry, inherited: InheritedSockets) -> Self {
        let thread_roots = UpstreamRoots::of(first.upstreams.iter().map(|(_, upstream)| upstream));
        Self {
            logs: Arc::new(Logs::new(&telemetry)),
            telemetry,
            inherited: Arc::new(inherited),
            challenges: Challenges::default(),
            open_work: OpenWork::default(),
            exports: Exports::default(),
            memory_store: Arc::new(MemoryStore::new(0)),
            session_memory: Arc::default(),
            usual_roots: UsualRoots::beside(&thread_roots),
            thread_roots,
            fixed: NeedsRestart::of(first),
        }
    }
    /// Starts the threads that serve connections. Each has a proxy of its own, which serves each request by the configuration in
    /// force.
    ///
    /// # Errors
    ///
    /// When a thread, or its connections to the apps, cannot be set up.
    pub(super) async fn start_threads(
        &self,
        config: ServerConfig,
        active: &Arc<ArcSwap<ActiveConfig>>,
        ended: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Workers, StartError> {
        // pingora's own timers stay until they are due, which is minutes after their request has ended; those of tokio do not.
        set_fast_timeout_to_tokio_threshold(Some(Duration::ZERO));
        let (active, roots) = (Arc::clone(active), self.thread_roots.clone());
        let proxy = Proxy::new(Arc::clone(&active), self.open_work.in_flight.clone());
        let make = move || {
            active.load().connect_ahead();
            let proxy = roots.offer(|ca_file| {
                let conf = ServerConf {
                    ca_file: Some(ca_file),
                    upstream_keepalive_pool_size: UPSTREAM_CONNECTIONS,
                    ..ServerConf::default()
                };
                http_proxy(&Arc::new(conf), proxy.clone())
            })?;
            Ok(ClientConnections::new(SessionBound::new(proxy), Arc::clone(&active)))
        };
        let stop = WorkerStop { ended: ended.clone(), threads: tasks.clone() };
        Workers::start(config.threads, &stop, make).await.map_err(StartError::Threads)
    }
}

/// How many idle connections to the app a thread keeps: each is closed after a moment anyway.
const UPSTREAM_CONNECTIONS: usize = 2048;
