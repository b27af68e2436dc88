//! The sockets of listeners: TCP, or Unix sockets in the file system.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{
    inherited::InheritedSockets,
    socket_file::{Occupied, SocketFile},
};
use crate::gateway::{config::ListenAddress, connections::ClientSocket};

/// A socket that was opened for a listener.
pub(in crate::gateway) struct OpenedSocket {
    pub(in crate::gateway) socket: ListeningSocket,
    /// Its address, with the port that the system chose for port 0.
    pub(in crate::gateway) address: ListenAddress,
    pub(in crate::gateway) successor: Successor,
}

/// Who gets the clients of an address after a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Successor {
    /// Nobody, or a process whose socket has taken the place of this one already.
    None,
    /// A process with the same socket and its queue: the service manager keeps it open.
    SameSocket,
    /// A process with a socket of its own for the same port.
    OtherSocket,
}

impl OpenedSocket {
    /// Takes the socket of the service manager for this address, or else binds one. With `reuse_port`, another process may be at
    /// the address, which keeps its clients until [`into_tokio`](ListeningSocket::into_tokio). It needs a tokio runtime.
    pub(in crate::gateway) fn open(
        address: &ListenAddress,
        inherited: &InheritedSockets,
        reuse_port: bool,
    ) -> io::Result<Self> {
        if let Some(socket) = inherited.socket(address) {
            return Ok(Self { socket: socket?, address: address.clone(), successor: Successor::SameSocket });
        }
        match address {
            ListenAddress::Tcp(address) => {
                let socket = bind_tcp(*address, reuse_port)?;
                let address = ListenAddress::Tcp(socket.local_addr()?);
                let successor = if reuse_port { Successor::OtherSocket } else { Successor::None };
                Ok(Self { socket: ListeningSocket::Tcp(socket), address, successor })
            }
            ListenAddress::Unix { path, mode } => {
                let occupied = if reuse_port { Occupied::TakePlace } else { Occupied::Refuse };
                let (file, socket) = SocketFile::bind(path, *mode, occupied)?;
                let socket = ListeningSocket::Unix(Some(file), socket);
                Ok(Self { socket, address: address.clone(), successor: Successor::None })
            }
        }
    }
}

fn bind_tcp(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    if !reuse_port {
        socket.listen(BACKLOG.into())?;
    }
    Ok(socket.into())
}

/// A socket that is bound.
pub(in crate::gateway) enum ListeningSocket {
    Tcp(TcpListener),
    /// The file is removed first: as long as the socket is open, no other gateway can take its place. Without a file, the service
    /// manager owns it.
    Unix(Option<SocketFile>, UnixListener),
}

impl ListeningSocket {
    /// Takes a connection that has come already.
    pub(in crate::gateway) fn accept_now(&self) -> io::Result<ClientSocket> {
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

    /// The socket for tokio. If another process is at the address, clients come to this socket from now on, too.
    pub(in crate::gateway) fn into_tokio(self) -> io::Result<AcceptingSocket> {
        Ok(match self {
            Self::Tcp(socket) => {
                let options = SockRef::from(&socket);
                if !options.is_listener()? {
                    options.listen(BACKLOG.into())?;
                }
                AcceptingSocket::Tcp(tokio::net::TcpListener::from_std(socket)?)
            }
            Self::Unix(mut file, socket) => {
                if let Some(file) = &mut file {
                    file.take_place()?;
                }
                AcceptingSocket::Unix(file, tokio::net::UnixListener::from_std(socket)?)
            }
        })
    }
}

/// A socket that accepts connections.
pub(in crate::gateway) enum AcceptingSocket {
    Tcp(tokio::net::TcpListener),
    /// The file is removed first, as above.
    Unix(Option<SocketFile>, tokio::net::UnixListener),
}

impl AcceptingSocket {
    /// Waits for a connection. The socket of the client leaves the runtime of this thread.
    pub(in crate::gateway) async fn accept(&self) -> io::Result<ClientSocket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok(ClientSocket::Tcp(socket.into_std()?, peer))
            }
            Self::Unix(_, listener) => Ok(ClientSocket::Unix(listener.accept().await?.0.into_std()?)),
        }
    }

    /// The socket without the runtime of this thread, so that it knows of each connection as soon as the system does.
    pub(in crate::gateway) fn into_std(self) -> io::Result<ListeningSocket> {
        Ok(match self {
            Self::Tcp(listener) => ListeningSocket::Tcp(listener.into_std()?),
            Self::Unix(file, listener) => ListeningSocket::Unix(file, listener.into_std()?),
        })
    }
}

impl AsFd for AcceptingSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(_, listener) => listener.as_fd(),
        }
    }
}

/// How many connections may wait to be accepted, if the system allows as many.
pub(in crate::gateway) const BACKLOG: u16 = 65_535;
