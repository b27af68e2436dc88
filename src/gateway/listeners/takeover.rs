//! How a port goes over from one process to the next, if each has a socket of its own for it (`SO_REUSEPORT` of Linux).
//!
//! Linux spreads new connections over the sockets of a port. When one of the sockets is closed, Linux resets the connections in its
//! queue, and those whose handshake has begun with it. So before it is closed, a socket must get no new ones, and those that it has
//! must have come.

use std::{io, os::fd::AsFd, time::Duration};

use nix::{
    libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, sock_filter, sock_fprog},
    sys::socket::{setsockopt, sockopt::AttachReusePortCbpf},
};
use socket2::{SockFilter, SockRef};

/// Lets no new connection come to a socket, as far as another socket of the port can take it. Handshakes that have begun may end,
/// for which [`HANDSHAKES`] is the time.
pub(in crate::gateway) fn begin(socket: &impl AsFd) {
    let steered = steer(socket, NEWER);
    // Where there are more processes than two, or the newer one is the first to stop, new connections may still be meant for this
    // socket. Clients repeat a packet that opens one after a second, and by then this socket is closed.
    let filtered = SockRef::from(socket).attach_filter(&WITHOUT_NEW_CONNECTIONS);
    if let Err(error) = steered.and(filtered) {
        tracing::warn!(%error, "new connections cannot be left to the next process; the last ones may be lost");
    }
}

/// Lets Linux choose again among the sockets of the port. To be called right before this one is closed.
pub(in crate::gateway) fn end(socket: &impl AsFd) {
    let _ = steer(socket, ANY);
}

/// Has new connections go to the socket with this number, among those of the port in the order in which they came. If there is none,
/// they go to any.
fn steer(socket: &impl AsFd, number: u32) -> io::Result<()> {
    let mut program = [sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k: number }];
    let program = sock_fprog { len: 1, filter: program.as_mut_ptr() };
    Ok(setsockopt(socket, AttachReusePortCbpf, &program)?)
}

/// The number of the newer of two.
const NEWER: u32 = 1;
const ANY: u32 = u32::MAX;

/// Drops each packet with SYN and without ACK, by the byte 13 of the header of TCP (RFC 9293 §3.1).
const WITHOUT_NEW_CONNECTIONS: [SockFilter; 5] = [
    SockFilter::new((BPF_LD | BPF_B | BPF_ABS) as u16, 0, 0, 13),
    SockFilter::new((BPF_ALU | BPF_AND | BPF_K) as u16, 0, 0, SYN | ACK),
    SockFilter::new((BPF_JMP | BPF_JEQ | BPF_K) as u16, 0, 1, SYN),
    SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, 0),
    SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, u32::MAX),
];
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;

/// How long a socket waits for handshakes that have begun. Clients whose packets it drops repeat them after a second, and must not
/// find it then.
pub(in crate::gateway) const HANDSHAKES: Duration = Duration::from_millis(800);

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use super::*;

    /// So many sockets of one port, which do not block.
    fn sockets<const COUNT: usize>() -> ([TcpListener; COUNT], SocketAddr) {
        let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
        let sockets = std::array::from_fn(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_reuse_port(true).unwrap();
            socket.bind(&address.into()).unwrap();
            socket.listen(100).unwrap();
            socket.set_nonblocking(true).unwrap();
            let socket = TcpListener::from(socket);
            address = socket.local_addr().unwrap();
            socket
        });
        (sockets, address)
    }

    fn accepted(socket: &TcpListener) -> usize {
        std::iter::from_fn(|| socket.accept().ok()).count()
    }

    #[test]
    fn new_connections_go_to_the_newer_process_and_those_of_before_stay() {
        let ([old, new], address) = sockets();
        let before: Vec<_> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
        begin(&old);
        let after: Vec<_> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();

        let (of_old, of_new) = (accepted(&old), accepted(&new));
        assert_eq!(of_old + of_new, before.len() + after.len());
        assert!((1..before.len()).contains(&of_old), "{of_old} of those of before");

        end(&old);
        drop(old);
        let _late = TcpStream::connect(address).unwrap();
        assert_eq!(accepted(&new), 1);
    }

    /// As when an upgrade is taken back.
    #[test]
    fn the_newer_process_may_be_the_first_to_stop() {
        let ([old, new], address) = sockets();
        begin(&new);
        let clients: [_; 8] = std::array::from_fn(|_| {
            let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            // It goes on in the background.
            client.connect(&address.into()).unwrap_err();
            client
        });
        assert_eq!(accepted(&new), 0);
        end(&new);
        drop(new);

        old.set_nonblocking(false).unwrap();
        for _ in &clients {
            old.accept().unwrap();
        }
    }
}
