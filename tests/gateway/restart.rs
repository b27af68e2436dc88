//! A restart loses no request: one process hands its addresses over to the next.

use std::{
    fs,
    net::{SocketAddr, TcpListener as StdListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use command_fds::{CommandFdExt as _, FdMapping};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    task::{JoinSet, yield_now},
};

use super::{
    setup::{self, CALLBACK},
    support::{
        edge::sessions::{Sessions, Store},
        port::Port,
        program::Program,
        raw::{self, Message, within},
        recorder::Recorder,
        redis::endless::Endless,
    },
};

/// A program that gets sockets from its service manager, as systemd passes them.
fn activated(folder: &TempDir, config: &str, sockets: &[&dyn AsFd]) -> Command {
    let program = setup::command(folder, config);
    let mut command = Command::new("sh");
    // The shell has the process id that the program gets.
    command.args(["-c", r#"LISTEN_PID=$$ exec "$0" "$@""#]).arg(program.get_program()).args(program.get_args());
    command.env("LISTEN_FDS", sockets.len().to_string()).env_remove("RUST_LOG").stdin(Stdio::null());
    let duplicate = |socket: &&dyn AsFd| socket.as_fd().try_clone_to_owned().unwrap();
    let mapping = |(parent_fd, child_fd): (OwnedFd, i32)| FdMapping { parent_fd, child_fd };
    command.fd_mappings(sockets.iter().map(duplicate).zip(3..).map(mapping).collect()).unwrap();
    command
}

fn start(config: &str, sockets: &[&dyn AsFd]) -> Program {
    let folder = TempDir::new().unwrap();
    Program::start(activated(&folder, config, sockets), folder)
}

fn socket() -> (StdListener, SocketAddr) {
    let socket = StdListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn stop(program: Program) {
    program.signal("TERM");
    let (status, log) = setup::ended(program).await;
    assert!(status.success(), "{log:#?}");
}

/// Where clients come to.
#[derive(Clone)]
enum Place {
    Port(SocketAddr),
    Path(PathBuf),
}

impl Place {
    /// A request on a connection of its own; none if it gets no answer.
    async fn ask(&self) -> Option<Message> {
        match self {
            Self::Port(address) => ask_over(TcpStream::connect(address).await.ok()?).await,
            Self::Path(path) => ask_over(UnixStream::connect(path).await.ok()?).await,
        }
    }
}

async fn ask_over(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<Message> {
    stream.write_all(&raw::get("/livez", "Connection: close\r\n")).await.ok()?;
    Message::read(&mut stream).await.ok()?
}

/// Clients that ask again and again, each on a new connection.
struct Load {
    clients: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Load {
    fn start(place: &Place) -> Self {
        let mut load =
            Self { clients: JoinSet::new(), is_over: Arc::default(), answered: Arc::default(), failed: Arc::default() };
        for _ in 0..CLIENTS {
            let (place, is_over) = (place.clone(), Arc::clone(&load.is_over));
            let (answered, failed) = (Arc::clone(&load.answered), Arc::clone(&load.failed));
            load.clients.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let is_answered = within(place.ask()).await.is_some_and(|answer| answer.status() == 200);
                    let count = if is_answered { &answered } else { &failed };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }

    /// Waits until each client has got more answers.
    async fn go_on(&self) {
        let answered = self.answered.load(Ordering::Relaxed);
        within(async {
            while self.answered.load(Ordering::Relaxed) < answered + 5 * CLIENTS {
                yield_now().await;
            }
        })
        .await;
    }

    async fn assert_lost_nothing(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        let (answered, failed) = (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        assert_eq!(failed, 0, "beside {answered} that were answered");
    }
}

const CLIENTS: usize = 8;
const ROUNDS: usize = 4;

#[tokio::test]
async fn the_next_process_gets_the_same_socket_and_no_request_is_lost() {
    let (app, (socket, address)) = (Recorder::start().await, socket());
    let config = format!("listen: {address}\n{}", setup::config_without_listener(app.address()));
    let mut program = start(&config, &[&socket]);
    let load = Load::start(&Place::Port(address));
    for _ in 0..ROUNDS {
        load.go_on().await;
        let next = start(&config, &[&socket]);
        load.go_on().await;
        stop(program).await;
        program = next;
    }
    load.go_on().await;
    load.assert_lost_nothing().await;
}

/// As `systemctl restart` does it.
#[tokio::test]
async fn requests_wait_in_the_socket_while_no_process_runs() {
    let (app, (socket, address)) = (Recorder::start().await, socket());
    let config = format!("listen: {address}\n{}", setup::config_without_listener(app.address()));
    let mut program = start(&config, &[&socket]);
    let load = Load::start(&Place::Port(address));
    for _ in 0..ROUNDS {
        load.go_on().await;
        stop(program).await;
        program = start(&config, &[&socket]);
    }
    load.go_on().await;
    load.assert_lost_nothing().await;
}

#[tokio::test]
async fn each_listener_gets_the_socket_at_its_address_and_the_others_are_bound() {
    let (app, folder, own) = (Recorder::start().await, TempDir::new().unwrap(), Port::reserve());
    let ((one, one_at), (other, other_at), (admin, admin_at)) = (socket(), socket(), socket());
    let path = folder.path().join("a.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let config = format!(
        "listen: [{one_at}, unix:{}, {}, {other_at}]\nadmin: {{ listen: {admin_at} }}\nupstream: http://{}\n",
        path.display(),
        own.address(),
        app.address()
    );

    let program = start(&config, &[&other, &admin, &unix, &one]);

    for place in [one_at, other_at, own.address()].map(Place::Port).into_iter().chain([Place::Path(path.clone())]) {
        assert_eq!(within(place.ask()).await.unwrap().status(), 200);
    }
    assert_eq!(raw::exchange(program.admin(), raw::get("/readyz", "")).await.unwrap().status(), 200);
    assert!(!program.log().iter().any(|line| line.contains("service manager")), "{:#?}", program.log());
    stop(program).await;
    // The service manager has them still.
    UnixStream::connect(&path).await.unwrap();
    TcpStream::connect(admin_at).await.unwrap();
    assert!(TcpStream::connect(own.address()).await.is_err());
}

#[tokio::test]
async fn what_nobody_can_listen_on_or_no_listener_wants_is_logged_and_left_alone() {
    let (app, (socket, address)) = (Recorder::start().await, socket());
    let config = setup::config(app.address());
    let file = fs::File::open("/dev/null").unwrap();
    let connection = TcpStream::connect(address).await.unwrap();
    let folder = TempDir::new().unwrap();
    let mut command = activated(&folder, &config, &[&file, &connection, &socket]);
    command.env("LISTEN_FDNAMES", "null:shop:spare");

    let program = Program::start(command, folder);

    for said in [
        &[r#""descriptor":3"#, r#""name":"null""#, "that nothing can listen on"],
        &[r#""descriptor":4"#, r#""name":"shop""#, "it does not listen"],
        &[&*format!(r#""address":"{address}""#), r#""name":"spare""#, "neither `listen` nor `admin.listen` has"],
    ] {
        program.told(said, 1).await;
    }
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);
    stop(program).await;
}

#[tokio::test]
async fn sockets_that_were_meant_for_another_process_are_not_taken() {
    let (app, folder, (socket, address)) = (Recorder::start().await, TempDir::new().unwrap(), socket());
    let config = format!("listen: {address}\n{}", setup::config_without_listener(app.address()));
    let mut command = setup::command(&folder, &config);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    command.fd_mappings(vec![FdMapping { parent_fd: socket.into(), child_fd: 3 }]).unwrap();

    let output = within(tokio::process::Command::from(command).output()).await.unwrap();

    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("cannot listen on {address}: ")), "{error}");
}

/// A configuration with which a second process may take over.
fn shared(listen: &str, admin: SocketAddr, app: SocketAddr) -> String {
    format!("listen: {listen}\nadmin: {{ listen: {admin} }}\nupstream: http://{app}\nserver: {{ reuse_port: true }}\n")
}

#[tokio::test]
async fn a_second_process_takes_over_the_port_and_no_request_is_lost() {
    let (app, port, admin) = (Recorder::start().await, Port::reserve(), Port::reserve());
    let config = shared(&port.address().to_string(), admin.address(), app.address());
    let mut program = Program::serve(&config);
    let loads = [port.address(), admin.address()].map(|address| Load::start(&Place::Port(address)));
    for _ in 0..ROUNDS {
        loads[0].go_on().await;
        let next = Program::serve(&config);
        loads[0].go_on().await;
        stop(program).await;
        program = next;
    }
    loads[0].go_on().await;
    for load in loads {
        load.assert_lost_nothing().await;
    }
}

/// As when an upgrade is taken back.
#[tokio::test]
async fn the_second_process_may_be_the_first_to_stop_and_no_request_is_lost() {
    let (app, port, admin) = (Recorder::start().await, Port::reserve(), Port::reserve());
    let config = shared(&port.address().to_string(), admin.address(), app.address());
    let _program = Program::serve(&config);
    let load = Load::start(&Place::Port(port.address()));
    load.go_on().await;
    let second = Program::serve(&config);
    load.go_on().await;
    stop(second).await;
    load.go_on().await;
    load.assert_lost_nothing().await;
}

#[tokio::test]
async fn a_second_process_takes_over_the_path_of_a_unix_socket_and_no_request_is_lost() {
    let (app, folder, admin) = (Recorder::start().await, TempDir::new().unwrap(), Port::reserve());
    let path = folder.path().join("a.sock");
    let config = shared(&format!("[unix:{}, 127.0.0.1:0]", path.display()), admin.address(), app.address());
    let mut program = Program::serve(&config);
    let load = Load::start(&Place::Path(path.clone()));
    for _ in 0..ROUNDS {
        load.go_on().await;
        let next = Program::serve(&config);
        load.go_on().await;
        stop(program).await;
        program = next;
    }
    load.go_on().await;
    load.assert_lost_nothing().await;
    stop(program).await;
    assert_eq!(files_in(folder.path()), 0);
}

fn files_in(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// It must not get clients that it cannot serve yet, while the other one can.
#[tokio::test]
async fn a_second_process_gets_no_client_before_it_is_ready() {
    let (app, port, admin) = (Recorder::start().await, Port::reserve(), Port::reserve());
    let config = shared(&port.address().to_string(), admin.address(), app.address());
    let program = Program::serve(&config);
    let (server, folder) = (Endless::start(), TempDir::new().unwrap());
    let sessions = Sessions { store: Store::Redis(server.url()), ..Sessions::usual() };
    let config = format!("{config}callback: {{ path: {CALLBACK} }}\n{}", sessions.yaml());
    let mut second = setup::command(&folder, &config).stderr(Stdio::piped()).spawn().unwrap();
    // It reads the logouts, and has opened its sockets before.
    within(async {
        while server.pages() == 0 {
            yield_now().await;
        }
    })
    .await;

    for _ in 0..50 {
        for address in [port.address(), admin.address()] {
            assert_eq!(within(Place::Port(address).ask()).await.unwrap().status(), 200, "{address}");
        }
    }

    second.kill().unwrap();
    let log = String::from_utf8(second.wait_with_output().unwrap().stderr).unwrap();
    assert!(!log.contains(r#""started""#), "{log}");
    stop(program).await;
}
