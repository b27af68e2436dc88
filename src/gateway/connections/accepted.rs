//! A connection that a listener accepted, from the socket to the app that serves it.

use std::{sync::Arc, time::Duration};

use pingora_core::{
    apps::ServerApp,
    protocols::{
        ALPN, GetSocketDigest as _, SocketDigest, Ssl as _, Stream,
        l4::{socket::SocketAddr as Peer, stream::Stream as Socket},
        tls::TlsStream,
    },
    server::ShutdownWatch,
};
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    buffered::Buffered,
    client_socket::{ClientSocket, RegisteredSocket},
    idle::{time_for_first_bytes, until_idle},
    settings::ConnectionSettings,
};
use crate::{
    cause::Cause,
    gateway::{failure, listeners::ListenerTls},
};

/// A connection from a client, on no thread yet.
pub(in crate::gateway) struct AcceptedConnection {
    pub(in crate::gateway) socket: ClientSocket,
    pub(in crate::gateway) settings: Arc<ConnectionSettings>,
    /// A token that is there until the connection is closed, unless it is one of HTTP/2.
    pub(in crate::gateway) open: TaskTrackerToken,
    /// Says when it is to be closed once it is idle.
    pub(in crate::gateway) shutdown: ShutdownWatch,
}

impl AcceptedConnection {
    /// Serves the connection on the current thread until it is closed.
    pub(super) async fn serve<A: ServerApp + Send + Sync + 'static>(self, app: &Arc<A>) {
        let Self { socket, settings, mut open, shutdown } = self;
        let _counted = settings.telemetry.open_connection();
        // A client may be gone by now, and its socket with it.
        let Ok(mut socket) = socket.register() else { return };
        let peer = match &settings.proxies {
            None => socket.peer(),
            // The future is large, and an idle connection must not keep its room.
            Some(proxies) => match Box::pin(proxies.client(&mut socket, &shutdown)).await {
                Ok(client) => client,
                Err(refusal) => return settings.telemetry.refused_proxy(refusal),
            },
        };
        let stream: Stream = match &settings.tls {
            None => Box::new(Buffered::new(unbuffered(socket, peer), READ_THROUGH)),
            Some(tls) => {
                // The future is large, and an idle connection must not keep its room.
                let stream = match timeout(HANDSHAKE, Box::pin(shake_hands(tls, socket, peer, &shutdown))).await {
                    Ok(Some(Ok(stream))) => stream,
                    Ok(None) => return,
                    Ok(Some(Err(error))) => return settings.telemetry.failed_handshake(failure::cause(&error)),
                    Err(_) => return settings.telemetry.failed_handshake(Cause::Timeout),
                };
                if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
                    open = settings.http_2.token();
                }
                Box::new(stream)
            }
        };
        let _open = open;
        if let Some(redirect) = &settings.redirect {
            redirect.process_new(stream, &shutdown).await;
            return;
        }
        // They are those of new connections only, and this one may outlive them by far.
        drop(settings);
        let mut next = app.process_new(stream, &shutdown).await;
        while let Some(stream) = next {
            next = app.process_new(stream, &shutdown).await;
        }
    }
}

/// Shakes hands with a client; returns none if the listener stops before the client has said anything.
async fn shake_hands(
    tls: &ListenerTls,
    socket: RegisteredSocket,
    peer: Option<Peer>,
    shutdown: &ShutdownWatch,
) -> Option<pingora_core::Result<TlsStream<Buffered>>> {
    let time = time_for_first_bytes(shutdown);
    until_idle(socket.readable(), || true, || time, shutdown).await?;
    Some(tls.acceptor.tls_handshake(Buffered::new(unbuffered(socket, peer), RECORD)).await)
}

fn unbuffered(socket: RegisteredSocket, peer: Option<Peer>) -> Socket {
    let (mut socket, descriptor) = socket.into_stream();
    let digest = SocketDigest::from_raw_fd(descriptor);
    // Otherwise each look at it asks the system.
    let _ = digest.peer_addr.set(peer);
    socket.set_socket_digest(digest);
    socket
}

/// pingora reads a plain request into a buffer of its own, so another one would only take memory.
const READ_THROUGH: usize = 1;
/// The longest record of TLS, with what is around it: rustls reads in smaller pieces.
const RECORD: usize = 18 << 10;
/// pingora's own limit for a handshake.
const HANDSHAKE: Duration = Duration::from_mins(1);
