//! An app in memory: it takes the head of a request as the app of the configuration would get it, and gives an empty answer.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use pingora_core::{
    Result,
    connectors::L4Connect,
    protocols::l4::{
        socket::SocketAddr,
        stream::Stream,
        virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream},
    },
    upstreams::peer::HttpPeer,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The app. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct App(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    /// How much of the answer was read.
    answered: usize,
    waker: Option<Waker>,
}

impl App {
    /// How to reach it. Nothing is opened for that.
    pub(super) fn peer(&self) -> Box<HttpPeer> {
        let mut peer = HttpPeer::new("127.0.0.1:1", false, String::new());
        peer.options.custom_l4 = Some(Arc::new(self.clone()));
        peer.into()
    }

    /// The head of the request that it got.
    pub(super) fn head(&self) -> Option<Vec<u8>> {
        let received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = end_of_head(&received.bytes)?;
        Some(received.bytes[..end].to_vec())
    }
}

#[async_trait]
impl L4Connect for App {
    async fn connect(&self, _: &SocketAddr) -> Result<Stream> {
        Ok(VirtualSocketStream::new(Box::new(AppConnection(self.clone()))).into())
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App(redacted)")
    }
}

/// A connection to the app.
#[derive(Debug)]
struct AppConnection(App);

impl AsyncRead for AppConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut received = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if end_of_head(&received.bytes).is_none() {
            received.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let rest = &ANSWER[received.answered..];
        let count = rest.len().min(out.remaining());
        out.put_slice(&rest[..count]);
        received.answered += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AppConnection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut received = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The body is none of its business.
        if end_of_head(&received.bytes).is_none() {
            received.bytes.extend_from_slice(bytes);
        }
        received.waker.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl VirtualSocket for AppConnection {
    fn set_socket_option(&self, _: VirtualSockOpt) -> io::Result<()> {
        Ok(())
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END.len()).position(|window| window == END).map(|start| start + END.len())
}

const END: &[u8] = b"\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
