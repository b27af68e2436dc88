//! The connection of a client that has sent one request, and that exists in memory alone.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest, UniqueID,
    UniqueIDType, l4::socket::SocketAddr as Peer, raw_connect::ProxyDigest, tls::SslDigest,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a client sends and gets. Clones are ends of the same connection.
#[derive(Clone)]
pub(super) struct ClientBytes(Arc<Mutex<State>>);

struct State {
    sent: Vec<u8>,
    read: usize,
    got: Vec<u8>,
    /// Whether a request of the client is being served, which may wait for the rest of its body.
    is_served: bool,
    waker: Option<Waker>,
}

/// The gateway's end of the connection.
pub(super) struct ClientConnection {
    bytes: ClientBytes,
    digest: Arc<SocketDigest>,
    tls: Option<Arc<SslDigest>>,
}

impl ClientBytes {
    pub(super) fn new(sent: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { sent, read: 0, got: Vec::new(), is_served: false, waker: None })))
    }

    /// The gateway's end, as if it came from this address.
    pub(super) fn connect(&self, client: Option<Peer>, is_tls: bool) -> ClientConnection {
        // There is no descriptor that could be asked.
        let digest = SocketDigest::from_raw_fd(-1);
        let _ = digest.peer_addr.set(client);
        let tls =
            is_tls.then(|| Arc::new(SslDigest::new("TLS13_AES_256_GCM_SHA384", "TLSv1_3", None, None, Vec::new())));
        ClientConnection { bytes: self.clone(), digest: Arc::new(digest), tls }
    }

    /// What the gateway has not read yet.
    pub(super) fn unread(&self) -> Vec<u8> {
        let state = self.state();
        state.sent[state.read..].to_vec()
    }

    /// What the client got.
    pub(super) fn got(&self) -> Vec<u8> {
        self.state().got.clone()
    }

    /// Says whether a request is being served.
    pub(super) fn set_served(&self, is_served: bool) {
        let mut state = self.state();
        state.is_served = is_served;
        state.waker.take().into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the client would wait for an answer: it is there until its request was answered, so that nobody takes it for gone.
    fn waits(&self) -> bool {
        let has_answer = !self.got.is_empty() && !self.got.starts_with(INTERIM);
        self.is_served && !has_answer
    }
}

impl AsyncRead for ClientConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.bytes.state();
        let count = out.remaining().min(state.sent.len() - state.read);
        if count == 0 && state.waits() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        out.put_slice(&state.sent[state.read..state.read + count]);
        state.read += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientConnection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.bytes.state();
        state.got.extend_from_slice(bytes);
        state.waker.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Shutdown for ClientConnection {
    async fn shutdown(&mut self) {}
}

impl UniqueID for ClientConnection {
    fn id(&self) -> UniqueIDType {
        0
    }
}

impl Ssl for ClientConnection {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.tls.clone()
    }
}

impl GetTimingDigest for ClientConnection {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for ClientConnection {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for ClientConnection {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        Some(Arc::clone(&self.digest))
    }
}

impl Peek for ClientConnection {}

redacted!(ClientConnection);

/// An address as pingora knows it.
pub(super) fn peer(address: SocketAddr) -> Peer {
    Peer::Inet(address)
}

/// How an answer begins that is not the last one.
const INTERIM: &[u8] = b"HTTP/1.1 1";
