//! The listeners. Their sockets are bound first, so that a busy port is known before anything runs.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use pingora_core::{
    listeners::tls::{Acceptor, TlsSettings},
    server::ShutdownWatch,
};
use tokio::{net::TcpSocket, time::sleep};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    accepted::{AcceptedConnection, Tls},
    config::ListenerConfig,
    listener_certificate::Certificate,
    telemetry::Telemetry,
    workers::Workers,
};

/// A socket that is bound and listens.
pub(super) struct BoundListener {
    socket: TcpListener,
    /// The address, with the port that the system chose for port 0.
    pub(super) address: SocketAddr,
    /// The certificate of a listener with TLS.
    pub(super) certificate: Option<Certificate>,
}

/// The reason why a listener has no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl BoundListener {
    /// Binds the socket of a listener. It needs a tokio runtime.
    pub(super) fn bind(listener: &ListenerConfig) -> Result<Self, ListenError> {
        let bound = Self::bind_plain(listener.address)?;
        let certificate = listener.tls.clone().map(Certificate::read).transpose();
        let certificate = certificate.map_err(|source| ListenError { address: bound.address, source })?;
        Ok(Self { certificate, ..bound })
    }

    /// Binds a socket for plain HTTP. It needs a tokio runtime.
    pub(super) fn bind_plain(address: SocketAddr) -> Result<Self, ListenError> {
        let bind = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?.into_std()?;
            Ok(Self { address: socket.local_addr()?, socket, certificate: None })
        };
        bind().map_err(|source| ListenError { address, source })
    }

    /// The socket for tokio.
    pub(super) fn into_tokio(self) -> Result<tokio::net::TcpListener, ListenError> {
        let Self { socket, address, .. } = self;
        tokio::net::TcpListener::from_std(socket).map_err(|source| ListenError { address, source })
    }

    /// The listener of connections for the threads. It needs a tokio runtime. It and its connections are tracked.
    pub(super) fn into_listener(self, connections: &OpenConnections) -> Result<Listener, ListenError> {
        let Self { socket, address, certificate } = self;
        let socket = tokio::net::TcpListener::from_std(socket).map_err(|source| ListenError { address, source })?;
        let http_2 = connections.http_2.clone();
        let tls = certificate.map(|certificate| Tls { acceptor: Arc::new(acceptor(certificate)), http_2 });
        Ok(Listener { socket, tls, open: connections.closed_when_idle.token() })
    }
}

/// A listener that accepts connections.
pub(super) struct Listener {
    socket: tokio::net::TcpListener,
    tls: Option<Tls>,
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
    /// all the same.
    pub(super) async fn accept(self, workers: Workers, telemetry: Telemetry, mut shutdown: ShutdownWatch) {
        let Self { socket: listener, tls, open } = self;
        let connection = |socket: TcpStream, peer: SocketAddr| {
            let (tls, open, telemetry) = (tls.clone(), open.clone(), telemetry.clone());
            AcceptedConnection { socket, peer, tls, open, telemetry }
        };
        // A gateway that is gone has stopped as well.
        let mut stopped = pin!(shutdown.wait_for(|is_stopped| *is_stopped));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stopped => break,
            };
            // The socket leaves the runtime of this thread.
            match accepted.and_then(|(socket, peer)| Ok((socket.into_std()?, peer))) {
                Ok((socket, peer)) => workers.hand_over(connection(socket, peer)).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => {
                    telemetry.failed_accept();
                    tokio::select! {
                        () = sleep(PAUSE) => {}
                        _ = &mut stopped => break,
                    }
                }
            }
        }
        // More than fit into the queue have not come before the stop.
        let Ok(listener) = listener.into_std() else { return };
        for _ in 0..BACKLOG {
            match listener.accept().and_then(|(socket, peer)| socket.set_nonblocking(true).map(|()| (socket, peer))) {
                Ok((socket, peer)) => workers.hand_over(connection(socket, peer)).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => break,
            }
        }
    }
}

fn acceptor(certificate: Certificate) -> Acceptor {
    let mut settings = TlsSettings::intermediate("", "").expect("nothing is read, so nothing fails");
    settings.set_cert_resolver(Arc::new(certificate));
    settings.enable_h2();
    settings.build()
}

/// Whether only the connection is lost that was to be accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How many connections may wait to be accepted, if the system allows as many.
const BACKLOG: u32 = 65_535;
/// A system without descriptors has none a moment later either.
const PAUSE: Duration = Duration::from_secs(1);
