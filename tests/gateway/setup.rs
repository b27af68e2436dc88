//! Configurations, and connections that a test plays step by step.

use std::{
    net::SocketAddr,
    process::{Command, ExitStatus, Stdio},
    thread,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use truegate::simulator::Simulator;

use super::support::{
    program::Program,
    raw::{Message, within},
};

/// The path of the callback, where a configuration names the simulator.
pub(crate) const CALLBACK: &str = "/hooks/unguessable-4f1c9e07ab52d8364bf1";

/// A configuration of one plain listener in front of an app.
pub(crate) fn config(upstream: SocketAddr) -> String {
    format!("listen: 127.0.0.1:0\n{}", config_without_listener(upstream))
}

pub(crate) fn config_without_listener(upstream: SocketAddr) -> String {
    format!("admin: {{ listen: 127.0.0.1:0 }}\nupstream: http://{upstream}\n")
}

/// The part of a configuration that makes a simulator Truecaller. The deadline is long, for machines that are busy.
pub(crate) fn truecaller(simulator: &Simulator) -> String {
    let endpoint = simulator.endpoint();
    format!("callback: {{ path: {CALLBACK}, deadline: 20s }}\ntruecaller: {{ endpoints: ['{endpoint}'] }}\n")
}

/// The program with a configuration, not started yet.
pub(crate) fn command(folder: &TempDir, config: &str) -> Command {
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.arg("serve").arg("--config").arg(path).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// The end of a program, and its log; the test goes on meanwhile.
pub(crate) async fn ended(program: Program) -> (ExitStatus, Vec<String>) {
    let (end, ended) = oneshot::channel();
    thread::spawn(move || drop(end.send(program.wait())));
    within(ended).await.unwrap()
}

/// One end of a connection.
pub(crate) struct Talk<S>(BufReader<S>);

impl Talk<TcpStream> {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        Self::over(within(listener.accept()).await.unwrap().0)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads up to this text, and gives what came before it.
    pub(crate) async fn hear(&mut self, end: &str) -> String {
        let (heard, whole) = self.listen(end).await;
        assert!(whole, "no {end:?} in {heard:?}");
        heard.strip_suffix(end).unwrap_or_default().to_owned()
    }

    /// Reads up to this text, unless the connection ends before.
    pub(crate) async fn hears(&mut self, end: &str) -> bool {
        self.listen(end).await.1
    }

    /// Reads so many bytes, or fewer if the connection ends before.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = within((&mut self.0).take(count as u64).read_to_end(&mut bytes)).await;
        bytes
    }

    async fn listen(&mut self, end: &str) -> (String, bool) {
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            let Ok(byte) = within(self.0.read_u8()).await else { break };
            heard.push(byte);
        }
        let whole = heard.ends_with(end.as_bytes());
        (String::from_utf8_lossy(&heard).into_owned(), whole)
    }

    /// Reads a whole message.
    pub(crate) async fn message(&mut self) -> Message {
        within(Message::read_buffered(&mut self.0)).await.unwrap().expect("a message")
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A connection that is reset is over, too.
        let _ = within(self.0.read_to_end(&mut rest)).await;
        rest
    }
}
