//! Sockets that a service manager has opened for the gateway, such as systemd for the unit `truegate.socket`.
//!
//! The service manager keeps them open between two processes, so no client is refused meanwhile.

use std::{
    env, io,
    net::TcpListener,
    os::{fd::AsFd, unix::net::UnixListener},
};

use listenfd::ListenFd;
use socket2::SockRef;

use super::sockets::ListeningSocket;
use crate::gateway::config::{Config, ListenAddress};

/// The sockets that the process got at its start.
#[derive(Default)]
pub(crate) struct InheritedSockets(Vec<InheritedSocket>);

struct InheritedSocket {
    /// The permissions in it mean nothing.
    address: ListenAddress,
    socket: Socket,
    /// What the service manager calls it, if it has told.
    name: Option<String>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl InheritedSockets {
    /// No sockets.
    pub(in crate::gateway) fn none() -> Self {
        Self(Vec::new())
    }

    /// Takes over all sockets that can be listened on, and logs every other descriptor.
    pub(in crate::gateway) fn of(mut passed: ListenFd) -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let name = names.next().filter(|name| !name.is_empty());
            match take(&mut passed, index) {
                Ok((address, socket)) => sockets.push(InheritedSocket { address, socket, name }),
                Err(error) => tracing::warn!(
                    descriptor = FIRST_DESCRIPTOR + index, name, %error,
                    "the service manager passed a descriptor that nothing can listen on"
                ),
            }
        }
        Self(sockets)
    }

    /// The socket at an address, if the service manager opened one there. It is another descriptor each time.
    pub(in crate::gateway) fn socket(&self, address: &ListenAddress) -> Option<io::Result<ListeningSocket>> {
        self.0.iter().find(|inherited| inherited.is_at(address)).map(InheritedSocket::duplicate)
    }

    /// Logs each socket that no listener of a configuration gets. Clients can connect to it, and wait in vain.
    pub(in crate::gateway) fn warn_of_unused(&self, config: &Config) {
        let admin = ListenAddress::Tcp(config.admin.listen);
        let wanted = || config.listen.iter().map(|listener| &listener.address).chain([&admin]);
        for (index, inherited) in self.0.iter().enumerate() {
            let is_first = !self.0[..index].iter().any(|earlier| earlier.is_at(&inherited.address));
            if !is_first || !wanted().any(|address| inherited.is_at(address)) {
                tracing::warn!(
                    address = %inherited.address, name = inherited.name,
                    "the service manager opened a socket at an address that neither `listen` nor `admin.listen` has, or twice"
                );
            }
        }
    }
}

impl InheritedSocket {
    fn is_at(&self, address: &ListenAddress) -> bool {
        match (&self.address, address) {
            (ListenAddress::Unix { path: own, .. }, ListenAddress::Unix { path, .. }) => own == path,
            (own, address) => own == address,
        }
    }

    fn duplicate(&self) -> io::Result<ListeningSocket> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Ok(ListeningSocket::Tcp(socket))
            }
            Socket::Unix(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Ok(ListeningSocket::Unix(None, socket))
            }
        }
    }
}

fn take(passed: &mut ListenFd, index: usize) -> io::Result<(ListenAddress, Socket)> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    if let Ok(socket) = passed.take_tcp_listener(index) {
        let socket = socket.ok_or_else(gone)?;
        refuse_silent(&socket)?;
        return Ok((ListenAddress::Tcp(socket.local_addr()?), Socket::Tcp(socket)));
    }
    let socket = passed.take_unix_listener(index)?.ok_or_else(gone)?;
    refuse_silent(&socket)?;
    let address = socket.local_addr()?;
    let path = address.as_pathname().ok_or_else(|| io::Error::other("it is at no path"))?.to_owned();
    Ok((ListenAddress::Unix { path, mode: 0 }, Socket::Unix(socket)))
}

/// Refuses a socket that does not listen, such as a connection that the service manager has accepted itself (`Accept=yes`).
fn refuse_silent(socket: &impl AsFd) -> io::Result<()> {
    if SockRef::from(socket).is_listener()? { Ok(()) } else { Err(io::Error::other("it does not listen")) }
}

const FIRST_DESCRIPTOR: usize = 3;
