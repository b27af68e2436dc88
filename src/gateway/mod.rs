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
mod admin;
mod assemble;
mod buffered;
mod cli;
mod client_connections;
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
mod keys;
mod listener_certificate;
mod listeners;
mod log_limit;
mod logging;
mod open_work;
mod proxy;
mod proxy_header;
mod redirect;
mod rejection;
mod routing;
mod sessionless_rules;
mod signals;
mod sockets;
mod target_host;
mod telemetry;
mod upstream;
mod watcher;
mod workers;

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use pingora_core::server::configuration::ServerConf;
use pingora_proxy::http_proxy;
use pingora_timeout::fast_timeout::set_fast_timeout_to_tokio_threshold;
use tokio::{sync::watch, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use self::cli::main;
use self::{
    acme::{Acme, Challenges},
    admin::{Health, Metrics, SiteLogins},
    assemble::VerificationTasks,
    client_connections::ClientConnections,
    config::{Config, ListenAddress},
    listeners::{BoundListener, ListenError, OpenConnections},
    open_work::OpenWork,
    proxy::Proxy,
    telemetry::Telemetry,
    upstream::{Upstream, UpstreamRoots},
    watcher::{Freshness, Watched, WatchedPhonesFile, Watcher},
    workers::{WorkerStop, Workers},
};
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::{forwarded::fuzz as fuzz_forwarded, proxy_header::fuzz as fuzz_proxy_header};
use crate::{gate::Gate, native::NativeClient, pingora::SessionBound, profile::ProfileClient};

/// A running gateway.
pub(crate) struct Gateway {
    /// The addresses of the listeners, in the order of the configuration.
    pub(crate) addresses: Vec<ListenAddress>,
    /// The address of health and metrics.
    pub(crate) admin: SocketAddr,
    health: Health,
    grace: Duration,
    gate: Gate,
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
    /// A thread, or its connections to the upstream, cannot be set up.
    #[error("the threads cannot be set up: {0}")]
    Threads(#[source] std::io::Error),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Gateway {
    /// Binds every address, then serves until [`stop`](Self::stop). It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or a client cannot be set up; then nothing runs.
    pub(crate) async fn start(config: &Config) -> Result<Self, StartError> {
        let listeners = config.listen.iter().map(|listener| BoundListener::bind(listener, config));
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        let (admin, admin_address) = listeners::bind_admin(config.admin.listen)?;
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let telemetry = Telemetry::new(metrics);
        let challenges = Challenges::default();
        let acme = config.acme.as_ref().map(|acme| Acme::new(acme, challenges.clone(), &telemetry)).transpose()?;
        let upstreams: Vec<_> = config
            .upstreams
            .iter()
            .map(|(id, upstream)| Upstream::new(id, upstream.clone(), telemetry.upstream(&upstream.name)).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let verifications = VerificationTasks::default();
        let client = config.truecaller.client.clone().build().map_err(BoxError::from)?;
        let native = config.native.as_ref().map(|native| native.client(client.clone()));
        let default = &upstreams[config.upstreams.default_id().index()];
        let (gate, sessions) =
            assemble::gate(config, client.clone(), native.clone(), &telemetry, default, &verifications)?;
        let tasks = TaskTracker::new();
        let found = upstream::resolve_all(&upstreams, &tasks).await;

        let proxy = Proxy::new(config, &gate, upstreams.clone().into(), &telemetry);
        let background = CancellationToken::new();
        let gateway = Self {
            addresses: listeners.iter().map(|listener| listener.address.clone()).collect(),
            admin: admin_address,
            health,
            grace: config.shutdown_grace,
            gate,
            shutdown: watch::Sender::new(false),
            _end: background.clone().drop_guard(),
            background,
            watcher: Watcher::default(),
            open_work: OpenWork {
                connections: OpenConnections::default(),
                in_flight: proxy.in_flight.clone(),
                verifications,
            },
            tasks,
        };
        let certificates: Vec<_> = listeners.iter().filter_map(BoundListener::certificates).cloned().collect();
        let (gate, telemetry_of_logins) = (gateway.gate.clone(), telemetry.clone());
        let logins = config.admin.token.clone().zip(sessions);
        let logins =
            logins.map(|(token, sessions)| SiteLogins { token, sessions, gate, telemetry: telemetry_of_logins });
        gateway.serve_admin(admin, upstreams.clone().into(), logins)?;
        // Until then, clients wait in the queues of the listeners.
        if timeout(PREPARATION, gateway.gate.prepare()).await.is_err() {
            tracing::warn!("the store has too many logouts to read at the start; requests wait for the others");
        }
        gateway.serve(proxy, (client, native), config, listeners, &challenges, &telemetry).await?;
        for (upstream, found) in upstreams.into_iter().zip(found) {
            gateway.check_health(Arc::clone(&upstream));
            gateway.watch(upstream, found);
        }
        certificates.into_iter().for_each(|certificate| gateway.watch(certificate, Freshness::Current));
        acme.into_iter().for_each(|acme| gateway.watch(acme, Freshness::Stale));
        for (key, file) in config.phones_files() {
            gateway.watch(WatchedPhonesFile::new(file.clone(), key, telemetry.clone()), Freshness::Current);
        }
        gateway.health.set_ready(true);
        Ok(gateway)
    }

    /// Asks for the certificates and the files of phone numbers to be read again, and for the names of all servers to be
    /// resolved. It does not wait for that.
    ///
    /// All of it is looked at now and then anyway. Where the new state cannot be used, the previous one stays in use.
    pub(crate) fn reload(&self) {
        self.watcher.reload();
    }

    /// Stops accepting connections. The requests that came before and the verifications of answered callbacks may end within
    /// the configured grace; the rest is cut off.
    pub(crate) async fn stop(self) {
        self.health.set_ready(false);
        self.shutdown.send_replace(true);
        self.gate.stop_waiting();
        self.open_work.end(self.grace).await;
        let revocations = self.gate.unstored_revocations();
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
    }

    async fn serve(
        &self,
        proxy: Proxy,
        (client, native): (ProfileClient, Option<NativeClient>),
        config: &Config,
        listeners: Vec<BoundListener>,
        challenges: &Challenges,
        telemetry: &Telemetry,
    ) -> Result<(), StartError> {
        let (roots, idle) =
            (UpstreamRoots::of(config.upstreams.iter().map(|(_, upstream)| upstream)), config.timeouts.idle);
        let connections = &self.open_work.connections;
        let listeners = listeners::into_listeners(listeners, challenges, connections, config, telemetry)?;
        let has_sessions = config.session.is_some();
        // pingora's own timers stay until they are due, which is minutes after their request has ended; those of tokio do not.
        set_fast_timeout_to_tokio_threshold(Some(Duration::ZERO));
        let connected_at_start = config.truecaller.connect_at_start.then(|| config.truecaller.endpoints.clone());
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
            Ok(ClientConnections::new(SessionBound::with_sessions(proxy, has_sessions), idle))
        };
        let (shutdown, ended) = (self.shutdown.subscribe(), self.background.clone());
        let stop = WorkerStop { shutdown, ended, threads: self.tasks.clone() };
        let workers = Workers::start(config.server.threads, &stop, make).await.map_err(StartError::Threads)?;
        for listener in listeners {
            self.tasks.spawn(listener.accept(workers.clone(), telemetry.clone(), self.shutdown.subscribe()));
        }
        Ok(())
    }

    fn serve_admin(
        &self,
        socket: std::net::TcpListener,
        upstreams: Arc<[Arc<Upstream>]>,
        logins: Option<SiteLogins>,
    ) -> Result<(), ListenError> {
        let socket = tokio::net::TcpListener::from_std(socket);
        let socket = socket.map_err(|source| ListenError { address: ListenAddress::Tcp(self.admin), source })?;
        let count = move || upstreams.iter().for_each(|app| app.count_servers());
        let routes = admin::routes(self.health.clone(), count, logins);
        let ended = self.background.clone().cancelled_owned();
        self.tasks.spawn(async move { axum::serve(socket, routes).with_graceful_shutdown(ended).await });
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
const ADMIN_GRACE: Duration = Duration::from_secs(1);
