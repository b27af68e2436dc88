//! The gateway: pingora in front of an app that knows nothing of Truecaller.
//!
//! Without sessions, a callback goes on to the app with the verified identity. With sessions, callbacks end here, and every
//! request of a browser that has logged in carries the identity. The gateway forwards to one app; it does not balance load or
//! serve files.
//!
//! Other crates see [`main`] alone, which is the program `truegate`.

mod admin;
mod assemble;
mod certificate;
mod cli;
pub(crate) mod config;
mod delivery;
#[cfg(feature = "dev")]
mod dev;
#[cfg(not(feature = "dev"))]
#[path = "no_dev.rs"]
mod dev;
mod failure;
mod first_head;
mod forwarded;
mod keys;
mod listeners;
mod logging;
mod proxy;
mod rejection;
mod roots;
mod signals;
mod spelling;
mod telemetry;
mod upstream;
mod watcher;

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use pingora_core::{
    apps::HttpServerOptions,
    server::configuration::ServerConf,
    services::{Service, listening},
};
use pingora_proxy::http_proxy;
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::cli::main;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::forwarded::fuzz as fuzz_forwarded;
use self::{
    admin::{Health, Metrics},
    assemble::VerificationTasks,
    config::Config,
    first_head::OneSpelling,
    listeners::{Bound, ListenError},
    proxy::Proxy,
    telemetry::Telemetry,
    upstream::Upstreams,
    watcher::{Usability, Watched, WatchedPhones, Watcher},
};
use crate::{
    gate::{Gate, GuessableCallbackPath},
    pingora::SessionBound,
    profile::ClientError,
    store::RedisStoreError,
};

/// A running gateway.
pub(crate) struct Gateway {
    addresses: Vec<SocketAddr>,
    admin: SocketAddr,
    health: Health,
    grace: Duration,
    gate: Gate,
    shutdown: watch::Sender<bool>,
    background: CancellationToken,
    watcher: Watcher,
    in_flight: TaskTracker,
    verifications: VerificationTasks,
    connections: TaskTracker,
    tasks: TaskTracker,
}

/// The reason why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The client for profiles cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The client for callbacks to the app cannot be set up.
    #[error("the client for callbacks to the app cannot be set up")]
    Delivery(#[source] Box<dyn Error + Send + Sync>),
    /// The store of logins and revocations cannot be set up.
    #[error(transparent)]
    Store(#[from] RedisStoreError),
    /// Sessions need another callback path.
    #[error(transparent)]
    CallbackPath(#[from] GuessableCallbackPath),
    /// The roots by which the upstream is trusted cannot be handed to pingora.
    #[error("the trusted certificates of the upstream cannot be set up: {0}")]
    Roots(#[source] std::io::Error),
}

impl Gateway {
    /// Binds every address, then serves until [`stop`](Self::stop). It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or a client cannot be set up; then nothing runs.
    pub(crate) async fn start(config: &Config) -> Result<Self, StartError> {
        let sockets = config.listen.iter().map(Bound::bind).collect::<Result<Vec<_>, _>>()?;
        let admin_socket = Bound::bind_plain(config.admin)?;
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let telemetry = Telemetry::new(metrics);
        let upstreams = Arc::new(Upstreams::new(config.upstream.clone(), config.timeouts));
        let verifications = VerificationTasks::default();
        let gate = assemble::gate(config, &telemetry, &upstreams, &verifications)?;
        let found = upstreams.resolve().await;

        let gateway = Self {
            addresses: sockets.iter().map(Bound::address).collect(),
            admin: admin_socket.address(),
            health,
            grace: config.shutdown_grace,
            gate: gate.clone(),
            shutdown: watch::Sender::new(false),
            background: CancellationToken::new(),
            watcher: Watcher::default(),
            in_flight: TaskTracker::new(),
            verifications,
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
        };
        let proxy = Proxy {
            gate,
            upstreams: Arc::clone(&upstreams),
            timeouts: config.timeouts,
            trusted_proxies: config.trusted_proxies.clone(),
            delivers: config.session.is_some() && config.callback.forward,
            telemetry: telemetry.clone(),
            in_flight: gateway.in_flight.clone(),
        };
        let certificates: Vec<_> = sockets.iter().filter_map(Bound::certificate).collect();
        gateway.spawn_proxy(proxy, config, sockets)?;
        gateway.spawn_admin(admin_socket)?;
        gateway.watch(upstreams, found);
        certificates.into_iter().for_each(|certificate| gateway.watch(certificate, Usability::Usable));
        for (number, file) in (1..).zip(config.routes.phones_files()) {
            gateway.watch(WatchedPhones::new(file.clone(), number, telemetry.clone()), Usability::Usable);
        }
        gateway.health.set_ready(true);
        Ok(gateway)
    }

    /// The addresses of the listeners, in the order of the configuration.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The address of health and metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Asks for the certificates and the files of phone numbers to be read again, and for the upstream's name to be resolved.
    /// It does not wait for that.
    ///
    /// All of it is looked at now and then anyway. Where the new state cannot be used, the previous one stays in use.
    pub(crate) fn reload(&self) {
        self.watcher.reload();
    }

    /// Stops accepting connections. Requests in flight and the verifications of answered callbacks may end within the
    /// configured grace; the rest is cut off.
    pub(crate) async fn stop(self) {
        self.health.set_ready(false);
        self.shutdown.send_replace(true);
        self.gate.stop_waiting();
        if timeout(self.grace, self.drain()).await.is_err() {
            let (requests, verifications) = (self.in_flight.len(), self.verifications.len());
            tracing::warn!(
                requests,
                verifications,
                "shutdown_grace is over; the requests and verifications that are left are cut off"
            );
        }
        let revocations = self.gate.unstored_revocations();
        if revocations > 0 {
            tracing::warn!(
                revocations,
                "the store did not learn of every logout; these sessions are valid again until they expire"
            );
        }
        self.verifications.cut_off();
        self.background.cancel();
        self.tasks.close();
        // A slow client of the admin routes must not delay the end.
        let _ = timeout(ADMIN_GRACE, self.tasks.wait()).await;
    }

    /// Waits for the requests, then for what they leave behind: verifications, and the last frames of their answers, which
    /// HTTP/2 writes after the end of a request.
    async fn drain(&self) {
        self.in_flight.close();
        self.in_flight.wait().await;
        self.connections.close();
        // A connection whose client is gone would never close.
        let closed = timeout(LAST_FRAMES, self.connections.wait());
        let _ = tokio::join!(self.verifications.wait(), closed);
    }

    fn spawn_proxy(&self, proxy: Proxy, config: &Config, sockets: Vec<Bound>) -> Result<(), StartError> {
        let mut options = HttpServerOptions::default();
        options.h2_idle_timeout = config.timeouts.idle;
        let build = |ca_file| {
            let conf = ServerConf { ca_file: Some(ca_file), ..ServerConf::default() };
            http_proxy(&Arc::new(conf), proxy)
        };
        let mut proxy = roots::offer(&config.upstream, build).map_err(StartError::Roots)?;
        proxy.server_options = Some(options);
        let mut service = listening::Service::new("gateway".to_owned(), OneSpelling::new(SessionBound::new(proxy)));
        let sockets = listeners::hand_over(sockets, &mut service, &self.connections);
        let shutdown = self.shutdown.subscribe();
        self.tasks.spawn(async move { service.start_service(Some(sockets), shutdown, 1).await });
        Ok(())
    }

    fn spawn_admin(&self, socket: Bound) -> Result<(), ListenError> {
        let (socket, routes) = (socket.into_tokio()?, admin::routes(self.health.clone()));
        let ended = self.background.clone().cancelled_owned();
        self.tasks.spawn(async move { axum::serve(socket, routes).with_graceful_shutdown(ended).await });
        Ok(())
    }

    fn watch<W: Watched>(&self, watched: W, found: Usability) {
        let (watch, ended) = (self.watcher.watch(watched, found), self.background.clone());
        self.tasks.spawn(async move { ended.run_until_cancelled(watch).await });
    }
}

const ADMIN_GRACE: Duration = Duration::from_secs(1);
const LAST_FRAMES: Duration = Duration::from_secs(2);
