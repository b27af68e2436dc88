//! The sockets of listeners: TCP, or Unix sockets in the file system.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
};

use tokio::net::TcpSocket;

use super::{
    client_socket::ClientSocket,
    config::ListenAddress,
    socket_file::{self, SocketFile},
};

/// A socket that is bound and listens.
pub(super) enum ListeningSocket {
    Tcp(TcpListener),
    /// The file is removed first: as long as the socket is open, no other gateway can take its place.
    Unix(SocketFile, UnixListener),
}

impl ListeningSocket {
    /// Binds the socket, and returns its address with the port that the system chose for port 0. It needs a tokio runtime.
    pub(super) fn bind(address: &ListenAddress) -> io::Result<(Self, ListenAddress)> {
        match address {
            ListenAddress::Tcp(address) => {
                let (socket, address) = bind_tcp(*address)?;
                Ok((Self::Tcp(socket), ListenAddress::Tcp(address)))
            }
            ListenAddress::Unix { path, mode } => {
                let (file, socket) = socket_file::bind(path, *mode)?;
                Ok((Self::Unix(file, socket), address.clone()))
            }
        }
    }

    /// Takes a connection that has come already.
    pub(super) fn accept_now(&self) -> io::Result<ClientSocket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok(ClientSocket::Tcp(socket, peer))
            }
            Self::Unix(_, listener) => {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok(ClientSocket::Unix(socket))
            }
        }
    }

    /// The socket for tokio.
    pub(super) fn into_tokio(self) -> io::Result<AcceptingSocket> {
        Ok(match self {
            Self::Tcp(socket) => AcceptingSocket::Tcp(tokio::net::TcpListener::from_std(socket)?),
            Self::Unix(file, socket) => AcceptingSocket::Unix(file, tokio::net::UnixListener::from_std(socket)?),
        })
    }
}

/// Binds a socket for TCP, and returns its address. It needs a tokio runtime.
pub(super) fn bind_tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?.into_std()?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A socket that accepts connections.
pub(super) enum AcceptingSocket {
    Tcp(tokio::net::TcpListener),
    /// The file is removed first, as above.
    Unix(SocketFile, tokio::net::UnixListener),
}

impl AcceptingSocket {
    /// Waits for a connection. The socket of the client leaves the runtime of this thread.
    pub(super) async fn accept(&self) -> io::Result<ClientSocket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok(ClientSocket::Tcp(socket.into_std()?, peer))
            }
            Self::Unix(_, listener) => Ok(ClientSocket::Unix(listener.accept().await?.0.into_std()?)),
        }
    }

    /// The socket without the runtime of this thread, so that it knows of each connection as soon as the system does.
    pub(super) fn into_std(self) -> io::Result<ListeningSocket> {
        Ok(match self {
            Self::Tcp(listener) => ListeningSocket::Tcp(listener.into_std()?),
            Self::Unix(file, listener) => ListeningSocket::Unix(file, listener.into_std()?),
        })
    }
}

/// How many connections may wait to be accepted, if the system allows as many.
pub(super) const BACKLOG: u32 = 65_535;
