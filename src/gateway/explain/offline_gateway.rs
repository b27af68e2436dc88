//! A gateway that opens nothing: what is around it is in memory.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use pingora_core::{
    apps::ServerApp as _, protocols::l4::socket::SocketAddr as Peer, server::configuration::ServerConf,
};
use pingora_proxy::http_proxy;
use tokio::sync::watch;

use super::{
    app::App,
    client::ClientBytes,
    observing_proxy::{Observations, ObservingProxy},
    source::AssumedProfiles,
};
use crate::{
    gateway::{
        BoxError, StartError,
        active_config::ActiveConfig,
        admin::Metrics,
        assemble,
        config::{Config, ListenerConfig, StoreConfig},
        connections::{ClientConnections, redirecting},
        listeners::{InheritedSockets, ListenerTls},
        logs::GateObserver,
        process::Process,
        proxy::Proxy,
        telemetry::Telemetry,
        upstream::UpstreamRoots,
    },
    pingora::SessionBound,
};

/// The gateway of one configuration, and what is around it.
pub(super) struct OfflineGateway {
    pub(super) active: Arc<ActiveConfig>,
    process: Process,
    pub(super) profiles: AssumedProfiles,
    pub(super) client: ClientBytes,
    pub(super) app: App,
    pub(super) observations: Arc<Mutex<Observations>>,
}

impl OfflineGateway {
    /// Sets the gateway up, without a store and without anything that it would log or export to.
    pub(super) async fn new(mut config: Config, sent: Vec<u8>) -> Result<Self, StartError> {
        (config.log.access, config.log.audit) = (None, None);
        if let Some(session) = &mut config.session {
            session.store = StoreConfig::Memory;
            // A callback is not sent to the app.
            config.callback.forward = false;
        }
        let process = Process::new(&config, Telemetry::new(Metrics::new()), InheritedSockets::none());
        // The app hears of traces, and the collector of none.
        process.exports.finish(Duration::ZERO).await;
        let active = ActiveConfig::new(config, &process, None)?;
        let profiles = AssumedProfiles::default();
        let native = active.config.native.as_ref().map(|native| native.route(profiles.clone()));
        let observer = GateObserver { telemetry: process.telemetry.clone(), audit: None };
        let gate =
            assemble::gate(&active.config, profiles.clone(), native, active.sessions.as_ref(), observer)?.build();
        let active = Arc::new(ActiveConfig { gate, ..active });
        Ok(Self {
            active,
            process,
            profiles,
            client: ClientBytes::new(sent),
            app: App::default(),
            observations: Arc::default(),
        })
    }

    /// Serves the connection of the client to its end.
    pub(super) async fn serve(
        &self,
        listener: &ListenerConfig,
        client: Option<Peer>,
        is_tls: bool,
    ) -> Result<(), StartError> {
        let reading = self.active.prepare(&self.active).await;
        self.active.follow_store(reading);
        let active = Arc::new(ArcSwap::new(Arc::clone(&self.active)));
        let connection = Box::new(self.client.connect(client, is_tls));
        // It never changes: this gateway does not stop.
        let (_stop, shutdown) = watch::channel(false);
        if let Some(redirect) = &listener.redirect {
            let config = &self.active.config;
            let tls = config.listen.iter().filter_map(|listener| listener.tls.as_ref());
            let certificates = tls.map(|tls| Ok::<_, BoxError>(ListenerTls::read(tls)?.certificates));
            let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
            redirecting(config, redirect, certificates, &active, &self.process)
                .process_new(connection, &shutdown)
                .await;
            return Ok(());
        }
        let proxy = ObservingProxy {
            proxy: Proxy::new(Arc::clone(&active), self.process.open_work.in_flight.clone()),
            client: self.client.clone(),
            app: self.app.clone(),
            observations: Arc::clone(&self.observations),
        };
        let proxy = UpstreamRoots::none().offer(|ca_file| {
            let conf = ServerConf { ca_file: Some(ca_file), ..ServerConf::default() };
            http_proxy(&Arc::new(conf), proxy)
        });
        let app = Arc::new(ClientConnections::new(SessionBound::new(proxy.map_err(StartError::Threads)?), active));
        app.process_new(connection, &shutdown).await;
        Ok(())
    }
}
