//! Certificates from an ACME server, by an ACME client of other authors: lego asks, Pebble issues, and truegate answers the
//! challenges and shows what was issued.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::{net::UdpSocket, process::Command, task::JoinSet};

use super::{
    setup,
    support::{port::Port, program::Program, raw::within, recorder::Recorder, server::Server},
    tls::Pair,
    tls_client::TlsClient,
};

#[tokio::test]
async fn what_an_acme_client_obtains_and_renews_is_shown() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let first = Pair::named(&["first.example"]);
    let certificates = folder.path().join("lego/certificates");
    first.write(&certificates.join("default.crt"), &certificates.join("default.key"));
    fs::create_dir(folder.path().join("acme")).unwrap();
    let listen = "listen:\n- { address: '127.0.0.1:0', redirect: https, acme_webroot: acme }\n\
                  - { address: '127.0.0.1:0', certificates: lego/certificates }\n";
    let program = Program::serve_from(folder, &format!("{listen}{}", setup::config_without_listener(app.address())));
    let [plain, secured] = program.addresses()[..] else { panic!("two listeners") };
    let names = Names::start().await;
    let authority = Pair::named(&["127.0.0.1"]);
    let pebble = start_pebble(&authority, names.address, plain).await;
    authority.write(&program.folder().join("pebble.pem"), &program.folder().join("pebble.key"));
    let shown = async || TlsClient::asking_for(Some("wiki.example")).shown(secured).await;
    assert!(first.is(&shown().await));

    lego(program.folder(), pebble.address(), &["run"]).await;
    let mut before = shown().await;
    within(async {
        while first.is(&before) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            before = shown().await;
        }
    })
    .await;

    lego(program.folder(), pebble.address(), &["renew", "--days", "100000", "--no-random-sleep"]).await;
    within(async {
        while before == shown().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(first.is(&TlsClient::asking_for(None).shown(secured).await));
}

/// Pebble, which asks for challenges at a port of the gateway.
async fn start_pebble(authority: &Pair, names: SocketAddr, gateway: SocketAddr) -> Server {
    let (folder, port, management) = (TempDir::new().unwrap(), Port::reserve(), Port::reserve());
    authority.write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let config = serde_json::json!({ "pebble": {
        "listenAddress": port.address().to_string(),
        "managementListenAddress": management.address().to_string(),
        "certificate": "a.pem",
        "privateKey": "a.key",
        "httpPort": gateway.port(),
        "tlsPort": gateway.port(),
    }});
    fs::write(folder.path().join("pebble.json"), config.to_string()).unwrap();
    let mut command = std::process::Command::new("pebble");
    command.args(["-config", "pebble.json", "-strict", "-dnsserver", &names.to_string()]).env("PEBBLE_VA_NOSLEEP", "1");
    Server::start(command, port, folder).await
}

/// Runs lego, which writes into the webroot and the folder of certificates.
async fn lego(folder: &Path, pebble: SocketAddr, command: &[&str]) {
    let mut lego = Command::new("lego");
    lego.current_dir(folder).env("LEGO_CA_CERTIFICATES", folder.join("pebble.pem")).kill_on_drop(true);
    lego.args(["--server", &format!("https://{pebble}/dir"), "--path", "lego", "--email", "ops@wiki.example"]);
    lego.args(["--accept-tos", "--domains", "wiki.example", "--http", "--http.webroot", "acme"]).args(command);
    let output = within(lego.output()).await.expect("scripts/setup tests installs lego");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A name server for which every name is this machine.
struct Names {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Names {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut query).await {
                let _ = socket.send_to(&answer(&query[..length]), peer).await;
            }
        });
        Self { address, _task: task }
    }
}

/// The answer to a query (RFC 1035 §4.1): one address for a question for IPv4, and none for any other.
fn answer(query: &[u8]) -> Vec<u8> {
    // The name ends in an empty label; the type and the class follow.
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let is_ipv4 = query[end - 4..end - 2] == [0, 1];
    let head = [query[0], query[1], 0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0];
    let address: &[u8] = if is_ipv4 { &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1] } else { &[] };
    [&head, &query[12..end], address].concat()
}
