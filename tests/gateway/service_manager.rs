//! What the program tells a service manager, in the protocol of systemd.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::UnixDatagram, time::timeout};

use super::{
    setup,
    support::{
        program::Program,
        raw::{self, within},
        recorder::Recorder,
    },
};

/// A service manager that listens.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { folder, socket }
    }

    /// The program with a configuration, as a service of this one.
    fn command(&self, folder: &TempDir, config: &str) -> Command {
        let mut command = setup::command(folder, config);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify")).env_remove("WATCHDOG_PID");
        command
    }

    /// The next message, by its lines.
    async fn told(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = within(self.socket.recv(&mut message)).await.unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_service_manager_is_told_of_the_start_of_a_reload_and_of_the_stop() {
    let (manager, app, folder) = (Manager::new(), Recorder::start().await, TempDir::new().unwrap());
    let config = format!(
        "listen: [127.0.0.1:0, unix:a.sock]\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: shop\n\
         upstreams: {{ shop: 'http://{0}', wiki: 'http://{0}' }}\nshutdown_grace: 30s\n",
        app.address()
    );
    let program = Program::start(manager.command(&folder, &config), folder);
    let (address, path) = (program.address(), program.folder().join("a.sock"));
    let status = format!("STATUS=listening on [{address}, unix:{}]; apps: shop, wiki", path.display());
    let ready = ["READY=1", &status];

    assert_eq!(manager.told().await, ready);
    assert_eq!(raw::exchange(address, raw::get("/", "")).await.unwrap().status(), 200);

    program.signal("HUP");
    let reloading = manager.told().await;
    assert_eq!(reloading.len(), 2);
    assert_eq!(reloading[0], "RELOADING=1");
    let since: u64 = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(since > 0);
    assert_eq!(manager.told().await, ready);

    program.signal("TERM");
    let stopping = manager.told().await;
    assert_eq!(stopping[0], "STOPPING=1");
    let at_most: u64 = stopping[1].strip_prefix("EXTEND_TIMEOUT_USEC=").unwrap().parse().unwrap();
    assert!((30_000_000..60_000_000).contains(&at_most), "{at_most}");
    assert!(stopping[2].starts_with("STATUS="));
    assert!(setup::ended(program).await.0.success());
}

#[tokio::test]
async fn a_service_manager_that_is_gone_stops_nothing() {
    let (manager, app, folder) = (Manager::new(), Recorder::start().await, TempDir::new().unwrap());
    let command = manager.command(&folder, &setup::config(app.address()));
    drop(manager);
    let program = Program::start(command, folder);
    program.told(&["the service manager cannot be told"], 1).await;
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);
    program.signal("TERM");
    assert!(setup::ended(program).await.0.success());
}

/// A program of which single threads can be stopped. It is killed when this is dropped.
struct Stoppable(Child);

impl Stoppable {
    fn start(command: &Command) -> Self {
        let mut script = Command::new("/usr/bin/python3");
        script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/stoppable.py"));
        script.arg(command.get_program()).args(command.get_args());
        script.env_remove("WATCHDOG_PID").envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self(script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Stops a thread, or lets it go on.
    fn toggle(&mut self, thread: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{thread}").unwrap();
        let mut done = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut done).unwrap();
        assert_eq!(done, "done\n");
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_watchdog_is_reassured_as_long_as_no_thread_is_stuck() {
    let (manager, app, folder) = (Manager::new(), Recorder::start().await, TempDir::new().unwrap());
    let config = setup::config(app.address()) + "server: { threads: 3 }\n";
    let mut command = manager.command(&folder, &config);
    command.env("WATCHDOG_USEC", "20000");
    let mut program = Stoppable::start(&command);
    assert_eq!(manager.told().await[0], "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.told().await, ["WATCHDOG=1"]);
    }

    for thread in ["worker-0", "worker-2", "truegate"] {
        program.toggle(thread);
        within(async { while timeout(SILENCE, manager.told()).await.is_ok() {} }).await;
        program.toggle(thread);
        assert_eq!(manager.told().await, ["WATCHDOG=1"], "{thread}");
    }
}

/// Much longer than the time between two messages.
const SILENCE: Duration = Duration::from_millis(500);
