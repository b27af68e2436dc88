//! Servers that say that they cannot serve, and that they can again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{Router, extract::Request, http::StatusCode, routing::get};
use tokio::sync::Notify;

use super::{
    app::App,
    support::{
        port::Port,
        program::Program,
        raw::{self, exchange, within},
    },
    tls::Pair,
};

/// A server that is healthy or not, and holds requests for `/slow` until it is told.
#[derive(Clone)]
struct Server {
    is_healthy: Arc<AtomicBool>,
    /// How many requests for `/slow` came.
    held: Arc<AtomicUsize>,
    slow: Arc<Notify>,
    /// Whether a health check carried anything that only requests of users do.
    gave_away: Arc<AtomicBool>,
}

impl Server {
    async fn start(name: &'static str) -> (Self, App) {
        let server = Self {
            is_healthy: Arc::new(AtomicBool::new(true)),
            held: Arc::default(),
            slow: Arc::default(),
            gave_away: Arc::default(),
        };
        let (of_checks, of_slow) = (server.clone(), server.clone());
        let health = get(move |request: Request| async move {
            let names = request.headers().keys().map(http::HeaderName::as_str);
            let is_known = |name| ["host", "user-agent"].contains(&name);
            of_checks.gave_away.fetch_or(!names.into_iter().all(is_known), Ordering::Relaxed);
            match of_checks.is_healthy.load(Ordering::Relaxed) {
                true => StatusCode::NO_CONTENT,
                false => StatusCode::SERVICE_UNAVAILABLE,
            }
        });
        let slow = get(move || async move {
            of_slow.held.fetch_add(1, Ordering::Relaxed);
            of_slow.slow.notified().await;
            name
        });
        let routes = Router::new().route("/healthz", health).route("/slow", slow).fallback(move || async move { name });
        (server, App::start(routes).await)
    }

    fn set_healthy(&self, is_healthy: bool) {
        self.is_healthy.store(is_healthy, Ordering::Relaxed);
    }
}

const HEALTH: &str = "health: { path: /healthz, interval: 100ms, timeout: 10s, healthy_after: 2, unhealthy_after: 2 }";

fn config(apps: &[&App], keys: &str) -> String {
    let servers: Vec<_> = apps.iter().map(|app| format!("http://{}", app.address())).collect();
    format!(
        "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nupstreams: {{ shop: {{ servers: ['{}'], {keys} }} }}\nupstream: shop\n",
        servers.join("', '")
    )
}

/// Waits until so many servers are known to be healthy.
async fn up(program: &Program, count: usize) {
    let line = format!("\ntruegate_upstream_servers{{upstream=\"shop\",state=\"up\"}} {count}\n");
    let metrics = async || exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    within(async { while !metrics().await.contains(&line) {} }).await;
}

async fn texts(program: &Program, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(exchange(program.address(), raw::get("/", "")).await.unwrap().text());
    }
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn an_unhealthy_server_gets_no_requests_until_it_is_healthy_again() {
    let ((a, app_a), (b, app_b)) = (Server::start("a").await, Server::start("b").await);
    let program = Program::serve(&config(&[&app_a, &app_b], HEALTH));
    up(&program, 2).await;
    assert_eq!(texts(&program, 4).await, ["a", "a", "b", "b"]);

    b.set_healthy(false);
    up(&program, 1).await;
    assert_eq!(texts(&program, 4).await, ["a"; 4]);
    program.told(&["WARN", "a server is unhealthy", r#""upstream":"shop""#, &app_b.address().to_string()], 1).await;

    b.set_healthy(true);
    up(&program, 2).await;
    assert_eq!(texts(&program, 4).await, ["a", "a", "b", "b"]);
    program.told(&["INFO", "healthy again", r#""upstream":"shop""#], 1).await;
    for server in [&a, &b] {
        assert!(!server.gave_away.load(Ordering::Relaxed), "a check carries no identity");
    }
}

#[tokio::test]
async fn a_server_that_becomes_unhealthy_loses_no_request_in_flight() {
    let ((a, app_a), (b, app_b)) = (Server::start("a").await, Server::start("b").await);
    let program = Program::serve(&config(&[&app_a, &app_b], HEALTH));
    let slow = || exchange(program.address(), raw::get("/slow", ""));
    let meanwhile = async {
        within(async {
            while [&a, &b].iter().any(|server| server.held.load(Ordering::Relaxed) == 0) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        a.set_healthy(false);
        up(&program, 1).await;
        assert_eq!(texts(&program, 3).await, ["b"; 3]);
        [&a, &b].iter().for_each(|server| server.slow.notify_one());
    };
    let (one, two, ()) = tokio::join!(slow(), slow(), meanwhile);
    let mut answers = [one.unwrap().text(), two.unwrap().text()];
    answers.sort_unstable();
    assert_eq!(answers, ["a", "b"]);
}

#[tokio::test]
async fn if_no_server_is_healthy_the_app_is_said_not_to_be_ready() {
    for count in [1, 2] {
        let servers = [Server::start("a").await, Server::start("b").await];
        servers.iter().for_each(|(server, _)| server.set_healthy(false));
        let apps: Vec<_> = servers.iter().take(count).map(|(_, app)| app).collect();
        let program = Program::serve(&config(&apps, HEALTH));
        up(&program, 0).await;
        let answer = exchange(program.address(), raw::post("/", b"a body")).await.unwrap();
        assert_eq!((answer.status(), &*answer.code()), (503, "upstream-unhealthy"));
        assert_eq!(answer.one("retry-after"), Some("5"));
        let metrics = exchange(program.admin(), raw::scrape("")).await.unwrap().text();
        let counted = r#"truegate_upstream_failures_total{upstream="shop",cause="unhealthy"} 1"#;
        assert!(metrics.contains(counted), "{metrics}");
        program.told(&["upstream failed", r#""upstream":"shop""#, r#""cause":"unhealthy""#], 1).await;
        servers.iter().for_each(|(server, _)| server.set_healthy(true));
        up(&program, count).await;
        assert_eq!(exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn servers_are_asked_by_the_way_that_requests_go() {
    let (pair, own) = (Pair::named(&["wiki.internal"]), Pair::new());
    for (protocol, alpn) in [("http1", None), ("http2", None), ("http1", Some("http/1.1")), ("http2", Some("h2"))] {
        let is_healthy = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_healthy);
        let routes = Router::new().fallback(move || async move {
            if told.load(Ordering::Relaxed) { StatusCode::FOUND } else { StatusCode::NOT_FOUND }
        });
        let (app, scheme, tls) = match alpn {
            Some(alpn) => (
                App::with_tls(pair.server(&[alpn], Some(&own)), routes).await,
                "https",
                "tls: { ca_file: app.pem, server_name: wiki.internal, certificate: own.pem, key: own-key.pem }",
            ),
            None => (App::start(routes).await, "http", ""),
        };
        let folder = tempfile::TempDir::new().unwrap();
        pair.write(&folder.path().join("app.pem"), &folder.path().join("app-key.pem"));
        own.write(&folder.path().join("own.pem"), &folder.path().join("own-key.pem"));
        let keys = format!("{HEALTH}, protocol: {protocol}, {tls}");
        let config = config(&[&app], &keys).replace("http://", &format!("{scheme}://"));
        let program = Program::serve_from(folder, &config);
        up(&program, 0).await;
        is_healthy.store(true, Ordering::Relaxed);
        up(&program, 1).await;
    }
}

#[tokio::test]
async fn without_a_path_a_server_is_healthy_that_accepts_a_connection() {
    let (port, (_a, app_a)) = (Port::reserve(), Server::start("a").await);
    let address = port.address();
    let config = config(&[&app_a], "health: { interval: 100ms, timeout: 10s, healthy_after: 1, unhealthy_after: 1 }");
    let config = config.replace(
        &format!("'http://{}'", app_a.address()),
        &format!("'http://{}', 'http://{address}'", app_a.address()),
    );
    let program = Program::serve(&config);
    up(&program, 1).await;
    assert_eq!(texts(&program, 3).await, ["a"; 3]);
    let _app = App::on(port, super::app::saying("b")).await;
    up(&program, 2).await;
    assert_eq!(texts(&program, 2).await, ["a", "b"]);
}
