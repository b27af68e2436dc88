//! The PROXY protocol, versions 1 and 2: the header in which a proxy of connections says which client it speaks for.
//!
//! A proxy sends it before everything else, also before TLS. `proxy-header` parses it, and has no way to read it from a socket
//! and nothing else. So we find its end ourselves: bytes behind it belong to TLS or HTTP.

#[cfg(any(test, fuzzing))]
#[path = "../../../fuzz/promises/proxy_header.rs"]
mod promise;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use pingora_core::{protocols::l4::socket::SocketAddr as Peer, server::ShutdownWatch};
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};

#[cfg(any(test, fuzzing))]
pub use self::promise::proxy_header as fuzz;
use super::{
    client_socket::RegisteredSocket,
    idle::{time_for_first_bytes, until_idle},
};
use crate::gateway::config::TrustedProxies;

/// Reads the PROXY headers of the connections of a listener.
pub(in crate::gateway) struct ProxyHeaders {
    /// The proxies that may send one.
    pub(in crate::gateway) trusted: TrustedProxies,
    /// How long it may take to come.
    pub(in crate::gateway) limit: Option<Duration>,
}

/// The reason why a connection without a client is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum ProxyHeaderError {
    /// The peer is no trusted proxy, so it may not speak for a client.
    Untrusted,
    /// What the proxy sent first is no header, or took too long.
    Malformed,
    /// The peer left before it sent anything, or the gateway stops.
    Silent,
}

impl ProxyHeaders {
    /// Reads the header of a connection, and returns the client. It is none if the proxy speaks for itself, or does not know.
    ///
    /// # Errors
    ///
    /// When the connection has to be closed.
    pub(super) async fn client(
        &self,
        socket: &mut RegisteredSocket,
        shutdown: &ShutdownWatch,
    ) -> Result<Option<Peer>, ProxyHeaderError> {
        let reading = async {
            match socket {
                RegisteredSocket::Tcp(socket, peer) => self.client_behind(Some(peer.ip()), socket).await,
                RegisteredSocket::Unix(socket) => self.client_behind(None, socket).await,
            }
        };
        let limited = async {
            match self.limit {
                Some(limit) => timeout(limit, reading).await.unwrap_or(Err(ProxyHeaderError::Malformed)),
                None => reading.await,
            }
        };
        let time = time_for_first_bytes(shutdown);
        let client = until_idle(limited, || true, || time, shutdown).await;
        let client = client.unwrap_or(Err(ProxyHeaderError::Silent))?;
        Ok(client.map(Peer::Inet))
    }

    /// Reads the header of a connection from a peer, which has no address on a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`client`](Self::client).
    pub(in crate::gateway) async fn client_behind(
        &self,
        peer: Option<IpAddr>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<SocketAddr>, ProxyHeaderError> {
        let is_trusted = peer.map_or(self.trusted.contain_unix(), |peer| self.trusted.contains(peer));
        if is_trusted { read(stream).await } else { Err(ProxyHeaderError::Untrusted) }
    }
}

/// Reads a header, and no byte behind it.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let malformed = |_: io::Error| ProxyHeaderError::Malformed;
    let mut header = vec![stream.read_u8().await.map_err(|_| ProxyHeaderError::Silent)?];
    header.resize(SHORTEST, 0);
    stream.read_exact(&mut header[1..]).await.map_err(malformed)?;
    if header.starts_with(SIGNATURE) {
        header.push(stream.read_u8().await.map_err(malformed)?);
        let rest = usize::from(u16::from_be_bytes([header[SHORTEST - 1], header[SHORTEST]]));
        if rest > LONGEST_REST {
            return Err(ProxyHeaderError::Malformed);
        }
        let start = header.len();
        header.resize(start + rest, 0);
        stream.read_exact(&mut header[start..]).await.map_err(malformed)?;
    } else if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\n") {
            if header.len() == LONGEST_LINE {
                return Err(ProxyHeaderError::Malformed);
            }
            // A line has no length in front, and is short.
            header.push(stream.read_u8().await.map_err(malformed)?);
        }
    } else {
        return Err(ProxyHeaderError::Malformed);
    }
    parse(&header).ok_or(ProxyHeaderError::Malformed)
}

/// The client that a whole header names; none if it is malformed.
fn parse(header: &[u8]) -> Option<Option<SocketAddr>> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let (parsed, length) = ProxyHeader::parse(header, config).ok()?;
    if length != header.len() {
        return None;
    }
    match parsed.proxied_address() {
        None => Some(None),
        // Datagrams do not come over a connection.
        Some(address) => (address.protocol == Protocol::Stream).then_some(Some(address.source)),
    }
}

/// How a header of version 2 starts.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// No header is shorter than `PROXY UNKNOWN` with its line end. One of version 2 has 16 bytes, and then as many as its last two
/// say.
const SHORTEST: usize = 15;
/// A line of version 1, with its line end.
const LONGEST_LINE: usize = 107;
/// Addresses take 216 bytes at most; the rest is for what proxies add, such as the name of a TLS client.
const LONGEST_REST: usize = 4096;

#[cfg(test)]
mod tests;
