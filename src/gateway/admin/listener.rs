//! The listener of the admin routes.

use std::{io, net::SocketAddr, os::fd::AsFd as _};

use axum::Router;
use tokio::time::sleep;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::gateway::{
    config::ListenAddress,
    listeners::{self, ListenError},
    process::Process,
    sockets::{AcceptingSocket, OpenedSocket, Successor},
    takeover::{self, HANDSHAKES},
};

/// The socket of the admin routes, which answers nothing yet.
pub(in crate::gateway) struct BoundAdmin {
    configured: SocketAddr,
    opened: OpenedSocket,
}

impl BoundAdmin {
    /// Opens the socket. It needs a tokio runtime.
    pub(in crate::gateway) fn bind(configured: SocketAddr, process: &Process) -> Result<Self, ListenError> {
        Ok(Self { configured, opened: listeners::open(&ListenAddress::Tcp(configured), process)? })
    }

    /// Answers requests until the listener is dropped, or until all ends.
    ///
    /// # Errors
    ///
    /// When the socket cannot be listened on.
    pub(in crate::gateway) fn open(
        self,
        routes: Router,
        ended: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<AdminListener, ListenError> {
        let Self { configured, opened: OpenedSocket { socket, address, successor } } = self;
        let failed = |source| ListenError { address: ListenAddress::Tcp(configured), source };
        let AcceptingSocket::Tcp(socket) = socket.into_tokio().map_err(failed)? else {
            return Err(failed(io::ErrorKind::Unsupported.into()));
        };
        let same_socket = socket.as_fd().try_clone_to_owned().map_err(failed)?;
        let closed = ended.child_token();
        let stopped = closed.child_token();
        let (is_closed, is_stopped) = (closed.clone(), stopped.clone());
        let end = async move {
            if successor == Successor::None {
                return is_closed.cancelled().await;
            }
            is_stopped.cancelled().await;
            if successor == Successor::OtherSocket {
                takeover::begin(&same_socket);
                sleep(HANDSHAKES).await;
                takeover::end(&same_socket);
            }
        };
        tasks.spawn(async move { axum::serve(socket, routes).with_graceful_shutdown(end).await });
        let address = address.tcp().expect("the address of a port is one of a port");
        Ok(AdminListener { configured, address, stopped, _closed: closed.drop_guard() })
    }
}

/// The open listener of the admin routes. When it is dropped, it takes no further requests.
pub(in crate::gateway) struct AdminListener {
    /// Its address in the configuration, where the port may be 0.
    pub(in crate::gateway) configured: SocketAddr,
    pub(in crate::gateway) address: SocketAddr,
    stopped: CancellationToken,
    _closed: DropGuard,
}

impl AdminListener {
    /// Leaves the routes to the next process, if there is one. Otherwise they are there to the end.
    pub(in crate::gateway) fn stop(&self) {
        self.stopped.cancel();
    }
}
