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
    protocols::{GetSocketDigest as _, SocketDigest, Stream, l4::stream::Stream as Socket},
    server::ShutdownWatch,
};
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{buffered::Buffered, telemetry::Telemetry};

/// A connection from a client, on no thread yet.
pub(super) struct AcceptedConnection {
    /// A socket that does not block.
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    /// How to make it a TLS connection; none for plain HTTP.
    pub(super) tls: Option<Tls>,
    pub(super) telemetry: Telemetry,
}

/// The way to TLS.
pub(super) struct Tls {
    pub(super) acceptor: Arc<Acceptor>,
    /// A token that is there until the connection is closed.
    pub(super) open: TaskTrackerToken,
}

impl AcceptedConnection {
    /// Serves the connection on the current thread until it is closed.
    pub(super) async fn serve<A: ServerApp + Send + Sync + 'static>(self, app: &Arc<A>, shutdown: &ShutdownWatch) {
        let Self { socket, peer, tls, telemetry } = self;
        // A client may be gone by now, and its socket with it.
        let Ok(socket) = unbuffered(socket, peer) else { return };
        let (stream, _open): (Stream, _) = match tls {
            None => (Box::new(Buffered::new(socket, READ_THROUGH)), None),
            Some(Tls { acceptor, open }) => {
                let socket = Buffered::new(socket, RECORD);
                // The future is large, and an idle connection must not keep its room.
                match timeout(HANDSHAKE, Box::pin(acceptor.tls_handshake(socket))).await {
                    Ok(Ok(stream)) => (Box::new(stream), Some(open)),
                    Ok(Err(_)) | Err(_) => return telemetry.failed_handshake(),
                }
            }
        };
        let mut next = app.process_new(stream, shutdown).await;
        while let Some(stream) = next {
            next = app.process_new(stream, shutdown).await;
        }
    }
}

fn unbuffered(socket: TcpStream, peer: SocketAddr) -> io::Result<Socket> {
    socket.set_nodelay(true)?;
    let mut socket = Socket::from(tokio::net::TcpStream::from_std(socket)?);
    let digest = SocketDigest::from_raw_fd(socket.as_raw_fd());
    // Otherwise each look at it asks the system.
    let _ = digest.peer_addr.set(Some(peer.into()));
    socket.set_socket_digest(digest);
    Ok(socket)
}

/// pingora reads a plain request into a buffer of its own, so another one would only take memory.
const READ_THROUGH: usize = 1;
/// The longest record of TLS, with what is around it: rustls reads in smaller pieces.
const RECORD: usize = 18 << 10;
/// The time that pingora gives a client, too.
const HANDSHAKE: Duration = Duration::from_mins(1);
