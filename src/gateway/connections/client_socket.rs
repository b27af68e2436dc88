//! The sockets of clients, between the thread that accepts them and the one that serves them.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
};

use pingora_core::protocols::l4::{socket::SocketAddr as Peer, stream::Stream};

/// A socket of a client, which does not block and is in no runtime.
pub(in crate::gateway) enum ClientSocket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl ClientSocket {
    /// The socket in the runtime of this thread. A client may be gone by now, and its socket with it.
    pub(super) fn register(self) -> io::Result<RegisteredSocket> {
        match self {
            Self::Tcp(socket, peer) => {
                socket.set_nodelay(true)?;
                Ok(RegisteredSocket::Tcp(tokio::net::TcpStream::from_std(socket)?, peer))
            }
            Self::Unix(socket) => Ok(RegisteredSocket::Unix(tokio::net::UnixStream::from_std(socket)?)),
        }
    }
}

/// A socket of a client in the runtime of a thread.
pub(super) enum RegisteredSocket {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

impl RegisteredSocket {
    /// The address of the client, which has no name on a Unix socket. Returns none if the client is gone.
    pub(super) fn peer(&self) -> Option<Peer> {
        match self {
            Self::Tcp(_, peer) => Some(Peer::Inet(*peer)),
            Self::Unix(socket) => Some(Peer::Unix(socket.peer_addr().ok()?.into())),
        }
    }

    /// Waits until the client has sent something, or is gone. A socket that is broken fails again when it is read.
    pub(super) async fn readable(&self) {
        let _ = match self {
            Self::Tcp(socket, _) => socket.readable().await,
            Self::Unix(socket) => socket.readable().await,
        };
    }

    /// The socket for pingora, and its descriptor.
    pub(super) fn into_stream(self) -> (Stream, RawFd) {
        match self {
            Self::Tcp(socket, _) => {
                let descriptor = socket.as_raw_fd();
                (socket.into(), descriptor)
            }
            Self::Unix(socket) => {
                let descriptor = socket.as_raw_fd();
                (socket.into(), descriptor)
            }
        }
    }
}
