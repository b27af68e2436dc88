//! The PROXY protocol: a trusted proxy says which client a connection is from, and nobody else gets in.

use std::{net::SocketAddr, os::fd::OwnedFd, process::Stdio};

use tempfile::TempDir;
use tokio::{
    net::{TcpStream, UnixStream},
    process::{Child, Command},
};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, recorder::Recorder},
    tls::Pair,
    tls_client::TlsClient,
};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x12\x67\x01\xbb";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// The program with a listener for proxies, and more of a configuration.
fn serve(app: &Recorder, trusted: &str, more: &str) -> Program {
    let listen = "listen: { address: '127.0.0.1:0', proxy_protocol: true }\n";
    let config = setup::config_without_listener(app.address());
    Program::serve(&format!("{listen}trusted_proxies: {trusted}\n{more}{config}"))
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client_of_a_connection() {
    let app = Recorder::start().await;
    let program = serve(&app, "[127.0.0.0/8, 198.51.100.0/24]", "");
    let forged = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n";
    for (header, client) in [
        (V1, Some("192.0.2.7")),
        (V2, Some("192.0.2.7")),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", Some("2001:db8::7")),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 443\r\n", Some("192.0.2.7")),
        // A proxy that does not know the client, or speaks for itself, lends nobody its own trust.
        (b"PROXY UNKNOWN\r\n", None),
        (LOCAL, None),
    ] {
        let mut talk = Talk::connect(program.address()).await;
        talk.say(header).await;
        for claims in ["", forged] {
            talk.say(raw::get("/", claims)).await;
            assert_eq!(talk.message().await.status(), 200);
            let request = app.take().remove(0);
            let origin = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| request.one(name));
            assert_eq!(origin, [client, Some("http"), Some("app.example")], "{}", header.escape_ascii());
            assert!(!format!("{request:?}").contains("6.6.6.6"));
        }
    }
    // Behind the proxy of connections there may be a trusted proxy of requests.
    let mut talk = Talk::connect(program.address()).await;
    talk.say(
        [b"PROXY TCP4 198.51.100.9 10.0.0.1 4711 443\r\n", &*raw::get("/", "X-Forwarded-For: 192.0.2.7\r\n")].concat(),
    )
    .await;
    assert_eq!(talk.message().await.status(), 200);
    assert_eq!(app.take()[0].one("x-forwarded-for"), Some("192.0.2.7"));
}

#[tokio::test]
async fn nobody_gets_in_without_a_header_from_a_trusted_proxy() {
    let app = Recorder::start().await;
    let program = serve(&app, "[10.0.0.0/8, 127.0.0.2]", "");
    // The peer is 127.0.0.1.
    for header in [V1, V2, LOCAL, b""] {
        let answer = raw::exchange(program.address(), [header, &*raw::get("/", "")].concat()).await;
        assert!(answer.is_none(), "{}", header.escape_ascii());
    }
    program.told(&["a connection without a trusted PROXY header was closed", "untrusted-proxy"], 1).await;

    let program = serve(&app, "[127.0.0.1]", "");
    for start in [
        &b""[..],
        b"PROXY TCP4 192.0.2.7, 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
        b"proxy TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        &V2[1..],
        &[&V2[..12], b"\x31", &V2[13..]].concat(),
        &[b"PROXY UNKNOWN ", "a".repeat(5000).as_bytes(), b"\r\n"].concat(),
        &[&V2[..14], b"\xff\xff", &V2[16..]].concat(),
    ] {
        let answer = raw::exchange(program.address(), [start, &*raw::get("/", "")].concat()).await;
        assert!(answer.is_none(), "{}", start.escape_ascii());
    }
    // A second header is no request.
    let answer = raw::exchange(program.address(), [V1, V1, &*raw::get("/", "")].concat()).await;
    assert!(answer.is_none_or(|answer| answer.status() == 400));
    assert_eq!(app.seen(), []);
    program.told(&["a connection without a trusted PROXY header was closed", "proxy-header"], 1).await;
    let metrics = raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    assert!(metrics.contains("truegate_failed_connections_total{reason=\"proxy-header\"} 8"), "{metrics}");
}

#[tokio::test]
async fn a_header_may_come_in_pieces_but_not_for_ever() {
    let app = Recorder::start().await;
    let program = serve(&app, "[127.0.0.1]", "timeouts: { idle: 1s }\n");
    for header in [V1, V2] {
        let mut stream = TcpStream::connect(program.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in header {
            tokio::io::AsyncWriteExt::write_all(&mut stream, &[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut talk = Talk::over(stream);
        talk.say(raw::get("/", "")).await;
        assert_eq!(talk.message().await.status(), 200);
        assert_eq!(app.take()[0].one("x-forwarded-for"), Some("192.0.2.7"));
        for cut in [1, 14, header.len() - 1] {
            let mut talk = Talk::connect(program.address()).await;
            talk.say(&header[..cut]).await;
            assert_eq!(talk.rest().await, b"", "it is closed");
        }
    }
    // One that has sent nothing is closed, too.
    assert_eq!(Talk::connect(program.address()).await.rest().await, b"");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_header() {
    let app = Recorder::start().await;
    let program = serve(&app, "[127.0.0.1]", "shutdown_grace: 1h\n");
    let mut talk = Talk::connect(program.address()).await;
    talk.say(&V1[..10]).await;
    program.signal("TERM");
    assert_eq!(talk.rest().await, b"");
    assert!(setup::ended(program).await.0.success());
}

#[tokio::test]
async fn the_clients_behind_a_proxy_have_limits_of_their_own() {
    let app = Recorder::start().await;
    let limits = format!("limits: {{ callbacks_per_second: 1 }}\ncallback: {{ path: {CALLBACK} }}\n");
    let program = serve(&app, "[127.0.0.1]", &limits);
    for (client, status) in [("192.0.2.7", 400), ("192.0.2.7", 429), ("198.51.100.7", 400)] {
        let header = format!("PROXY TCP4 {client} 10.0.0.1 4711 443\r\n");
        let bytes = [header.as_bytes(), &raw::post(CALLBACK, b"[]")].concat();
        assert_eq!(raw::exchange(program.address(), bytes).await.unwrap().status(), status, "{client}");
    }
}

#[tokio::test]
async fn a_unix_socket_takes_headers_if_it_is_trusted() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let path = folder.path().join("a.sock");
    let listen = "listen: [{ address: unix:a.sock, proxy_protocol: true }, 127.0.0.1:0]\ntrusted_proxies: [unix]\n";
    let _program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    for (header, client) in [(V1, Some("192.0.2.7")), (V2, Some("192.0.2.7")), (LOCAL, None)] {
        let mut talk = Talk::over(UnixStream::connect(&path).await.unwrap());
        talk.say([header, &*raw::get("/", "X-Forwarded-For: 6.6.6.6\r\n")].concat()).await;
        assert_eq!(talk.message().await.status(), 200);
        assert_eq!(app.take()[0].one("x-forwarded-for"), client, "{}", header.escape_ascii());
    }
}

/// HAProxy passes TLS on, and writes its header in front.
#[tokio::test]
async fn haproxy_in_front_tells_who_its_clients_are() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let pair = Pair::new();
    pair.write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let listen = "listen:\n- { address: '127.0.0.1:0', proxy_protocol: true }\n\
                  - { address: '127.0.0.1:0', proxy_protocol: true, certificate: a.pem, key: a.key }\n";
    let config = format!("{listen}trusted_proxies: [127.0.0.1]\n{}", setup::config_without_listener(app.address()));
    let program = Program::serve_from(folder, &config);
    let [plain, secured] = program.addresses()[..] else { panic!("two listeners") };
    for word in ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"] {
        let proxy = HaProxy::start(&program, plain, word);
        let request = raw::get("/", "X-Forwarded-For: 6.6.6.6\r\n");
        let answer = raw::exchange_from([127, 0, 0, 9].into(), proxy.address, request).await;
        assert_eq!(answer.expect(word).status(), 200, "{word}");
        assert_eq!(app.take()[0].one("x-forwarded-for"), Some("127.0.0.9"), "{word}");

        let proxy = HaProxy::start(&program, secured, word);
        let line = TlsClient::asking_for(Some("localhost")).status_line(proxy.address).await;
        assert_eq!(line.as_deref(), Some("HTTP/1.1 200 OK"), "{word}");
        let request = app.take().remove(0);
        assert_eq!(request.one("x-forwarded-proto"), Some("https"), "{word}");
        assert_eq!(request.one("x-forwarded-for"), Some("127.0.0.1"), "{word}");
    }
}

/// HAProxy as a proxy of connections, which is killed when it is dropped.
struct HaProxy {
    address: SocketAddr,
    _process: Child,
}

impl HaProxy {
    fn start(program: &Program, server: SocketAddr, word: &str) -> Self {
        // It inherits a socket that listens, so that nobody has to wait for it.
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let path = program.folder().join("haproxy.cfg");
        let defaults = "global\n  stats timeout 1m\ndefaults\n  mode tcp\n  timeout connect 1m\n  timeout client 1m\n  timeout server 1m\n";
        let service = format!("listen proxy\n  bind fd@0\n  server gateway {server} {word}\n");
        std::fs::write(&path, format!("{defaults}{service}")).unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(path).stdin(Stdio::from(OwnedFd::from(socket))).kill_on_drop(true);
        Self { address, _process: command.spawn().expect("scripts/setup tests installs haproxy") }
    }
}
