//! The listeners. Their sockets are bound first, so that a busy port is known before anything runs.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use pingora_core::{listeners::tls::Acceptor, server::ShutdownWatch};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};
use tokio::time::sleep;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    accepted::{AcceptedConnection, Redirecting, Tls},
    active_config::ActiveConfig,
    client_connections::ClientConnections,
    client_socket::ClientSocket,
    config::{Config, ListenAddress, ListenerConfig, RedirectConfig, TlsConfig, TlsVersion},
    inherited::InheritedSockets,
    listener_certificate::Certificates,
    process::Process,
    proxy_header::ProxyHeaders,
    redirect::{Redirect, RedirectHosts},
    redirect_app::RedirectApp,
    sockets::{AcceptingSocket, BACKLOG, OpenedSocket, Successor},
    takeover::{self, HANDSHAKES},
    telemetry::Telemetry,
    workers::Workers,
};
use crate::tls;

/// A listener whose socket is bound.
pub(super) struct BoundListener {
    pub(super) opened: OpenedSocket,
    /// How it speaks TLS, if it does.
    tls: Option<BoundTls>,
    /// How it learns the clients from proxies, if it does.
    proxies: Option<Arc<ProxyHeaders>>,
    /// How it redirects, if it serves nothing else.
    redirect: Option<RedirectConfig>,
}

/// TLS with certificates that were read.
struct BoundTls {
    acceptor: Arc<Acceptor>,
    certificates: Certificates,
}

/// The reason why a listener has no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct ListenError {
    pub(super) address: ListenAddress,
    pub(super) source: io::Error,
}

impl BoundListener {
    /// Opens the socket of a listener. It needs a tokio runtime.
    pub(super) fn open(
        listener: &ListenerConfig,
        config: &Config,
        inherited: &InheritedSockets,
    ) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address: listener.address.clone(), source };
        let opened = open(&listener.address, config, inherited)?;
        let tls = listener.tls.as_ref().map(BoundTls::read).transpose().map_err(failed)?;
        let trusted = || config.trusted_proxies.clone();
        let proxies = listener.proxy_protocol.then(|| ProxyHeaders { trusted: trusted(), limit: config.timeouts.idle });
        Ok(Self { opened, tls, proxies: proxies.map(Arc::new), redirect: listener.redirect.clone() })
    }

    /// The certificates of a listener with TLS.
    pub(super) fn certificates(&self) -> Option<&Certificates> {
        self.tls.as_ref().map(|tls| &tls.certificates)
    }

    fn into_listener(
        self,
        connections: &OpenConnections,
        redirect: Option<Redirecting>,
    ) -> Result<Listener, ListenError> {
        let Self { opened: OpenedSocket { socket, address, successor }, tls, proxies, .. } = self;
        let socket = socket.into_tokio().map_err(|source| ListenError { address, source })?;
        let http_2 = connections.http_2.clone();
        let tls = tls.map(|BoundTls { acceptor, .. }| Tls { acceptor, http_2 });
        let accepted = Accepted { tls, proxies, redirect, open: connections.closed_when_idle.token() };
        Ok(Listener { socket, successor, accepted })
    }
}

/// The listeners of connections for the threads and for redirects. They need a tokio runtime. They and their connections are tracked.
pub(super) fn into_listeners(
    bound: Vec<BoundListener>,
    connections: &OpenConnections,
    active: &Arc<ArcSwap<ActiveConfig>>,
    Process { challenges, telemetry, .. }: &Process,
) -> Result<Vec<Listener>, ListenError> {
    let certificates = bound.iter().filter_map(BoundListener::certificates).cloned().collect();
    let current = active.load();
    let session = &current.config.session;
    let hosts = RedirectHosts::of(certificates, session.iter().flat_map(|session| session.public_urls.iter()));
    let redirect = |redirect: RedirectConfig| {
        let (hosts, challenges) = (hosts.clone(), challenges.clone());
        let redirect = Redirect { hosts, config: redirect, challenges, telemetry: telemetry.clone() };
        let app = RedirectApp { redirect, active: Arc::clone(active) };
        Arc::new(ClientConnections::new(app, Arc::clone(active)))
    };
    let listener = |mut bound: BoundListener| {
        let redirect = bound.redirect.take().map(redirect);
        bound.into_listener(connections, redirect)
    };
    bound.into_iter().map(listener).collect()
}

/// Opens the socket of an address in the configuration. It needs a tokio runtime.
pub(super) fn open(
    address: &ListenAddress,
    config: &Config,
    inherited: &InheritedSockets,
) -> Result<OpenedSocket, ListenError> {
    let opened = OpenedSocket::open(address, inherited, config.server.reuse_port);
    opened.map_err(|source| ListenError { address: address.clone(), source })
}

/// A listener that accepts connections.
pub(super) struct Listener {
    socket: AcceptingSocket,
    successor: Successor,
    accepted: Accepted,
}

/// What each connection of a listener is given.
struct Accepted {
    tls: Option<Tls>,
    proxies: Option<Arc<ProxyHeaders>>,
    redirect: Option<Redirecting>,
    /// A token that is there until the last connection was accepted. Each connection gets another one.
    open: TaskTrackerToken,
}

/// The connections that are open, so that a stop can wait for them.
#[derive(Default)]
pub(super) struct OpenConnections {
    /// Has a token for each connection that is closed as soon as it is idle after a stop, and for each listener.
    pub(super) closed_when_idle: TaskTracker,
    /// Has a token for each connection of HTTP/2: its client is asked to close it.
    pub(super) http_2: TaskTracker,
}

impl Listener {
    /// Accepts connections, and hands each to a thread, until the gateway stops. Those that came before the stop are accepted
    /// all the same, unless they wait in the queue of a socket that another process has, too.
    pub(super) async fn accept(self, workers: Workers, telemetry: Telemetry, mut shutdown: ShutdownWatch) {
        // A gateway that is gone has stopped as well.
        let stopped = async { drop(shutdown.wait_for(|is_stopped| *is_stopped).await) };
        self.accept_until(pin!(stopped), &workers, &telemetry).await;
        match self.successor {
            Successor::None => {}
            Successor::SameSocket => return,
            Successor::OtherSocket => {
                takeover::begin(&self.socket);
                self.accept_until(pin!(sleep(HANDSHAKES)), &workers, &telemetry).await;
                takeover::end(&self.socket);
            }
        }
        let Ok(listener) = self.socket.into_std() else { return };
        // More than fit into the queue have not come before the stop.
        for _ in 0..BACKLOG {
            match listener.accept_now() {
                Ok(socket) => workers.hand_over(self.accepted.connection(socket, &telemetry)).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => break,
            }
        }
    }

    async fn accept_until(&self, mut end: Pin<&mut impl Future>, workers: &Workers, telemetry: &Telemetry) {
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = &mut end => return,
            };
            match accepted {
                Ok(socket) => workers.hand_over(self.accepted.connection(socket, telemetry)).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => {
                    telemetry.failed_accept();
                    tokio::select! {
                        () = sleep(PAUSE) => {}
                        _ = &mut end => return,
                    }
                }
            }
        }
    }
}

impl Accepted {
    fn connection(&self, socket: ClientSocket, telemetry: &Telemetry) -> AcceptedConnection {
        AcceptedConnection {
            socket,
            proxies: self.proxies.clone(),
            tls: self.tls.clone(),
            redirect: self.redirect.clone(),
            open: self.open.clone(),
            telemetry: telemetry.clone(),
        }
    }
}

impl BoundTls {
    /// Reads the certificates. The error may quote the files.
    fn read(config: &TlsConfig) -> io::Result<Self> {
        let certificates = Certificates::read(config.certificates.clone())?;
        let acceptor = Acceptor::from_server_config(Arc::new(server_config(config, certificates.clone())?));
        Ok(Self { acceptor: Arc::new(acceptor), certificates })
    }
}

fn server_config(config: &TlsConfig, certificates: Certificates) -> io::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let versions = match config.min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12][..],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
    let builder = builder.map_err(io::Error::other)?;
    let certificates = Arc::new(certificates);
    let mut server = match &config.client_ca {
        None => builder.with_no_client_auth().with_cert_resolver(certificates),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            tls::trust(&mut roots, pem).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let builder = builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?);
            let mut server = builder.with_cert_resolver(certificates);
            // A resumed session would not show its certificate again, which may have expired since.
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.send_tls13_tickets = 0;
            server
        }
    };
    server.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
    Ok(server)
}

/// Whether only the connection is lost that was to be accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// A system without descriptors has none a moment later either.
const PAUSE: Duration = Duration::from_secs(1);
