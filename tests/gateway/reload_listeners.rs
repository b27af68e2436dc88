//! Listeners that come, go and change with the configuration.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    task::yield_now,
};

use super::{
    reload::app,
    setup::{self, Talk},
    support::{
        port::Port,
        program::Program,
        raw::{self, within},
    },
    tls::Pair,
    tls_client::TlsClient,
};

async fn until_refused(address: SocketAddr) {
    within(async {
        while TcpStream::connect(address).await.is_ok() {
            yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_comes_and_goes_and_what_it_accepted_is_served() {
    let (listener, port) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Port::reserve());
    let config = setup::config(listener.local_addr().unwrap());
    let both = config.replace("listen: 127.0.0.1:0\n", &format!("listen: ['127.0.0.1:0', '{}']\n", port.address()));
    let program = Program::serve(&config);
    let mut stays = Talk::connect(program.address()).await;

    program.reloaded(&both).await;
    let mut busy = Talk::connect(port.address()).await;
    busy.say(raw::get("/slow", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;
    let mut idle = Talk::connect(port.address()).await;
    program.reloaded(&config).await;
    until_refused(port.address()).await;

    assert_eq!(idle.rest().await, b"", "an idle connection is closed");
    app.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
    assert_eq!(busy.message().await.text(), "ok");
    assert_eq!(busy.rest().await, b"", "and one that has become idle");
    stays.say(raw::get("/", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert_eq!(stays.message().await.text(), "ok", "other listeners know nothing of that");
    program.reloaded(&both).await;
    assert!(TcpStream::connect(port.address()).await.is_ok(), "it may come back");
}

#[tokio::test]
async fn if_an_address_cannot_be_listened_on_nothing_changes() {
    let (before, after, port) = (app("before").await, app("after").await, Port::reserve());
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
    let program = Program::serve(&setup::config(before.address()));
    let config = setup::config(after.address());
    let taken = taken.local_addr().unwrap();
    for other in [
        config.replace("listen: 127.0.0.1:0\n", &format!("listen: ['{}', '{taken}']\n", port.address())),
        config.replace("admin: { listen: 127.0.0.1:0 }", &format!("admin: {{ listen: '{taken}' }}")),
    ] {
        assert_ne!(program.reload(&other).await["message"], "reloaded");
        program.told(&[r#""level":"ERROR""#, &format!("cannot listen on {taken}: ")], 1).await;
        assert!(TcpStream::connect(port.address()).await.is_err(), "nothing listens there");
        let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
        assert_eq!(answer.text(), "before");
        assert_eq!(raw::exchange(program.admin(), raw::get("/readyz", "")).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_admin_listener_moves() {
    let (app, port) = (app("ok").await, Port::reserve());
    let config = setup::config(app.address());
    let program = Program::serve(&config);
    program
        .reloaded(
            &config.replace("admin: { listen: 127.0.0.1:0 }", &format!("admin: {{ listen: '{}' }}", port.address())),
        )
        .await;
    assert_eq!(raw::exchange(port.address(), raw::get("/readyz", "")).await.unwrap().status(), 200);
    until_refused(program.admin()).await;
}

#[tokio::test]
async fn new_connections_get_the_new_certificate_and_version_and_old_ones_go_on() {
    let (app, folder, old, new) = (app("ok").await, TempDir::new().unwrap(), Pair::new(), Pair::new());
    for (name, pair) in [("old", &old), ("new", &new)] {
        pair.write(&folder.path().join(format!("{name}.pem")), &folder.path().join(format!("{name}-key.pem")));
    }
    let port = Port::reserve();
    let config = |name: &str, more: &str| {
        let keys = format!("address: '{}', certificate: {name}.pem, key: {name}-key.pem{more}", port.address());
        format!("listen: {{ {keys} }}\n{}", setup::config_without_listener(app.address()))
    };
    let program = Program::serve_from(folder, &config("old", ""));
    let mut before = Talk::over(old.connect(port.address(), &["http/1.1"]).await.unwrap());
    let client = TlsClient::of_version(&tokio_rustls::rustls::version::TLS12);
    assert!(client.shake_hands(port.address()).await.is_some());

    program.reloaded(&config("new", ", min_version: '1.3'")).await;

    assert!(old.connect(port.address(), &[]).await.is_none());
    assert!(client.shake_hands(port.address()).await.is_none());
    let mut after = Talk::over(new.connect(port.address(), &["http/1.1"]).await.unwrap());
    for client in [&mut before, &mut after] {
        client.say(raw::get("/", "")).await;
        assert_eq!(client.message().await.text(), "ok");
    }
}

#[tokio::test]
async fn a_listener_that_stays_may_begin_and_cease_to_speak_tls_and_to_redirect() {
    let (app, folder, pair, port) = (app("ok").await, TempDir::new().unwrap(), Pair::new(), Port::reserve());
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let rest = setup::config_without_listener(app.address());
    let tls = "{ address: '127.0.0.1:0', certificate: certificate.pem, key: key.pem }";
    let plain = format!("listen: ['{}', {tls}]\n{rest}", port.address());
    let redirect = format!("listen: [{{ address: '{}', redirect: https }}, {tls}]\n{rest}", port.address());
    let secure = format!("listen: {}\n{rest}", tls.replace("127.0.0.1:0", &port.address().to_string()));
    let program = Program::serve_from(folder, &plain);
    let status = async || {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        raw::exchange(port.address(), request).await.map(|answer| answer.status())
    };
    assert_eq!(status().await, Some(200));
    program.reloaded(&redirect).await;
    assert_eq!(status().await, Some(301));
    program.reloaded(&secure).await;
    assert_eq!(status().await, None);
    assert!(pair.connect(port.address(), &[]).await.is_some());
    program.reloaded(&plain).await;
    assert_eq!(status().await, Some(200));
}

#[tokio::test]
async fn a_unix_socket_gets_its_new_permissions_and_is_removed_with_its_listener() {
    let (app, folder) = (app("ok").await, TempDir::new().unwrap());
    let path = folder.path().join("a.sock");
    let config = |listen: &str| format!("listen: {listen}\n{}", setup::config_without_listener(app.address()));
    let with_mode = |mode: &str| config(&format!("['127.0.0.1:0', {{ address: 'unix:a.sock', mode: '{mode}' }}]"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let program = Program::serve_from(folder, &with_mode("0660"));
    assert_eq!(mode(&path), 0o660);
    let mut client = Talk::over(UnixStream::connect(&path).await.unwrap());

    program.reloaded(&with_mode("0666")).await;
    assert_eq!(mode(&path), 0o666);
    client.say(raw::get("/", "")).await;
    assert_eq!(client.message().await.text(), "ok");

    program.reloaded(&config("127.0.0.1:0")).await;
    assert_eq!(client.rest().await, b"");
    within(async {
        while path.exists() {
            yield_now().await;
        }
    })
    .await;
}
