//! Ports for those who must know theirs before they listen, and for those who must find nobody there.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of `127.0.0.1` that nobody else is given while this is kept.
///
/// A program can listen there, for it reuses addresses, and can do so again after it has ended. Whoever connects before or
/// after is refused.
pub struct Port {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("a socket can be set up");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        Self { address: socket.local_addr().expect("a bound socket has an address"), _socket: socket }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
