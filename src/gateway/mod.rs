//! The gateway: pingora in front of an app that knows nothing of Truecaller.
//!
//! ```
//! use std::path::Path;
//! use truegate::gateway::{Gateway, config::Config};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let text = "{ listen: 127.0.0.1:0, admin: { listen: 127.0.0.1:0 }, upstream: http://127.0.0.1:3000 }";
//! let config = Config::parse(text, Path::new("config.yaml"), |_| None)?;
//! let gateway = Gateway::start(&config).await?;
//! println!("listening on {:?}", gateway.addresses());
//! gateway.stop().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod admin;
mod assemble;
mod certificate;
mod cli;
pub mod config;
mod demo;
mod forwarded;
mod keys;
mod limits;
mod listeners;
mod logging;
mod metrics;
mod proxy;
mod signals;
mod simulate;
mod telemetry;
mod upstream;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use pingora_core::{apps::HttpServerOptions, server::configuration::ServerConf, services::Service};
use pingora_proxy::ProxyServiceBuilder;
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    admin::Health, config::Config, listeners::Bound, metrics::Metrics, proxy::Proxy, telemetry::Telemetry,
    upstream::Upstreams,
};
pub use self::{cli::main, listeners::ListenError};
use crate::profile::ClientError;

/// A gateway that runs.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    admin: SocketAddr,
    health: Health,
    grace: Duration,
    shutdown: watch::Sender<bool>,
    background: CancellationToken,
    in_flight: TaskTracker,
    connections: TaskTracker,
    tasks: TaskTracker,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The profile client cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

impl Gateway {
    /// Binds every address, then serves until [`stop`](Self::stop). It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or a client cannot be set up; then nothing runs.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let sockets = config.listen.iter().map(Bound::bind).collect::<Result<Vec<_>, _>>()?;
        let admin_socket = Bound::bind_plain(config.admin)?;
        let metrics = Arc::new(Metrics::new()?);
        let telemetry = Telemetry::new(Arc::clone(&metrics));
        let gate = assemble::gate(config, telemetry.clone())?;
        let upstreams = Arc::new(Upstreams::new(config.upstream.clone()));
        upstreams.refresh().await;

        let gateway = Self {
            addresses: sockets.iter().map(Bound::address).collect(),
            admin: admin_socket.address(),
            health: Health::new(Arc::clone(&metrics)),
            grace: config.shutdown_grace,
            shutdown: watch::Sender::new(false),
            background: CancellationToken::new(),
            in_flight: TaskTracker::new(),
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
        };
        let proxy = Proxy {
            gate,
            upstreams: Arc::clone(&upstreams),
            trusted_proxies: config.trusted_proxies.clone(),
            telemetry,
            in_flight: gateway.in_flight.clone(),
        };
        gateway.spawn_proxy(proxy, sockets);
        gateway.spawn_admin(admin_socket)?;
        gateway.spawn_background(async move { upstreams.keep_fresh().await });
        gateway.spawn_background(async move { metrics.keep_small().await });
        gateway.health.set_ready(true);
        Ok(gateway)
    }

    /// The addresses that requests come in by, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The address of health and metrics.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Stops accepting, lets the requests in flight end within the configured grace, and cuts off the rest.
    pub async fn stop(self) {
        self.health.set_ready(false);
        self.shutdown.send_replace(true);
        if timeout(self.grace, self.drain()).await.is_err() {
            tracing::warn!(requests = self.in_flight.len(), "the grace has passed; requests in flight are cut off");
        }
        self.background.cancel();
        self.tasks.close();
        // A slow reader of the admin routes must not hold up the end.
        let _ = timeout(ADMIN_GRACE, self.tasks.wait()).await;
    }

    /// Waits for the requests, then for their connections: HTTP/2 writes an answer's last frames after its request.
    async fn drain(&self) {
        self.in_flight.close();
        self.in_flight.wait().await;
        self.connections.close();
        // One whose client is gone would never close.
        let _ = timeout(LAST_FRAMES, self.connections.wait()).await;
    }

    fn spawn_proxy(&self, proxy: Proxy, sockets: Vec<Bound>) {
        let mut options = HttpServerOptions::default();
        options.h2_idle_timeout = Some(IDLE);
        let service = ProxyServiceBuilder::new(&Arc::new(ServerConf::default()), proxy);
        let mut service = service.server_options(options).build();
        let sockets = listeners::hand_over(sockets, &mut service, &self.connections);
        let shutdown = self.shutdown.subscribe();
        self.tasks.spawn(async move { service.start_service(Some(sockets), shutdown, 1).await });
    }

    fn spawn_admin(&self, socket: Bound) -> Result<(), ListenError> {
        let (socket, routes) = (socket.into_tokio()?, admin::routes(self.health.clone()));
        let ended = self.background.clone().cancelled_owned();
        self.tasks.spawn(async move { axum::serve(socket, routes).with_graceful_shutdown(ended).await });
        Ok(())
    }

    fn spawn_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended = self.background.clone();
        self.tasks.spawn(async move { ended.run_until_cancelled(task).await });
    }
}

const ADMIN_GRACE: Duration = Duration::from_secs(1);
/// As long as pingora keeps an idle HTTP/1 connection.
const IDLE: Duration = Duration::from_mins(1);
const LAST_FRAMES: Duration = Duration::from_secs(2);
