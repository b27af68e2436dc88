//! TLS to the servers of an app: whom the gateway trusts, what it shows, and that connections are never mixed up.

use std::path::Path;

use tempfile::TempDir;

use super::{
    app::{App, saying},
    setup::Talk,
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

/// The attack: two apps are at one address, and a connection that was made for one of them is at hand when the other one is
/// asked for, which trusts or shows something else.
#[tokio::test]
async fn a_kept_connection_of_one_app_never_serves_another_at_the_same_address() {
    let (pair, own) = (Pair::named(&["wiki.internal"]), Pair::new());
    let trust = "ca_file: app.pem, server_name: wiki.internal";
    let with_own = format!("{trust}, certificate: own.pem, key: own-key.pem");
    for (protocol, alpn) in [("http1", "http/1.1"), ("http2", "h2")] {
        for (client, first, other, status) in [
            (None, "insecure_skip_verify: true", "ca_file: own.pem, server_name: wiki.internal", 502),
            (None, "insecure_skip_verify: true", "server_name: wiki.internal", 502),
            (None, trust, "ca_file: app.pem, server_name: shop.internal", 502),
            (None, trust, "ca_file: app.pem", 502),
            (Some(&own), &with_own, trust, 502),
            (Some(&own), &with_own, "insecure_skip_verify: true", 502),
            (None, trust, "insecure_skip_verify: true", 200),
            (None, trust, trust, 200),
        ] {
            let app = App::counting_connections(pair.server(&[alpn], client)).await;
            let folder = TempDir::new().unwrap();
            write(folder.path(), [&pair, &own]);
            let upstream = |name: &str, tls: &str| {
                let url = format!("https://{}", app.address());
                let timeouts = "timeouts: { idle: 1h }";
                format!("  {name}: {{ url: '{url}', protocol: {protocol}, {timeouts}, tls: {{ {tls} }} }}\n")
            };
            // Each thread keeps connections of its own.
            let program = Program::serve_from(
                folder,
                &format!(
                    "{LISTEN}server: {{ threads: 1 }}\nupstreams:\n{}{}upstream: first\n\
                     routes: [{{ path: /other, upstream: other }}]\n",
                    upstream("first", first),
                    upstream("other", other)
                ),
            );
            // On one connection, a request begins when that of before has given its connection back.
            let mut talk = Talk::connect(program.address()).await;
            let mut ask = async |target: &str| {
                talk.say(raw::get(target, "")).await;
                let answer = talk.message().await;
                (answer.status(), answer.text())
            };
            let kept = ask("/").await;
            assert_eq!(kept.0, 200, "{protocol} {first}");
            assert_eq!(ask("/").await, kept, "{protocol} {first}: its connection is at hand");
            let answer = ask("/other").await;
            assert_eq!(answer.0, status, "{protocol} {first}, then {other}");
            assert_ne!(answer, kept, "{protocol} {first}, then {other}");
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
