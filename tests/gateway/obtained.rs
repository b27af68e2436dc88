//! Certificates that the gateway obtains and renews itself, from Pebble.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use http::StatusCode;
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{
    pebble::Pebble,
    setup,
    support::{
        port::Port,
        program::Program,
        raw::{self, within},
        recorder::Recorder,
    },
    tls::Pair,
    tls_client::TlsClient,
};

/// The folder of a gateway, and the port at which it expects Pebble.
struct Site {
    folder: TempDir,
    authority: Pair,
    pebble: SocketAddr,
}

impl Site {
    fn new(pebble: SocketAddr) -> Self {
        let folder = TempDir::new().unwrap();
        Self { authority: Pebble::authority(folder.path()), pebble, folder }
    }

    /// Starts the gateway.
    fn serve(&self, app: &Recorder, hosts: &str) -> Program {
        let folder = self.folder.path().display();
        let text = format!(
            "listen:\n- {{ address: '127.0.0.1:0', redirect: https }}\n\
             - {{ address: '127.0.0.1:0', certificates: acme }}\n\
             acme:\n  folder: {folder}/acme\n  terms_of_service_agreed: true\n  contact: ops@wiki.example\n  \
             hosts: [{hosts}]\n  directory: https://{}/dir\n  ca_file: {folder}/pebble.pem\n{}",
            self.pebble,
            setup::config_without_listener(app.address()),
        );
        Program::serve(&text)
    }

    /// The file of a host's certificate.
    fn file(&self, host: &str) -> PathBuf {
        self.folder.path().join(format!("acme/{}/{host}.pem", self.pebble))
    }

    /// Puts a certificate into the folder.
    fn keep(&self, host: &str, pair: &Pair) {
        fs::create_dir_all(self.file(host).parent().unwrap()).unwrap();
        fs::write(self.file(host), pair.pem()).unwrap();
    }
}

/// The certificate that a client of a host is shown; none if the handshake fails.
async fn shown(program: &Program, host: &str) -> Option<CertificateDer<'static>> {
    let stream = TlsClient::asking_for(Some(host)).shake_hands(program.addresses()[1]).await?;
    Some(stream.get_ref().1.peer_certificates()?[0].clone().into_owned())
}

/// Waits until the certificate of a host is another one than this, which is none at the beginning.
async fn renewed(program: &Program, host: &str, before: Option<CertificateDer<'static>>) -> CertificateDer<'static> {
    within(async {
        loop {
            match shown(program, host).await {
                Some(found) if Some(&found) != before.as_ref() => break found,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

async fn metric(program: &Program, series: &str) -> f64 {
    let text = raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    let line = text.lines().find(|line| line.starts_with(series)).expect(series);
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_certificate_is_obtained_by_http_and_kept_over_a_restart() {
    let (app, port) = (Recorder::start().await, Port::reserve());
    let site = Site::new(port.address());
    let program = site.serve(&app, "wiki.example");

    // Pebble does not run yet.
    program.told(&["could not be obtained", "wiki.example", "connect"], 1).await;
    assert!(shown(&program, "wiki.example").await.is_none());
    assert_eq!(metric(&program, "truegate_certificate_failures_total{host=\"wiki.example\"}").await, 1.0);

    let pebble = Pebble::start(port, program.addresses()[0], &site.authority).await;
    program.signal("HUP");
    let first = renewed(&program, "wiki.example", None).await;
    program.told(&["certificate obtained", "wiki.example"], 1).await;
    for (path, mode) in [(site.file("wiki.example"), 0o600), (site.file("x").with_file_name("account.key"), 0o600)] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // Every other path of the listener redirects.
    for path in ["/.well-known/acme-challenge/none", "/.well-known/acme-challenge/account.key", "/"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: wiki.example\r\n\r\n");
        let answer = raw::exchange(program.addresses()[0], request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::MOVED_PERMANENTLY, "{path}");
    }
    drop((program, pebble));

    let program = site.serve(&app, "wiki.example");
    assert_eq!(shown(&program, "wiki.example").await, Some(first));
    within(async {
        while metric(&program, "truegate_certificate_expiry_timestamp_seconds{host=\"wiki.example\"}").await == 0.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(metric(&program, "truegate_certificate_failures_total{host=\"wiki.example\"}").await, 0.0);
}

#[tokio::test]
async fn a_certificate_is_renewed_before_and_after_its_end() {
    let (app, port) = (Recorder::start().await, Port::reserve());
    let site = Site::new(port.address());
    // A third of eighty years is not left in this one.
    let (old, ended) = (Pair::dated("old.example", 1970, 2050), Pair::dated("ended.example", 1970, 2000));
    site.keep("old.example", &old);
    site.keep("ended.example", &ended);
    fs::write(site.file("spoilt.example"), "no PEM").unwrap();
    let program = site.serve(&app, "old.example, ended.example, spoilt.example");
    let before = [shown(&program, "old.example").await.unwrap(), shown(&program, "ended.example").await.unwrap()];
    assert!(old.is(&before[0]) && ended.is(&before[1]));

    program.told(&["could not be obtained"], 3).await;
    let _pebble = Pebble::start(port, program.addresses()[0], &site.authority).await;
    program.signal("HUP");

    for (host, before) in ["old.example", "ended.example"].into_iter().zip(before) {
        renewed(&program, host, Some(before)).await;
    }
    program.told(&["certificate obtained", "spoilt.example"], 1).await;
}

#[tokio::test]
async fn a_host_that_is_refused_is_told_and_leaves_the_others_alone() {
    let (app, port) = (Recorder::start().await, Port::reserve());
    let site = Site::new(port.address());
    let program = site.serve(&app, "blocked.example, nowhere.example, wiki.example");
    program.told(&["could not be obtained"], 3).await;
    let _pebble = Pebble::start(port, program.addresses()[0], &site.authority).await;
    program.signal("HUP");

    program.told(&["certificate obtained", "wiki.example"], 1).await;

    let blocked = program.told(&["could not be obtained", "blocked.example", "rejectedIdentifier"], 1).await;
    let nowhere = program.told(&["could not be obtained", "nowhere.example", "\"auth\""], 1).await;
    for line in [&blocked[0], &nowhere[0]] {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        // The second failure in a row.
        let pause = event["retry_s"].as_u64().unwrap();
        assert!((60..=120).contains(&pause), "{line}");
    }
    assert_eq!(metric(&program, "truegate_certificate_failures_total{host=\"blocked.example\"}").await, 2.0);
    renewed(&program, "wiki.example", None).await;
    // Nobody is shown the certificate of another host.
    assert!(shown(&program, "blocked.example").await.is_none() && shown(&program, "evil.example").await.is_none());
}
