//! The gateway: pingora in front of an app that knows nothing of Truecaller.
//!
//! Without sessions, a callback goes on to the app with the verified identity. With sessions, callbacks end here, and every
//! request of a browser that has logged in carries the identity. The gateway balances the load among the servers of an app; it
//! serves no files.
//!
//! Other crates see [`main`] alone, which is the program `truegate`.

#[macro_use]
mod delegated;
mod accepted;
mod acme;
mod active_config;
mod admin;
mod assemble;
mod buffered;
mod cli;
mod client_connections;
mod client_socket;
pub(crate) mod config;
mod connection_memory;
mod delivery;
mod descriptors;
#[cfg(feature = "dev")]
mod dev;
#[cfg(not(feature = "dev"))]
#[path = "no_dev.rs"]
mod dev;
mod exchange;
mod failure;
mod first_bytes;
mod forwarded;
mod idle;
mod inherited;
mod keys;
mod listener_certificate;
mod listeners;
mod log_limit;
mod logging;
mod logs;
mod open_work;
mod process;
mod proxy;
mod proxy_header;
mod redirect;
mod redirect_app;
mod rejection;
mod request_id;
mod routing;
mod service_manager;
mod sessionless_rules;
mod signals;
mod socket_file;
mod sockets;
#[cfg(target_os = "linux")]
mod takeover;
#[cfg(not(target_os = "linux"))]
#[path = "no_takeover.rs"]
mod takeover;
mod target_host;
mod telemetry;
mod upstream;
mod watcher;
mod web_socket;
mod workers;

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::http_proxy;
use pingora_timeout::fast_timeout::set_fast_timeout_to_tokio_threshold;
use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use self::cli::main;
use self::{
    acme::Acme,
    active_config::ActiveConfig,
    admin::{Health, Metrics},
    client_connections::ClientConnections,
    config::{Config, ListenAddress},
    inherited::InheritedSockets,
    listeners::{BoundListener, ListenError},
    logs::OpenLogError,
    open_work::OpenWork,
    process::Process,
    proxy::Proxy,
    sockets::OpenedSocket,
    telemetry::Telemetry,
    upstream::{Upstream, UpstreamRoots},
    watcher::{Freshness, Watched, WatchedPhonesFile, Watcher},
    workers::{WorkerStop, Workers},
};
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::{
    admin::fuzz as fuzz_site_login, forwarded::fuzz as fuzz_forwarded, proxy_header::fuzz as fuzz_proxy_header,
};
use crate::{native::NativeClient, pingora::SessionBound};

/// A running gateway.
pub(crate) struct Gateway {
    /// The addresses of the listeners, in the order of the configuration.
    pub(crate) addresses: Vec<ListenAddress>,
    /// The address of health and metrics.
    pub(crate) admin: SocketAddr,
    /// The configuration in force.
    active: Arc<ArcSwap<ActiveConfig>>,
    process: Process,
    health: Health,
    shutdown: watch::Sender<bool>,
    background: CancellationToken,
    /// Ends the threads of a gateway that is dropped without a stop.
    _end: DropGuard,
    watcher: Watcher,
    open_work: OpenWork,
    tasks: TaskTracker,
}

/// The reason why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A client or the store cannot be set up, or sessions need another callback path.
    #[error(transparent)]
    Setup(#[from] BoxError),
    /// The client for callbacks to the app cannot be set up.
    #[error("the client for callbacks to the app cannot be set up")]
    Delivery(#[source] BoxError),
    /// A log cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// A thread, or its connections to the upstream, cannot be set up.
    #[error("the threads cannot be set up: {0}")]
    Threads(#[source] std::io::Error),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Gateway {
    /// Opens the sockets of every address, then serves until [`stop`](Self::stop). It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or a client cannot be set up; then nothing runs.
    pub(crate) async fn start(config: Config, inherited: &InheritedSockets) -> Result<Self, StartError> {
        inherited.warn_of_unused(&config);
        let listeners = config.listen.iter().map(|listener| BoundListener::open(listener, &config, inherited));
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        let admin = listeners::open(&ListenAddress::Tcp(config.admin.listen), &config, inherited)?;
        let admin_address = admin.address.tcp().expect("the address of a port is one of a port");
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let process = Process::new(Telemetry::new(metrics));
        let Process { telemetry, challenges, verifications, .. } = &process;
        let acme = config.acme.as_ref().map(|acme| Acme::new(acme, challenges.clone(), telemetry)).transpose()?;
        let active = Arc::new(ActiveConfig::new(config, &process)?);
        let tasks = TaskTracker::new();
        let found = upstream::resolve_all(&active.upstreams, &tasks).await;

        let background = CancellationToken::new();
        let open_work = OpenWork { verifications: verifications.clone(), ..OpenWork::default() };
        let gateway = Self {
            addresses: listeners.iter().map(|listener| listener.opened.address.clone()).collect(),
            admin: admin_address,
            health,
            active: Arc::new(ArcSwap::new(Arc::clone(&active))),
            process,
            shutdown: watch::Sender::new(false),
            _end: background.clone().drop_guard(),
            background,
            watcher: Watcher::default(),
            open_work,
            tasks,
        };
        let certificates: Vec<_> = listeners.iter().filter_map(BoundListener::certificates).cloned().collect();
        // As long as this one is not ready, its clients are those of the process that it takes over from.
        let reuse_port = active.config.server.reuse_port;
        let (at_once, when_ready) = if reuse_port { (None, Some(admin)) } else { (Some(admin), None) };
        at_once.map(|admin| gateway.serve_admin(admin)).transpose()?;
        // Until then, clients wait in the queues of the listeners.
        if timeout(PREPARATION, active.gate.prepare()).await.is_err() {
            tracing::warn!("the store has too many logouts to read at the start; requests wait for the others");
        }
        gateway.serve(&active, listeners).await?;
        for (upstream, found) in active.upstreams.iter().zip(found) {
            gateway.check_health(Arc::clone(upstream));
            gateway.watch(Arc::clone(upstream), found);
        }
        certificates.into_iter().for_each(|certificate| gateway.watch(certificate, Freshness::Current));
        acme.into_iter().for_each(|acme| gateway.watch(acme, Freshness::Stale));
        for (key, file) in active.config.phones_files() {
            let telemetry = gateway.process.telemetry.clone();
            gateway.watch(WatchedPhonesFile::new(file.clone(), key, telemetry), Freshness::Current);
        }
        gateway.health.set_ready(true);
        when_ready.map(|admin| gateway.serve_admin(admin)).transpose()?;
        Ok(gateway)
    }

    /// Tells the service manager that the gateway takes requests. It is due after the start and after each reload.
    pub(crate) fn announce_ready(&self) {
        service_manager::ready(&self.addresses, &self.active.load().config.upstreams);
    }

    /// Asks for the certificates and the files of phone numbers to be read again, for the names of all servers to be resolved, and
    /// for the files of logs to be opened again. It does not wait for that.
    ///
    /// All of it is looked at now and then anyway. Where the new state cannot be used, the previous one stays in use.
    pub(crate) fn reload(&self) {
        self.watcher.reload();
        self.process.logs.reopen();
    }

    /// Stops accepting connections. The requests that came before and the verifications of answered callbacks may end within
    /// the configured grace; the rest is cut off.
    pub(crate) async fn stop(self) {
        let active = self.active.load_full();
        service_manager::stopping(active.config.shutdown_grace + LAST_STEPS);
        self.health.set_ready(false);
        self.shutdown.send_replace(true);
        active.gate.stop_waiting();
        self.open_work.end(active.config.shutdown_grace).await;
        let revocations = active.gate.unstored_revocations();
        if revocations > 0 {
            tracing::warn!(
                revocations,
                "the store did not learn of every logout; these sessions are valid again until they expire"
            );
        }
        self.open_work.verifications.cut_off();
        self.background.cancel();
        self.tasks.close();
        // A slow client of the admin routes must not delay the end.
        let _ = timeout(ADMIN_GRACE, self.tasks.wait()).await;
        // Every request has left its line by now.
        let _ = spawn_blocking(move || self.process.logs.flush(LAST_LINES)).await;
    }

    /// Starts the threads, and lets the listeners accept connections for them.
    async fn serve(&self, active: &ActiveConfig, listeners: Vec<BoundListener>) -> Result<(), StartError> {
        let config = &active.config;
        let (roots, idle) =
            (UpstreamRoots::of(config.upstreams.iter().map(|(_, upstream)| upstream)), config.timeouts.idle);
        let listeners = listeners::into_listeners(listeners, &self.open_work.connections, &self.active, &self.process)?;
        // pingora's own timers stay until they are due, which is minutes after their request has ended; those of tokio do not.
        set_fast_timeout_to_tokio_threshold(Some(Duration::ZERO));
        let connected_at_start = config.truecaller.connect_at_start.then(|| config.truecaller.endpoints.clone());
        let (client, native) = (active.client.clone(), active.native.clone());
        let (proxy, current) =
            (Proxy::new(Arc::clone(&self.active), self.open_work.in_flight.clone()), Arc::clone(&self.active));
        let make = move || {
            if let Some(endpoints) = &connected_at_start {
                client.connect(endpoints);
                native.iter().for_each(NativeClient::connect);
            }
            let mut proxy = roots.offer(|ca_file| {
                let conf = ServerConf {
                    ca_file: Some(ca_file),
                    upstream_keepalive_pool_size: UPSTREAM_CONNECTIONS,
                    ..ServerConf::default()
                };
                http_proxy(&Arc::new(conf), proxy.clone())
            })?;
            proxy.server_options.get_or_insert_default().h2_idle_timeout = idle;
            Ok(ClientConnections::new(SessionBound::new(proxy), Arc::clone(&current)))
        };
        let (shutdown, ended) = (self.shutdown.subscribe(), self.background.clone());
        let stop = WorkerStop { shutdown, ended, threads: self.tasks.clone() };
        let workers = Workers::start(config.server.threads, &stop, make).await.map_err(StartError::Threads)?;
        for listener in listeners {
            let telemetry = self.process.telemetry.clone();
            self.tasks.spawn(listener.accept(workers.clone(), telemetry, self.shutdown.subscribe()));
        }
        let (reassured, ended) = (service_manager::reassure(workers), self.background.clone());
        self.tasks.spawn(async move { ended.run_until_cancelled(reassured).await });
        Ok(())
    }

    fn serve_admin(&self, admin: OpenedSocket) -> Result<(), ListenError> {
        let OpenedSocket { socket, address, successor } = admin;
        let routes = admin::routes(self.health.clone(), Arc::clone(&self.active));
        let (shutdown, ended) = (self.shutdown.subscribe(), self.background.clone());
        let serving = admin::serve(socket, successor, routes, shutdown, ended);
        self.tasks.spawn(serving.map_err(|source| ListenError { address, source })?);
        Ok(())
    }

    fn check_health(&self, upstream: Arc<Upstream>) {
        let ended = self.background.clone();
        self.tasks.spawn(async move { ended.run_until_cancelled(upstream.check_health()).await });
    }

    fn watch<W: Watched>(&self, watched: W, found: Freshness) {
        let (watch, ended) = (self.watcher.watch(watched, found), self.background.clone());
        self.tasks.spawn(async move { ended.run_until_cancelled(watch).await });
    }
}

/// How many idle connections to the app a thread keeps: each is closed after a moment anyway.
const UPSTREAM_CONNECTIONS: usize = 2048;
/// How long the start may wait for the store. Within it, the logouts of a busy day are read; a store that does not answer fails
/// sooner.
const PREPARATION: Duration = Duration::from_secs(10);
/// How long the stop may wait for the destinations of logs.
const LAST_LINES: Duration = Duration::from_secs(2);
const ADMIN_GRACE: Duration = Duration::from_secs(1);
/// How long a stop may take after its grace, at most.
const LAST_STEPS: Duration = Duration::from_secs(5);
