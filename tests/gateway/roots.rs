//! Which certificates of an upstream are believed.

use std::process::Command;

use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    setup,
    support::{
        program::Program,
        raw::{self, Message},
        recorder::Recorder,
    },
    tls::Pair,
};

/// An app that speaks TLS and answers `ok` to one request of each connection.
async fn secure_app(pair: &Pair) -> (u16, JoinSet<()>) {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = pair.acceptor();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not believe the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let Ok(Some(_)) = Message::read(&mut stream).await else { continue };
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, task)
}

/// A machine whose roots are nowhere.
fn without_roots(command: &mut Command) {
    command.env("SSL_CERT_FILE", "/nowhere/roots.pem").env("SSL_CERT_DIR", "/nowhere");
}

const LISTEN: &str = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\n";

#[tokio::test]
async fn a_machine_without_roots_serves_an_http_upstream() {
    let app = Recorder::start().await;
    let folder = TempDir::new().unwrap();
    let mut command = setup::command(&folder, &setup::config(app.address()));
    without_roots(&mut command);
    let program = Program::start(command, folder);
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_if_it_is_named() {
    let pair = Pair::new();
    let (port, _task) = secure_app(&pair).await;
    for (upstream, status) in [
        (format!("{{ url: 'https://localhost:{port}', tls: {{ ca_file: certificate.pem }} }}"), 200),
        (format!("{{ url: 'https://localhost:{port}' }}"), 502),
        (format!("https://localhost:{port}"), 502),
    ] {
        let folder = TempDir::new().unwrap();
        pair.write_certificate(folder.path());
        let mut command = setup::command(&folder, &format!("{LISTEN}upstream: {upstream}\n"));
        without_roots(&mut command);
        let program = Program::start(command, folder);
        for _ in 0..2 {
            let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
            assert_eq!(answer.status(), status, "{upstream}: {}", answer.text());
        }
    }
}
