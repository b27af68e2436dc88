//! Certificates from an ACME server, by an ACME client of other authors: lego asks, Pebble issues, and truegate answers the
//! challenges and shows what was issued.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::process::Command;

use super::{
    pebble::Pebble,
    setup,
    support::{port::Port, program::Program, raw::within, recorder::Recorder},
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
    let pebble = Pebble::start(Port::reserve(), plain, &Pebble::authority(program.folder())).await;
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

/// Runs lego, which writes into the webroot and the folder of certificates.
async fn lego(folder: &Path, pebble: SocketAddr, command: &[&str]) {
    let mut lego = Command::new("lego");
    lego.current_dir(folder).env("LEGO_CA_CERTIFICATES", folder.join("pebble.pem")).kill_on_drop(true);
    lego.args(["--server", &format!("https://{pebble}/dir"), "--path", "lego", "--email", "ops@wiki.example"]);
    lego.args(["--accept-tos", "--domains", "wiki.example", "--http", "--http.webroot", "acme"]).args(command);
    let output = within(lego.output()).await.expect("scripts/setup tests installs lego");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
