//! A client that keeps its connection.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::raw::{Message, within};

pub struct Client(BufReader<TcpStream>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.expect("the edge listens")))
    }

    /// Sends bytes; a peer that has closed shows when its answer is read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.sends(bytes).await;
    }

    /// Sends, and says whether the connection took it.
    pub async fn sends(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Reads the next message; `None` when the connection is closed instead.
    pub async fn read(&mut self) -> Option<Message> {
        within(Message::read_buffered(&mut self.0)).await.ok().flatten()
    }

    /// Reads this many bytes; `None` when the connection is closed before.
    pub async fn read_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        within(self.0.read_exact(&mut bytes)).await.ok().map(|_| bytes)
    }

    /// Reads every message until the connection is closed.
    pub async fn read_all(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.read().await {
            messages.push(message);
        }
        messages
    }

    /// Says that there is nothing more to send.
    pub async fn finish(&mut self) {
        let _ = self.0.shutdown().await;
    }
}
