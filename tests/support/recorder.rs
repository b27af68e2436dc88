//! An app behind the edge that keeps every request as it came and answers 200.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, BufReader, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{port::Port, raw::Message};

/// The app; it stops when it is dropped.
pub struct Recorder {
    port: Port,
    seen: Seen,
    task: JoinSet<()>,
}

impl Recorder {
    /// An app that answers `ok`.
    pub async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await
    }

    /// An app that gives one answer to everything.
    pub async fn answering(answer: &'static str) -> Self {
        let port = Port::reserve();
        let listener = TcpListener::bind(port.address()).await.expect("the port is reserved");
        let seen = Seen::default();
        let mut task = JoinSet::new();
        task.spawn(accept(listener, answer, seen.clone()));
        Self { port, seen, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Message> {
        self.seen.messages.lock().expect("no holder panics").clone()
    }

    /// What came since the last time, and forgets it.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.seen.messages.lock().expect("no holder panics"))
    }

    /// The bytes that came since the last time, be they a whole request or not, and forgets them.
    pub fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.seen.bytes.lock().expect("no holder panics"))
    }

    /// Closes the listener and all connections. Nobody else listens there later.
    pub async fn stop(&mut self) {
        self.task.shutdown().await;
    }
}

#[derive(Clone, Default)]
struct Seen {
    messages: Arc<Mutex<Vec<Message>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

async fn accept(listener: TcpListener, answer: &'static str, seen: Seen) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, answer, seen.clone()));
    }
}

async fn serve(stream: TcpStream, answer: &'static str, seen: Seen) {
    let (reading, mut writing) = stream.into_split();
    let mut reader = BufReader::new(Wiretap { inner: reading, bytes: seen.bytes });
    while let Ok(Some(message)) = Message::read_buffered(&mut reader).await {
        seen.messages.lock().expect("no holder panics").push(message);
        if writing.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Keeps every byte that is read.
struct Wiretap<R> {
    inner: R,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Wiretap<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.bytes.lock().expect("no holder panics").extend_from_slice(&buffer.filled()[start..]);
        Poll::Ready(Ok(()))
    }
}
