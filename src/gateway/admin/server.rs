//! How long the admin listener serves its routes.

use std::{future::IntoFuture as _, io, os::fd::AsFd as _};

use axum::Router;
use pingora_core::server::ShutdownWatch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::gateway::{
    sockets::{AcceptingSocket, ListeningSocket, Successor},
    takeover::{self, HANDSHAKES},
};

/// Serves the routes until the gateway has ended. If another process serves them too, this one leaves them to it at the stop.
///
/// # Errors
///
/// When the socket cannot be listened on.
pub(in crate::gateway) fn serve(
    socket: ListeningSocket,
    successor: Successor,
    routes: Router,
    mut shutdown: ShutdownWatch,
    ended: CancellationToken,
) -> io::Result<impl Future<Output = io::Result<()>>> {
    let AcceptingSocket::Tcp(socket) = socket.into_tokio()? else { return Err(io::ErrorKind::Unsupported.into()) };
    let same_socket = socket.as_fd().try_clone_to_owned()?;
    let end = async move {
        if successor == Successor::None {
            return ended.cancelled().await;
        }
        // A gateway that is gone has stopped as well.
        let _ = shutdown.wait_for(|is_stopped| *is_stopped).await;
        if successor == Successor::OtherSocket {
            takeover::begin(&same_socket);
            sleep(HANDSHAKES).await;
            takeover::end(&same_socket);
        }
    };
    Ok(axum::serve(socket, routes).with_graceful_shutdown(end).into_future())
}
