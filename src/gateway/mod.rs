//! The gateway: pingora in front of an app that knows nothing of Truecaller.
//!
//! Without sessions, a callback goes on to the app with the verified identity. With sessions, callbacks end here, and every
//! request of a browser that has logged in carries the identity. The gateway balances the load among the servers of an app; it
//! serves no files.
//!
//! Other crates see [`main`] alone, which is the program `truegate`.

#[macro_use]
mod delegated;
mod acme;
mod active_config;
mod admin;
mod admission;
mod assemble;
mod background;
mod cli;
pub(crate) mod config;
mod connections;
mod delivery;
mod descriptors;
#[cfg(feature = "dev")]
mod dev;
#[cfg(not(feature = "dev"))]
#[path = "no_dev.rs"]
mod dev;
mod exchange;
mod explain;
mod failure;
mod forwarded;
mod hex;
mod keys;
mod listeners;
mod log_limit;
mod logging;
mod logs;
mod open_work;
mod process;
mod proxy;
mod redirect;
mod redirect_app;
mod rejection;
mod reload;
mod request_id;
mod route_names;
mod routing;
mod service_manager;
mod sessionless_rules;
mod signals;
mod stop;
mod store_calls;
mod target_host;
mod telemetry;
mod traces;
mod upstream;
mod watcher;
mod web_socket;

use std::{error::Error, net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use self::cli::main;
use self::{
    acme::Acme,
    active_config::ActiveConfig,
    admin::{AdminListener, BoundAdmin, Health, Metrics, ReloadQueue},
    background::Background,
    config::{Config, ListenAddress},
    connections::{ConnectionSettings, Workers, settings},
    listeners::{InheritedSockets, ListenError, Listener, ListeningListener, Place},
    logs::{AuditEvent, OpenLogError},
    process::Process,
    telemetry::Telemetry,
};
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::{
    admin::fuzz as fuzz_site_login, connections::fuzz as fuzz_proxy_header, forwarded::fuzz as fuzz_forwarded,
};
use crate::session::StoreReading;

/// A running gateway.
pub(crate) struct Gateway {
    process: Process,
    /// The configuration in force.
    active: Arc<ArcSwap<ActiveConfig>>,
    /// The listeners, in the order of the configuration.
    listeners: Vec<Listener>,
    admin: AdminListener,
    health: Health,
    reloads: ReloadQueue,
    workers: Workers,
    background: Background,
    /// Says that everything is over.
    ended: CancellationToken,
    /// Ends the threads of a gateway that is dropped without a stop.
    _end: DropGuard,
    tasks: TaskTracker,
}

/// The reason why a gateway did not start with a configuration, or did not take it over.
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
    /// A part of the gateway cannot be made. The reason is printed where that happened.
    #[error("the gateway cannot be set up; this is a fault of truegate")]
    Panic,
    /// A thread, or its connections to the upstream, cannot be set up.
    #[error("the threads cannot be set up: {0}")]
    Threads(#[source] std::io::Error),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Gateway {
    /// Opens the sockets of every address, then serves until [`stop`](Self::stop). It needs a tokio runtime. Requests to read the
    /// configuration again go to the queue.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or a client cannot be set up; then nothing runs.
    pub(crate) async fn start(
        config: Config,
        inherited: InheritedSockets,
        reloads: ReloadQueue,
    ) -> Result<Self, StartError> {
        inherited.warn_of_unused(&config);
        let metrics = Metrics::new();
        let health = Health::new(&metrics);
        let process = Process::new(&config, Telemetry::new(metrics), inherited);
        let places = listeners::bind(&config.listen, &[], &process)?;
        let admin = BoundAdmin::bind(config.admin.listen, &process)?;
        let (tasks, ended) = (TaskTracker::new(), CancellationToken::new());
        let end = ended.clone().drop_guard();
        let made = ActiveConfig::make(config, &process, None, &tasks).await?;
        let active = Arc::new(ArcSwap::new(Arc::clone(&made)));
        let settings = settings(&made.config, &places, &[], &active, &process)?;
        let acme = made.config.acme.as_ref().map(|config| Acme::new(config, &process)).transpose()?;
        let routes = admin::routes(health.clone(), Arc::clone(&active), reloads.clone());
        let open = |admin: BoundAdmin| admin.open(routes.clone(), &ended, &tasks);
        // As long as this process is not ready, its clients are those of the one that it takes over from.
        let admin = if process.fixed.reuse_port() { Err(admin) } else { Ok(open(admin)?) };
        // Until then, clients wait in the queues of the listeners.
        let reading = made.prepare(&made).await;
        let workers = process.start_threads(made.config.server, &active, &ended, &tasks).await?;
        if let Some(reassured) = service_manager::reassure(workers.clone()) {
            let is_ended = ended.clone();
            tasks.spawn(async move { is_ended.run_until_cancelled(reassured).await });
        }
        let places = listeners::listen(places)?;
        let admin = admin.or_else(open)?;
        let background = Background::new(ended.clone(), tasks.clone());
        let mut gateway = Self {
            process,
            active,
            listeners: Vec::new(),
            admin,
            health,
            reloads,
            workers,
            background,
            ended,
            _end: end,
            tasks,
        };
        gateway.put_in_force(&made, reading, places, settings, acme);
        gateway.health.set_ready(true);
        made.audit(AuditEvent::Start);
        Ok(gateway)
    }

    /// Tells the service manager that the gateway takes requests. It is due after the start and after each reload.
    pub(crate) fn announce_ready(&self) {
        service_manager::ready(&self.addresses(), &self.active.load().config.upstreams);
    }

    /// The addresses of the listeners, in the order of the configuration.
    pub(crate) fn addresses(&self) -> Vec<ListenAddress> {
        self.listeners.iter().map(|listener| listener.address.clone()).collect()
    }

    /// The address of health and metrics.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Lets a configuration decide from now on. Listeners that it does not have are closed.
    fn put_in_force(
        &mut self,
        made: &Arc<ActiveConfig>,
        reading: StoreReading,
        places: Vec<Place<ListeningListener>>,
        settings: Vec<Arc<ConnectionSettings>>,
        acme: Option<Acme>,
    ) {
        let previous = self.active.swap(Arc::clone(made));
        made.follow_store(reading);
        let tls = settings.iter().filter_map(|settings| settings.tls.as_ref());
        let certificates = tls.map(|tls| tls.certificates.clone()).collect();
        let mut open: Vec<_> = std::mem::take(&mut self.listeners).into_iter().map(Some).collect();
        for ((place, settings), config) in places.into_iter().zip(settings).zip(&made.config.listen) {
            let listener = match place {
                Place::New(listening) => {
                    listening.open(settings, self.workers.clone(), &self.process.open_work.connections, &self.tasks)
                }
                Place::Open(index) => {
                    let mut listener = open[index].take().expect("each open listener has one place");
                    listener.change(&config.address, settings);
                    listener
                }
            };
            self.listeners.push(listener);
        }
        self.background.look_after(made, certificates, acme);
        self.background.look_now();
        self.process.telemetry.reload(true);
        if !Arc::ptr_eq(&previous, made) {
            previous.retire(made);
            self.workers.enter_each(|| made.connect_ahead());
            logging::set_level(made.config.log.level);
        }
    }
}
