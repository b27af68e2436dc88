//! Twenty reloads under steady load, half of them of configurations that are refused: not one request fails, and no connection is
//! closed.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, http::HeaderMap};
use http::Request;
use http_body_util::BodyExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinSet, yield_now},
};
use truegate::simulator::{Call, Simulator};

use super::{
    admin::metrics,
    app::App,
    setup::{self, CALLBACK, Talk},
    support::{
        edge::sessions::{Need, Sessions},
        program::Program,
        raw::within,
        visitor::Visitor,
    },
    tls::{Http2, Pair, body},
};

/// One of the clients, which counts its answers.
#[derive(Clone)]
struct Load {
    answers: Arc<AtomicUsize>,
    stopped: watch::Receiver<bool>,
    /// The app says this to the client.
    expected: &'static str,
}

impl Load {
    fn goes_on(&self) -> bool {
        !*self.stopped.borrow()
    }

    fn answered(&self, status: u16, text: &str) {
        assert_eq!((status, text), (200, self.expected));
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends one request after the other on one connection.
    async fn by_http_1(self, mut client: Talk<TcpStream>, cookie: String) {
        while self.goes_on() {
            client.say(format!("GET / HTTP/1.1\r\nHost: shop.example\r\n{cookie}\r\n")).await;
            let answer = client.message().await;
            self.answered(answer.status(), &answer.text());
        }
    }

    /// Sends requests on a connection that other clients share.
    async fn by_http_2(self, mut client: Http2Sender, cookie: Option<String>) {
        while self.goes_on() {
            let request = Request::get("https://shop.example/");
            let request = cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
            let answer = within(client.send_request(request.body(body("")).unwrap())).await.unwrap();
            let status = answer.status().as_u16();
            let text = within(answer.into_body().collect()).await.unwrap().to_bytes();
            self.answered(status, &String::from_utf8_lossy(&text));
        }
    }
}

type Http2Sender = hyper::client::conn::http2::SendRequest<super::tls::Body>;

/// An app that says whose request it got. It is slow to no one.
async fn app() -> App {
    App::start(Router::new().fallback(|headers: HeaderMap| async move {
        headers.get("x-truecaller-phone").map_or("nobody".to_owned(), |phone| phone.to_str().unwrap().to_owned())
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_configuration_is_read_again_and_again() {
    let (apps, truecaller, pair) = ([app().await, app().await], Simulator::start().await.unwrap(), Pair::new());
    let folder = tempfile::tempdir().unwrap();
    pair.write_certificate(folder.path());
    pair.write_key(folder.path());
    let sessions = Sessions { rules: vec![("/", Need::Optional)], ..Sessions::usual() };
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = |app: &App, more: &str| {
        let listen = "'127.0.0.1:0', { address: '127.0.0.1:0', certificate: certificate.pem, key: key.pem }";
        let rest = setup::config_without_listener(app.address()) + &setup::truecaller(&truecaller) + &sessions.yaml();
        format!("listen: [{listen}{more}]\n{rest}")
    };
    let program = Program::serve_from(folder, &config(&apps[0], ""));
    let [plain, secure] = program.addresses() else { panic!("two listeners") };
    let mut visitor = Visitor::at(*plain, Sessions::ORIGIN);
    let request_id = visitor.start_login().await;
    truecaller.call(&format!("http://{plain}{CALLBACK}"), Call::grant().request_id(&request_id)).await.unwrap();
    assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
    let cookie = format!("__Host-truegate={}", visitor.cookie("__Host-truegate").unwrap());

    let (stop, stopped) = watch::channel(false);
    let (mut clients, mut counts) = (JoinSet::new(), Vec::new());
    let mut load = |expected| {
        let load = Load { answers: Arc::default(), stopped: stopped.clone(), expected };
        counts.push(Arc::clone(&load.answers));
        load
    };
    let shared = Http2::connect(&pair, *secure).await;
    for _ in 0..2 {
        let client = Talk::connect(*plain).await;
        clients.spawn(load("nobody").by_http_1(client, String::new()));
        let client = Talk::connect(*plain).await;
        clients.spawn(load(PHONE).by_http_1(client, format!("Cookie: {cookie}\r\n")));
        clients.spawn(load("nobody").by_http_2(shared.sender(), None));
        clients.spawn(load(PHONE).by_http_2(shared.sender(), Some(cookie.clone())));
    }

    for round in 0..ROUNDS {
        let before: Vec<_> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let busy = config(&apps[1], &format!(", '{}'", taken.local_addr().unwrap()));
        let (wanted, is_good) = match round % 4 {
            0 => (config(&apps[1], ", '127.0.0.1:0'"), true),
            1 => (config(&apps[0], "") + "log: { levle: info }\n", false),
            2 => (config(&apps[0], ""), true),
            _ => (busy, false),
        };
        let end = program.reload(&wanted).await;
        assert_eq!(end["message"] == "reloaded", is_good, "{:#?}", program.log());
        let goes_on =
            |(count, before): (&Arc<AtomicUsize>, &usize)| count.load(Ordering::Relaxed) >= before + requests();
        while !counts.iter().zip(&before).all(goes_on) {
            assert!(clients.try_join_next().is_none_or(|ended| ended.is_ok()), "a client has failed");
            yield_now().await;
        }
    }
    stop.send_replace(true);
    within(clients.join_all()).await;

    let metrics = metrics(program.admin()).await;
    let total: usize = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
    eprintln!("{total} requests of {} clients, {ROUNDS} reloads", counts.len());
    for class in ["none", "1xx", "3xx", "4xx", "5xx"] {
        assert_eq!(metrics[&format!("truegate_responses_total{{class=\"{class}\"}}")], 0.0, "{class}");
    }
    let failures = metrics.iter().filter(|(name, _)| name.starts_with("truegate_upstream_failures_total"));
    assert_eq!(failures.map(|(_, count)| count).sum::<f64>(), 0.0, "{metrics:#?}");
}

/// How many requests each client sends at least between two reloads. More of them make a longer load.
fn requests() -> usize {
    env::var("TRUEGATE_RELOAD_LOAD").ok().and_then(|count| count.parse().ok()).unwrap_or(30)
}

const ROUNDS: usize = 20;
/// The phone number of the documented profile.
const PHONE: &str = "+919999999999";
