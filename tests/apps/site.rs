//! A site: a fake Truecaller, and truegate in front of an app, with the configuration of the app's page.

use std::{fs, net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use truegate::simulator::Simulator;

use crate::{browser::Browser, page::Page, support::program::Program};

pub const ORIGIN: &str = "https://shop.example";

/// Somebody who has Truecaller.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub phone: &'static str,
    pub given_name: &'static str,
    pub family_name: &'static str,
}

pub const RAJAT: Person = Person { phone: "+919999999999", given_name: "Rajat", family_name: "Kapoor" };
pub const ASHA: Person = Person { phone: "+447911123456", given_name: "आशा", family_name: "राव" };
pub const PRIYA: Person = Person { phone: "+14155550123", given_name: "Priya", family_name: "" };

pub struct Site {
    truecaller: Simulator,
    truegate: Program,
    tls: Arc<ClientConfig>,
}

impl Site {
    /// Puts truegate in front of an app, as a page says.
    pub async fn of(page: &Page, shown: &str, app: SocketAddr) -> Self {
        let truecaller = Simulator::start().await.expect("a free port");
        let (folder, certificate) = folder_with_certificate();
        let text = page.file_at("truegate.yaml", shown, app);
        let more = format!(
            "\nadmin: {{ listen: 127.0.0.1:0 }}\nshutdown_grace: 0s\ntruecaller: {{ endpoints: [{}] }}\n",
            truecaller.endpoint()
        );
        let truegate = Program::serve_from(folder, &(filled_in(&text) + &more));
        Self { truecaller, truegate, tls: trusting(certificate) }
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.truegate.address(), Arc::clone(&self.tls))
    }

    /// Logs somebody in with a browser, whoever used it before.
    pub async fn log_in(&self, browser: &mut Browser, person: Person) {
        let started = browser.script("POST", "/.truegate/login", "").await;
        assert_eq!(started.status(), 201, "{started:#?}");
        let started: Value = serde_json::from_slice(&started.body).expect("JSON");
        let request_id = started["request_id"].as_str().expect("a request id");
        let profile = json!({
            "phoneNumbers": [person.phone.trim_start_matches('+')],
            "name": { "first": person.given_name, "last": person.family_name },
        });
        let (token, endpoint) = (self.truecaller.grant(profile.to_string()), self.truecaller.endpoint());
        let grant = json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint });
        let answer = self.browser().script("POST", CALLBACK, &grant.to_string()).await;
        assert_eq!(answer.status(), 204, "{answer:#?}");
        let path = format!("/.truegate/status?request_id={request_id}&since=pending&wait=25");
        let state = browser.script("GET", &path, "").await;
        assert_eq!((state.status(), state.text().contains("\"verified\"")), (200, true), "{state:#?}");
    }
}

/// The configuration with what the environment would give, on a port of the system's choice, and with time for a busy machine.
pub fn filled_in(text: &str) -> String {
    text.replace("0.0.0.0:443", "127.0.0.1:0")
        .replace("callback: {", "callback: { deadline: 20s,")
        .replace("/etc/truegate/", "")
        .replace("${TRUEGATE_CALLBACK_PATH}", CALLBACK)
        .replace("${TRUEGATE_SESSION_SECRET}", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .replace("${TRUECALLER_PARTNER_KEY}", "a-partner-key")
        .replace("${SHARED_SECRET}", SHARED_SECRET)
}

/// A folder with the site's certificate and its key, and the certificate once more.
pub fn folder_with_certificate() -> (TempDir, CertificateDer<'static>) {
    let folder = tempfile::tempdir().expect("a folder for the configuration");
    let certified = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).expect("a certificate");
    fs::write(folder.path().join("certificate.pem"), certified.cert.pem()).expect("the folder is ours");
    fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).expect("the folder is ours");
    (folder, certified.cert.der().clone())
}

/// A client's side of TLS that knows one certificate.
fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// As `truegate keys path` makes it.
const CALLBACK: &str = "/truecaller/callback-q7hWm2oPzK4yXc8bTfV1dA";
pub const SHARED_SECRET: &str = "aSecretThatOnlyTruegateAndTheAppKnow";
