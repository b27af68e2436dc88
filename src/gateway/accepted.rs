//! A connection that a listener accepted, from the socket to the app that serves it.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    os::fd::AsRawFd,
    sync::Arc,
    time::Duration,
};

use pingora_core::{
    apps::ServerApp,
    listeners::tls::Acceptor,
    protocols::{
        ALPN, GetSocketDigest as _, SocketDigest, Ssl as _, Stream, l4::stream::Stream as Socket, tls::TlsStream,
    },
    server::ShutdownWatch,
};
use tokio::time::timeout;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    buffered::Buffered,
    idle::{ARRIVAL, until_idle},
    telemetry::Telemetry,
};

/// A connection from a client, on no thread yet.
pub(super) struct AcceptedConnection {
    /// A socket that does not block.
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    /// How to make it a TLS connection; none for plain HTTP.
    pub(super) tls: Option<Tls>,
    /// A token that is there until the connection is closed, unless it is one of HTTP/2.
    pub(super) open: TaskTrackerToken,
    pub(super) telemetry: Telemetry,
}

/// The way to TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) acceptor: Arc<Acceptor>,
    /// Has a token for each connection of HTTP/2 until it is closed.
    pub(super) http_2: TaskTracker,
}

impl AcceptedConnection {
    /// Serves the connection on the current thread until it is closed.
    pub(super) async fn serve<A: ServerApp + Send + Sync + 'static>(self, app: &Arc<A>, shutdown: &ShutdownWatch) {
        let Self { socket, peer, tls, mut open, telemetry } = self;
        // A client may be gone by now, and its socket with it.
        let Ok(socket) = registered(socket) else { return };
        let stream: Stream = match tls {
            None => Box::new(Buffered::new(unbuffered(socket, peer), READ_THROUGH)),
            Some(tls) => {
                // The future is large, and an idle connection must not keep its room.
                let stream = match timeout(HANDSHAKE, Box::pin(tls.shake_hands(socket, peer, shutdown))).await {
                    Ok(Some(Ok(stream))) => stream,
                    Ok(None) => return,
                    Ok(Some(Err(_))) | Err(_) => return telemetry.failed_handshake(),
                };
                if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
                    open = tls.http_2.token();
                }
                Box::new(stream)
            }
        };
        let _open = open;
        let mut next = app.process_new(stream, shutdown).await;
        while let Some(stream) = next {
            next = app.process_new(stream, shutdown).await;
        }
    }
}

impl Tls {
    /// Shakes hands with a client; returns none if the gateway stops before the client has said anything.
    async fn shake_hands(
        &self,
        socket: tokio::net::TcpStream,
        peer: SocketAddr,
        shutdown: &ShutdownWatch,
    ) -> Option<pingora_core::Result<TlsStream<Buffered>>> {
        // A socket that is broken fails again when it is read.
        let _ = until_idle(socket.readable(), || true, shutdown, ARRIVAL).await?;
        Some(self.acceptor.tls_handshake(Buffered::new(unbuffered(socket, peer), RECORD)).await)
    }
}

fn registered(socket: TcpStream) -> io::Result<tokio::net::TcpStream> {
    socket.set_nodelay(true)?;
    tokio::net::TcpStream::from_std(socket)
}

fn unbuffered(socket: tokio::net::TcpStream, peer: SocketAddr) -> Socket {
    let mut socket = Socket::from(socket);
    let digest = SocketDigest::from_raw_fd(socket.as_raw_fd());
    // Otherwise each look at it asks the system.
    let _ = digest.peer_addr.set(Some(peer.into()));
    socket.set_socket_digest(digest);
    socket
}

/// pingora reads a plain request into a buffer of its own, so another one would only take memory.
const READ_THROUGH: usize = 1;
/// The longest record of TLS, with what is around it: rustls reads in smaller pieces.
const RECORD: usize = 18 << 10;
/// pingora's own limit for a handshake.
const HANDSHAKE: Duration = Duration::from_mins(1);
