//! Programs of other people that a test starts: an app, or a proxy.

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use super::port::Port;

/// A program that listens on a port of the test's choice; it is killed when it is dropped, and what it started with it.
pub struct Server {
    child: Child,
    port: Port,
    folder: TempDir,
}

impl Server {
    /// Starts a program in its folder, and waits until it listens.
    pub async fn start(mut command: Command, port: Port, folder: TempDir) -> Self {
        command.current_dir(folder.path()).process_group(0).stdin(Stdio::null());
        let log = std::fs::File::create(folder.path().join("server.log")).expect("the folder is ours");
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut server = Self { child, port, folder };
        server.wait_until_it_listens().await;
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Signals the program, and its children in its group.
    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }

    async fn wait_until_it_listens(&mut self) {
        let listens = async {
            while TcpStream::connect(self.port.address()).await.is_err() {
                let ended = self.child.try_wait().expect("a child can be asked");
                assert!(ended.is_none(), "it has ended with {ended:?}: {}", self.log());
                sleep(PAUSE).await;
            }
        };
        let started = timeout(PATIENCE, listens).await;
        assert!(started.is_ok(), "it does not listen: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        // JupyterHub's proxy is in a group of its own, and only the hub can end it.
        self.signal("-TERM");
        for _ in 0..LOOKS {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        self.signal("-KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some apps are slow to start, and the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(15);
/// How often to look whether a program has ended by itself: for five seconds.
const LOOKS: u32 = 250;
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(20);
