//! A real Redis server of a test's own, on a port of its own, which keeps nothing on disk.

mod certificate;
pub mod cluster;
pub mod endless;
pub mod parrot;
pub mod relay;
pub mod sentinel;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::port::Port;

/// A `redis-server`; it is killed when it is dropped.
pub struct Redis {
    child: Option<Child>,
    port: Port,
    tls: Option<Port>,
    settings: Vec<String>,
    folder: TempDir,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one that asks for a password.
    pub fn start_with_password(password: &str) -> Self {
        Self::start_with(&["--requirepass", password])
    }

    /// Starts one with settings of its own.
    pub fn start_with(settings: &[&str]) -> Self {
        let mut redis = Self::stopped();
        redis.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        redis.restart();
        redis
    }

    /// One that does not run yet.
    pub fn stopped() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        Self { child: None, port: Port::reserve(), tls: None, settings: Vec::new(), folder }
    }

    /// One that speaks TLS, and the authority that its certificate for `localhost` is from, as PEM.
    pub fn start_with_tls() -> (Self, String) {
        Self::start_with_certificate_for("localhost")
    }

    /// One that speaks TLS, and the authority that its certificate for a name is from, as PEM.
    pub fn start_with_certificate_for(name: &str) -> (Self, String) {
        let mut redis = Self::stopped();
        let authority = certificate::for_name(name, redis.folder.path());
        redis.settings = tls_settings(redis.folder.path());
        redis.tls = Some(Port::reserve());
        redis.restart();
        (redis, authority)
    }

    /// Starts the server, also after a stop, on its own port, and waits until it answers.
    pub fn restart(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.port().to_string(), "--save", "", "--appendonly", "no"]);
        command.args(["--repl-diskless-sync-delay", "0"]);
        self.tls.iter().for_each(|port| _ = command.arg("--tls-port").arg(port.address().port().to_string()));
        command.arg("--dir").arg(self.folder.path()).args(&self.settings);
        self.child = Some(start(&mut command, "Ready to accept connections"));
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.kill().expect("it runs");
        child.wait().expect("it was started");
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").arg(format!("-{name}")).arg(id).status().expect("kill is everywhere").success());
    }

    pub fn port(&self) -> u16 {
        self.port.address().port()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// One that also listens at a Unix socket, and the URL of that.
    pub fn start_with_socket() -> (Self, String) {
        let mut redis = Self::stopped();
        let socket = redis.folder.path().join("redis.sock").display().to_string();
        redis.settings = vec!["--unixsocket".to_owned(), socket.clone()];
        redis.restart();
        (redis, format!("unix:{socket}"))
    }

    pub fn url_with_password(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}", self.port())
    }

    /// The URL of its port for TLS.
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://{host}:{}", self.tls.as_ref().expect("it speaks TLS").address().port())
    }

    /// What it answers to a command, as `redis-cli` shows it.
    pub fn command(&self, words: &[&str]) -> String {
        let port = self.port().to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(words).output().expect("redis-cli is there");
        String::from_utf8(output.stdout).expect("it answers with text").trim_end().to_owned()
    }

    /// A number that it tells of itself, from a section of `INFO`.
    pub fn statistic(&self, section: &str, name: &str) -> u64 {
        number(&self.command(&["INFO", section]), name)
    }

    pub fn statistic_with_password(&self, password: &str, section: &str, name: &str) -> u64 {
        number(&self.command(&["-a", password, "INFO", section]), name)
    }

    /// The keys that it keeps.
    pub fn keys(&self) -> Vec<String> {
        self.command(&["KEYS", "*"]).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again until it is so; a test that waits for longer than this has failed.
pub async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("it becomes so in time");
}

/// What a server is started with, so that it speaks TLS with the files of a folder.
fn tls_settings(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let (certificate, key, authority) = (file("certificate.pem"), file("key.pem"), file("authority.pem"));
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority];
    files.iter().chain(&["--tls-auth-clients", "no"]).map(|word| (*word).to_owned()).collect()
}

/// Asks again until it is so, as [`until`] does, where nothing else has to go on meanwhile.
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("not in time: {what}");
}

/// Starts a server, and waits until it has logged that it is ready.
fn start(command: &mut Command, ready: &str) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("redis-server is installed: scripts/setup tests");
    let mut lines = BufReader::new(child.stdout.take().expect("its log is piped")).lines().map_while(Result::ok);
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.contains(ready)) {
        said.push(lines.next().unwrap_or_else(|| panic!("it has ended: {said:#?}")));
    }
    // A server whose log nobody reads stands still.
    thread::spawn(move || lines.for_each(drop));
    child
}

fn number(info: &str, name: &str) -> u64 {
    let rest = info.split_once(name).expect("it is told of").1.trim_start_matches([':', '=']);
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}
