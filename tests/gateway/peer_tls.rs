//! TLS to the servers of an app: whom the gateway trusts, what it shows, and that connections are never mixed up.

use std::path::Path;

use tempfile::TempDir;

use super::{
    app::{App, saying},
    support::{
        program::Program,
        raw::{self, exchange},
    },
    tls::Pair,
};

const LISTEN: &str = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\n";

/// The status of an answer of an app with these keys of `tls`. The folder has the pairs `app` and `own`.
async fn status(app: &App, pairs: [&Pair; 2], tls: &str, protocol: &str) -> u16 {
    let folder = TempDir::new().unwrap();
    write(folder.path(), pairs);
    let url = format!("https://127.0.0.1:{}", app.address().port());
    let program = Program::serve_from(
        folder,
        &format!("{LISTEN}upstream: {{ url: '{url}', protocol: {protocol}, tls: {{ {tls} }} }}\n"),
    );
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(exchange(program.address(), raw::get("/", "")).await.unwrap().status());
    }
    assert_eq!(statuses[0], statuses[1], "{tls}");
    statuses[0]
}

fn write(folder: &Path, [app, own]: [&Pair; 2]) {
    app.write(&folder.join("app.pem"), &folder.join("app-key.pem"));
    own.write(&folder.join("own.pem"), &folder.join("own-key.pem"));
}

#[tokio::test]
async fn an_app_is_trusted_by_its_authority_and_its_name() {
    let (pair, other) = (Pair::named(&["wiki.internal"]), Pair::new());
    for (protocol, alpn) in [("http1", &["http/1.1"][..]), ("http2", &["h2"]), ("http2", &["http/1.1"]), ("http2", &[])]
    {
        let app = App::with_tls(pair.server(alpn, None), saying("ok")).await;
        for (tls, expected) in [
            ("ca_file: app.pem, server_name: wiki.internal", 200),
            ("ca_file: app.pem", 502),
            ("ca_file: app.pem, server_name: shop.internal", 502),
            ("ca_file: own.pem, server_name: wiki.internal", 502),
            ("server_name: wiki.internal", 502),
            ("insecure_skip_verify: true", 200),
        ] {
            assert_eq!(status(&app, [&pair, &other], tls, protocol).await, expected, "{protocol} {alpn:?} {tls}");
        }
    }
}

#[tokio::test]
async fn an_app_that_asks_for_a_certificate_gets_the_gateways() {
    let (pair, own) = (Pair::named(&["wiki.internal"]), Pair::new());
    let trust = "ca_file: app.pem, server_name: wiki.internal";
    for (protocol, alpn) in [("http1", "http/1.1"), ("http2", "h2")] {
        let app = App::with_tls(pair.server(&[alpn], Some(&own)), saying("ok")).await;
        for (tls, expected) in [
            (format!("{trust}, certificate: own.pem, key: own-key.pem"), 200),
            (format!("{trust}, certificate: app.pem, key: app-key.pem"), 502),
            (trust.to_owned(), 502),
            ("insecure_skip_verify: true, certificate: own.pem, key: own-key.pem".to_owned(), 200),
        ] {
            assert_eq!(status(&app, [&pair, &own], &tls, protocol).await, expected, "{protocol} {tls}");
        }
    }
}

#[tokio::test]
async fn skipped_verification_is_warned_of_when_the_gateway_starts() {
    let program = Program::serve(&format!(
        "{LISTEN}upstream: {{ url: https://127.0.0.1:1, tls: {{ insecure_skip_verify: true }} }}\n"
    ));
    program.told(&["WARN", "insecure_skip_verify"], 1).await;
}
