//! An upgrade loses no request: a second process takes over the addresses of the first.

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::task::yield_now;

use super::{
    load::{Load, Place, ROUNDS, stop},
    setup::{self, CALLBACK},
    support::{
        edge::sessions::{Sessions, Store},
        port::Port,
        program::Program,
        raw::within,
        recorder::Recorder,
        redis::endless::Endless,
    },
};

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
