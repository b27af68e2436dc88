//! Listeners on Unix sockets, whose clients have no address.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::PathBuf,
};

use tempfile::TempDir;
use tokio::{net::UnixStream, process::Command};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{
        program::Program,
        raw::{self, within},
        recorder::Recorder,
    },
    tls::Pair,
    tls_client::TlsClient,
};

/// The program with a Unix socket, and more of a configuration.
fn serve(folder: TempDir, app: &Recorder, more: &str) -> (Program, PathBuf) {
    let path = folder.path().join("a.sock");
    let config = format!("listen: [unix:a.sock, 127.0.0.1:0]\n{more}{}", setup::config_without_listener(app.address()));
    (Program::serve_from(folder, &config), path)
}

async fn connect(path: &PathBuf) -> Talk<UnixStream> {
    Talk::over(UnixStream::connect(path).await.unwrap())
}

#[tokio::test]
async fn requests_come_in_over_a_unix_socket_until_the_program_ends() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    // A program that was killed left it behind.
    drop(UnixListener::bind(folder.path().join("a.sock")).unwrap());
    let (program, path) = serve(folder, &app, "");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut client = connect(&path).await;
    for _ in 0..2 {
        client.say(raw::get("/", "")).await;
        assert_eq!(client.message().await.text(), "ok");
    }

    let folder = TempDir::new().unwrap();
    let config = format!("listen: unix:{}\n{}", path.display(), setup::config_without_listener(app.address()));
    let output = within(Command::from(setup::command(&folder, &config)).output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "one socket is for one program");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("cannot listen on unix:{}: ", path.display())), "{error}");
    client.say(raw::get("/", "")).await;
    assert_eq!(client.message().await.text(), "ok", "and stays with the first");

    let gone = path.clone();
    program.signal("TERM");
    assert_eq!(client.rest().await, b"");
    assert!(setup::ended(program).await.0.success());
    assert!(!gone.exists());
}

#[tokio::test]
async fn a_unix_socket_is_believed_only_if_it_is_listed() {
    let app = Recorder::start().await;
    let claims =
        "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n";
    for (trusted, expected) in [
        ("", [None, Some("http"), Some("app.example")]),
        ("trusted_proxies: [127.0.0.2]\n", [None, Some("http"), Some("app.example")]),
        ("trusted_proxies: [unix]\n", [Some("192.0.2.7"), Some("https"), Some("shop.example")]),
    ] {
        let (program, path) = serve(TempDir::new().unwrap(), &app, trusted);
        let mut client = connect(&path).await;
        client.say(raw::get("/", claims)).await;
        assert_eq!(client.message().await.status(), 200);
        let request = app.take().remove(0);
        let origin = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| request.one(name));
        assert_eq!(origin, expected, "{trusted}");
        assert!(trusted.contains("unix") || !format!("{request:?}").contains("192.0.2.7"));

        let answer = raw::exchange(program.address(), raw::get("/", claims)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(app.take()[0].one("x-forwarded-for"), Some("127.0.0.1"), "a port is no Unix socket");
    }
}

#[tokio::test]
async fn tls_is_spoken_over_a_unix_socket() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    Pair::new().write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let path = folder.path().join("a.sock");
    let listen = "listen: [{ address: unix:a.sock, certificate: a.pem, key: a.key }, 127.0.0.1:0]\n";
    let _program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    let stream = UnixStream::connect(&path).await.unwrap();
    let mut talk = Talk::over(TlsClient::asking_for(None).shake_hands_over(stream).await.unwrap());
    talk.say(raw::get("/", "")).await;
    assert_eq!(talk.message().await.status(), 200);
    assert_eq!(app.take()[0].one("x-forwarded-proto"), Some("https"));
}

/// Nobody knows whether they are one client, so they do not share a limit. A trusted proxy tells them apart.
#[tokio::test]
async fn clients_without_an_address_are_not_limited_as_if_they_were_one() {
    let app = Recorder::start().await;
    let limits = format!("limits: {{ callbacks_per_second: 1 }}\ncallback: {{ path: {CALLBACK} }}\n");
    for (trusted, statuses) in [("", [400, 400, 400]), ("trusted_proxies: [unix]\n", [400, 429, 400])] {
        let (_program, path) = serve(TempDir::new().unwrap(), &app, &format!("{limits}{trusted}"));
        let mut seen = Vec::new();
        for client in ["192.0.2.7", "192.0.2.7", "198.51.100.7"] {
            let head = format!("POST {CALLBACK} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\nContent-Length: 2");
            let mut talk = connect(&path).await;
            talk.say(format!("{head}\r\nContent-Type: application/json\r\n\r\n[]")).await;
            seen.push(talk.message().await.status());
        }
        assert_eq!(seen, statuses, "{trusted}");
    }
}
