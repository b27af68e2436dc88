//! A restart loses no request: the sockets of a service manager stay open between two processes.

use std::{
    fs,
    net::{SocketAddr, TcpListener as StdListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    process::{Command, Stdio},
};

use command_fds::{CommandFdExt as _, FdMapping};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};

use super::{
    load::{Load, Place, ROUNDS, stop},
    setup,
    support::{
        port::Port,
        program::Program,
        raw::{self, within},
        recorder::Recorder,
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
