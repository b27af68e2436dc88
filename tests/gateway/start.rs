//! The start: a gateway takes requests once it can answer them.

use std::{
    pin::pin,
    process::{Command, Stdio},
};

use tokio::{
    net::TcpStream,
    task::{spawn_blocking, yield_now},
};

use super::{
    sessions::Site,
    setup::{self, CALLBACK},
    support::{
        edge::sessions::{Need, Sessions, Store},
        port::Port,
        program::Program,
        raw::{exchange, get, within},
        redis::{Redis, endless::Endless},
    },
};

#[tokio::test]
async fn a_gateway_is_ready_once_it_knows_every_logout_and_clients_wait_until_then() {
    let site = Site::open(&Sessions::usual(), "", "").await;
    let mut visitor = site.signed_in().await;
    let (server, listen, admin) = (Endless::start(), Port::reserve(), Port::reserve());
    let (listen_at, admin_at) = (listen.address(), admin.address());
    let rules = vec![("/", Need::Required)];
    let sessions = Sessions { rules, store: Store::Redis(server.url()), ..Sessions::usual() };
    let places =
        format!("listen: {listen_at}\nadmin: {{ listen: {admin_at} }}\nupstream: http://{}\n", site.app.address());
    let folder = tempfile::tempdir().unwrap();
    let command =
        setup::command(&folder, &(places + &format!("callback: {{ path: {CALLBACK} }}\n") + &sessions.yaml()));
    let starting = spawn_blocking(move || Program::start(command, folder));
    within(async { while TcpStream::connect(admin_at).await.is_err() {} }).await;
    let status = async |path| exchange(admin_at, get(path, "")).await.unwrap().status();

    let mut asked = pin!(visitor.via(listen_at).get("/"));
    let many = async {
        while server.pages() < 20 {
            yield_now().await;
        }
    };
    tokio::select! {
        answer = &mut asked => panic!("not all logouts are known: {answer:#?}"),
        () = within(many) => {}
    }
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 503));
    server.end();

    assert_eq!(within(asked).await.status(), 200);
    let program = starting.await.unwrap();
    assert_eq!(status("/readyz").await, 200);
    drop(program);
}

#[tokio::test]
async fn a_start_that_takes_long_can_be_stopped() {
    let (server, listen, admin) = (Endless::start(), Port::reserve(), Port::reserve());
    let sessions = Sessions { store: Store::Redis(server.url()), ..Sessions::usual() };
    let (listen, admin) = (listen.address(), admin.address());
    let places = format!("listen: {listen}\nadmin: {{ listen: {admin} }}\nupstream: http://127.0.0.1:9\n");
    let folder = tempfile::tempdir().unwrap();
    let config = places + &format!("callback: {{ path: {CALLBACK} }}\n") + &sessions.yaml();
    let program = setup::command(&folder, &config).stderr(Stdio::piped()).spawn().unwrap();
    let asked = async {
        while server.pages() == 0 {
            yield_now().await;
        }
    };
    within(asked).await;

    let sent = Command::new("kill").arg("-TERM").arg(program.id().to_string()).status();

    assert!(sent.unwrap().success());
    let ended = within(spawn_blocking(|| program.wait_with_output())).await.unwrap().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{log}");
    assert!(log.contains("stopped before the start was over") && !log.contains(r#""started""#), "{log}");
}

#[tokio::test]
async fn a_store_that_is_silent_does_not_hold_up_the_start_for_long() {
    let server = Redis::start();
    server.signal("STOP");
    let rules = vec![("/account/", Need::Required), ("/", Need::Optional)];
    let site = Site::open(&Sessions { rules, store: Store::Redis(server.url()), ..Sessions::usual() }, "", "").await;

    let ready = exchange(site.program.admin(), get("/readyz", "")).await.unwrap();
    let public = site.visitor().get("/").await;

    assert_eq!((ready.status(), public.status()), (200, 200));
    site.wait_for_metric(r#"truegate_store_failures_total{cause="timeout"} 1"#).await;
}
