//! What a configuration says of the connections of one listener.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use super::{clients::ClientConnections, proxy_header::ProxyHeaders};
use crate::gateway::{
    active_config::ActiveConfig,
    config::{Config, ListenerConfig, RedirectConfig},
    listeners::{BoundListener, ListenError, Listener, ListenerTls, Place, certificate::Certificates},
    process::Process,
    redirect::{Redirect, RedirectHosts},
    redirect_app::RedirectApp,
    telemetry::Telemetry,
};

/// What each new connection of a listener gets. It is replaced as a whole by a later configuration.
pub(in crate::gateway) struct ConnectionSettings {
    /// How to learn the client from a proxy; none if the peer is the client.
    pub(in crate::gateway) proxies: Option<ProxyHeaders>,
    /// How to make it a TLS connection; none for plain HTTP.
    pub(in crate::gateway) tls: Option<ListenerTls>,
    /// What serves it in place of the app; none for a connection to the site.
    pub(in crate::gateway) redirect: Option<Redirecting>,
    /// Has a token for each connection of HTTP/2 until it is closed.
    pub(in crate::gateway) http_2: TaskTracker,
    pub(in crate::gateway) telemetry: Telemetry,
}

/// A redirect, with the limits of connections around it.
pub(in crate::gateway) type Redirecting = Arc<ClientConnections<RedirectApp>>;

/// Makes the settings of all listeners of a configuration. An open listener whose TLS stays the same goes on with it.
///
/// # Errors
///
/// When a certificate cannot be read.
pub(in crate::gateway) fn settings(
    config: &Config,
    places: &[Place<BoundListener>],
    open: &[Listener],
    active: &Arc<ArcSwap<ActiveConfig>>,
    process: &Process,
) -> Result<Vec<Arc<ConnectionSettings>>, ListenError> {
    let tls = config.listen.iter().zip(places).map(|(listener, place)| tls(listener, place, open));
    let tls = tls.collect::<Result<Vec<_>, _>>()?;
    let certificates: Vec<_> = tls.iter().flatten().map(|tls| tls.certificates.clone()).collect();
    let redirect = |redirect: &RedirectConfig| redirecting(config, redirect, certificates.clone(), active, process);
    let settings = |(listener, tls): (&ListenerConfig, Option<ListenerTls>)| {
        let (trusted, limit) = (config.trusted_proxies.clone(), config.timeouts.idle);
        Arc::new(ConnectionSettings {
            proxies: listener.proxy_protocol.then_some(ProxyHeaders { trusted, limit }),
            tls,
            redirect: listener.redirect.as_ref().map(redirect),
            http_2: process.open_work.connections.http_2.clone(),
            telemetry: process.telemetry.clone(),
        })
    };
    Ok(config.listen.iter().zip(tls).map(settings).collect())
}

/// Makes the redirect of a listener. The certificates are those of all listeners.
pub(in crate::gateway) fn redirecting(
    config: &Config,
    redirect: &RedirectConfig,
    certificates: Vec<Certificates>,
    active: &Arc<ArcSwap<ActiveConfig>>,
    process: &Process,
) -> Redirecting {
    let urls = config.session.iter().flat_map(|session| session.public_urls.iter());
    let hosts = RedirectHosts::of(certificates, urls);
    let (challenges, telemetry) = (process.challenges.clone(), process.telemetry.clone());
    let redirect = Redirect { hosts, config: redirect.clone(), challenges, telemetry };
    let app = RedirectApp { redirect, active: Arc::clone(active) };
    Arc::new(ClientConnections::new(app, Arc::clone(active)))
}

fn tls(
    listener: &ListenerConfig,
    place: &Place<BoundListener>,
    open: &[Listener],
) -> Result<Option<ListenerTls>, ListenError> {
    let Some(config) = &listener.tls else { return Ok(None) };
    let earlier = match place {
        Place::Open(index) => open[*index].settings().tls.clone().filter(|tls| tls.is_of(config)),
        Place::New(_) => None,
    };
    let read = || ListenerTls::read(config).map_err(|source| ListenError { address: listener.address.clone(), source });
    earlier.map_or_else(read, Ok).map(Some)
}
