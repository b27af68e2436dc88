//! Apps that come, go and change with the configuration.

use std::fs;

use tempfile::TempDir;

use super::{
    admin::metrics,
    app::{App, saying},
    reload::app,
    setup,
    support::{
        port::Port,
        program::Program,
        raw::{self, exchange},
    },
    tls::Pair,
};

#[tokio::test]
async fn an_app_that_has_not_changed_keeps_what_is_known_of_its_servers() {
    let (live, other, dead) = (app("live").await, app("other").await, Port::reserve());
    let servers = format!("servers: ['http://{}', 'http://{}']", live.address(), dead.address());
    let health = "health: { interval: 1h, timeout: 1s, unhealthy_after: 1 }";
    let config = |default: &str| {
        format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: {default}\nupstreams:\n  \
             a: {{ {servers}, {health} }}\n  b: http://{}\n",
            other.address()
        )
    };
    let program = Program::serve(&config("a"));
    program.told(&["a server is unhealthy"], 1).await;

    program.reloaded(&config("b")).await;
    assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "other");
    program.reloaded(&config("a")).await;

    for _ in 0..8 {
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "live");
    }
    let metrics = metrics(program.admin()).await;
    assert_eq!(metrics[r#"truegate_upstream_servers{upstream="a",state="up"}"#], 1.0);
    assert_eq!(metrics[r#"truegate_upstream_failures_total{upstream="a",cause="connect"}"#], 0.0);
    assert_eq!(program.told(&["a server is unhealthy"], 1).await.len(), 1, "nobody had to find out again");
}

#[tokio::test]
async fn the_series_of_an_app_come_and_go_with_it() {
    let (one, two) = (app("one").await, app("two").await);
    let config = |name: &str, app: &super::support::recorder::Recorder| {
        format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstream: {name}\nupstreams: {{ {name}: 'http://{}' }}\n",
            app.address()
        )
    };
    let program = Program::serve(&config("one", &one));
    program.reloaded(&config("two", &two)).await;
    let metrics = metrics(program.admin()).await;
    let named = |name: &str| metrics.keys().filter(|series| series.contains(&format!("upstream=\"{name}\""))).count();
    assert_eq!((named("one"), named("two") > 3), (0, true), "{metrics:#?}");
}

/// A process that starts without such an app gives its threads no roots, and pingora needs some even if it verifies nothing.
#[tokio::test]
async fn an_app_with_tls_may_come_later() {
    let (plain, pair) = (app("plain").await, Pair::new());
    let secure = App::with_tls(pair.server(&["http/1.1"], None), saying("secure")).await;
    let folder = TempDir::new().unwrap();
    pair.write_certificate(folder.path());
    let program = Program::serve_from(folder, &setup::config(plain.address()));
    let url = format!("https://localhost:{}", secure.address().port());
    for (tls, status) in
        [("insecure_skip_verify: true", 200), ("server_name: localhost", 502), ("ca_file: certificate.pem", 200)]
    {
        let config = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\n";
        program.reloaded(&format!("{config}upstream: {{ url: '{url}', tls: {{ {tls} }} }}\n")).await;
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), status, "{tls}");
    }
}

/// The attack: a connection that was made without any verification is at hand when the configuration asks for one.
#[tokio::test]
async fn a_kept_connection_of_an_earlier_configuration_is_never_used_for_a_stricter_one() {
    let (pair, other) = (Pair::new(), Pair::new());
    for (protocol, alpn) in [("http1", "http/1.1"), ("http2", "h2")] {
        let app = App::with_tls(pair.server(&[alpn], None), saying("ok")).await;
        let folder = TempDir::new().unwrap();
        other.write_certificate(folder.path());
        let url = format!("https://localhost:{}", app.address().port());
        let config = |tls: &str| {
            format!(
                "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nserver: {{ threads: 1 }}\n\
                 upstream: {{ url: '{url}', protocol: {protocol}, tls: {{ {tls} }} }}\n"
            )
        };
        let program = Program::serve_from(folder, &config("insecure_skip_verify: true"));
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);

        program.reloaded(&config("ca_file: certificate.pem")).await;
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 502, "{protocol}");

        fs::write(program.folder().join("certificate.pem"), pair.pem()).unwrap();
        program.reloaded(&config("ca_file: certificate.pem")).await;
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200, "{protocol}");
    }
}
