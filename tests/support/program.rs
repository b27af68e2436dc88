//! The real program, started with a configuration of the test's own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::sleep;

use super::raw::within;

/// A `truegate serve` that runs; it is killed when it is dropped.
pub struct Program {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
    admin: SocketAddr,
    folder: TempDir,
}

impl Program {
    /// Starts with a configuration, and waits until it listens. Ports are best 0, on 127.0.0.1.
    pub fn serve(config: &str) -> Self {
        Self::serve_from(tempfile::tempdir().expect("a folder for the configuration"), config)
    }

    /// Starts with a configuration that names files of a folder.
    pub fn serve_from(folder: TempDir, config: &str) -> Self {
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, config).expect("the folder can be written to");
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.arg("serve").arg("--config").arg(&path).env_remove("RUST_LOG").stdin(Stdio::null());
        Self::start(command, folder)
    }

    /// Starts a command that logs as `serve` does, and waits until it says that it has started.
    pub fn start(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let started = loop {
            let Some(Ok(line)) = lines.next() else { panic!("not started: {:#?}", log.lock()) };
            log.lock().expect("no holder panics").push(line.clone());
            match serde_json::from_str::<serde_json::Value>(&line) {
                Ok(event) if event["message"] == "started" => break event,
                _ => {}
            }
        };
        let keep = Arc::clone(&log);
        let reader = thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| keep.lock().expect("no holder panics").push(line));
        });
        let text = |key: &str| started[key].as_str().expect("an address").to_owned();
        let listen = text("listen");
        let addresses = listen.strip_prefix('[').and_then(|list| list.strip_suffix(']')).expect("a list").split(", ");
        let ports = addresses.filter(|address| !address.starts_with("unix:"));
        let addresses = ports.map(|address| address.parse().expect("an address"));
        Self {
            addresses: addresses.collect(),
            admin: text("admin").parse().expect("an address"),
            child,
            log,
            reader: Some(reader),
            folder,
        }
    }

    /// Where requests come in.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where requests come in, one for each listener that has a port.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The folder of the configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How much memory it takes, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a program takes memory");
        1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    }

    /// The names of its threads.
    pub fn threads(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        names.map(|name| name.trim_end().to_owned()).collect()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill is everywhere").success());
    }

    /// Gives it another configuration, and asks for that. Returns the line that tells how that ended. No hangup of before may still
    /// be on its way: its end would be taken for this one.
    pub async fn reload(&self, config: &str) -> serde_json::Value {
        std::fs::write(self.folder().join("config.yaml"), config).expect("the folder can be written to");
        let is_end = |line: &&String| RELOADS.iter().any(|message| line.contains(message));
        let ends = || self.log().iter().filter(is_end).cloned().collect::<Vec<_>>();
        let before = ends().len();
        self.signal("HUP");
        let end = within(async {
            loop {
                if let Some(line) = ends().get(before) {
                    return line.clone();
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
        serde_json::from_str(&end.await).expect("a line of JSON")
    }

    /// The same, for a configuration that is put in force.
    pub async fn reloaded(&self, config: &str) {
        let end = self.reload(config).await;
        assert_eq!(end["message"], "reloaded", "{:#?}", self.log());
    }

    /// Waits for the end, and gives the whole log.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().expect("the program was started");
        self.reader.take().expect("nobody waited before").join().expect("the log is read to its end");
        (status, self.log())
    }

    /// The lines with all of these words, once there are as many. A line comes a moment after what it tells of.
    pub async fn told(&self, words: &[&str], count: usize) -> Vec<String> {
        let is_meant = |line: &String| words.iter().all(|word| line.contains(word));
        let lines = || self.log().into_iter().filter(is_meant).collect::<Vec<_>>();
        within(async {
            while lines().len() < count {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        lines()
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no holder panics").clone()
    }
}

/// How a reload ends.
const RELOADS: [&str; 2] = [r#""message":"reloaded""#, r#""message":"not reloaded"#];

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
