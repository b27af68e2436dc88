//! An app behind the edge that keeps every request as it came and answers 200.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::raw::Message;

/// The app; it stops when it is dropped.
pub struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Recorder {
    /// An app that answers `ok`.
    pub async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await
    }

    /// An app that gives one answer to everything.
    pub async fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::<Mutex<Vec<Message>>>::default();
        let task = tokio::spawn(accept(listener, answer, Arc::clone(&seen)));
        Self { address, seen, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Message> {
        self.seen.lock().expect("no holder panics").clone()
    }

    /// What came since the last time, and forgets it.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.seen.lock().expect("no holder panics"))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, answer: &'static str, seen: Arc<Mutex<Vec<Message>>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, answer, Arc::clone(&seen)));
    }
}

async fn serve(stream: TcpStream, answer: &'static str, seen: Arc<Mutex<Vec<Message>>>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(message)) = Message::read_buffered(&mut reader).await {
        seen.lock().expect("no holder panics").push(message);
        if reader.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
