//! Bodies both ways, as they come.

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::{
    sessions::Site,
    setup::{self, Talk},
    support::{edge::sessions::Sessions, program::Program, raw, raw::within, recorder::Recorder, visitor::Visitor},
    tls::{self, Http2, Pair},
};

/// Both ends of a request.
pub(crate) struct Both {
    pub(crate) app: Talk<tokio::net::TcpStream>,
    pub(crate) client: Talk<tokio::net::TcpStream>,
    listener: TcpListener,
    pub(crate) program: Program,
}

/// A request whose head has come to the app.
async fn begin(request: &[u8]) -> Both {
    begin_with("", request).await
}

/// The same with more of a configuration.
async fn begin_with(more: &str, request: &[u8]) -> Both {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + more));
    let mut client = Talk::connect(program.address()).await;
    client.say(request).await;
    let mut app = Talk::accept(&listener).await;
    app.hear("\r\n\r\n").await;
    Both { app, client, listener, program }
}

#[tokio::test]
async fn an_answer_can_begin_while_the_request_goes_on() {
    let Both { mut app, mut client, program: _program, .. } =
        begin(b"POST /talk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    app.hear("first").await;
    app.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await;
    client.hear("one").await;
    client.say("6\r\nsecond\r\n").await;
    app.hear("second").await;
    app.say("3\r\ntwo\r\n").await;
    client.hear("two").await;
    client.say("0\r\n\r\n").await;
    app.hear("0\r\n\r\n").await;
    app.say("0\r\n\r\n").await;
    client.hear("0\r\n\r\n").await;
}

#[tokio::test]
async fn server_sent_events_arrive_one_by_one() {
    let Both { mut app, mut client, program: _program, .. } =
        begin(&raw::get("/events", "Accept: text/event-stream\r\n")).await;
    app.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
    for number in 0..5 {
        app.say(format!("data: {number}\n\n")).await;
        client.hear(&format!("data: {number}\n\n")).await;
    }
}

#[tokio::test]
async fn a_large_body_comes_through_whole_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let echo = async {
        let mut app = Talk::accept(&listener).await;
        let request = app.message().await;
        app.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body.len())).await;
        app.say(&request.body).await;
    };

    let (answer, ()) = tokio::join!(raw::exchange(program.address(), raw::post("/", &body)), echo);

    assert!(answer.unwrap().body == body);
}

#[tokio::test]
async fn a_websocket_lives_beside_other_requests() {
    let Both { mut app, mut client, listener, program } = open_socket("").await;
    for number in 0..3 {
        client.say(format!("\u{1}ping {number}\n")).await;
        app.hear(&format!("\u{1}ping {number}\n")).await;
        app.say(format!("\0pong {number}\n")).await;
        client.hear(&format!("\0pong {number}\n")).await;
        let other = async {
            let mut app = Talk::accept(&listener).await;
            app.hear("\r\n\r\n").await;
            app.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        };
        let (answer, ()) = tokio::join!(raw::exchange(program.address(), raw::get("/", "")), other);
        assert_eq!(answer.unwrap().status(), 200);
    }
    drop(client);
    assert_eq!(app.rest().await, b"");
}

#[tokio::test]
async fn a_websocket_ends_when_the_app_ends_it() {
    let Both { app, mut client, program: _program, .. } = open_socket("").await;
    drop(app);
    assert_eq!(client.rest().await, b"");
}

/// A socket over which a first word has gone, opened again if need be, as browsers do. The configuration has more keys.
///
/// pingora 0.9.1 closes one whose app has answered before pingora has noticed that the request has no body:
/// <https://github.com/cloudflare/pingora/issues/946>. An app on a busy machine can be that quick.
pub(crate) async fn open_socket(config: &str) -> Both {
    for _ in 0..10 {
        let mut both = begin_with(config, HANDSHAKE).await;
        both.app.say(SWITCHED).await;
        let head = both.client.hear("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        both.client.say("hello\n").await;
        if both.app.hears("hello\n").await {
            return both;
        }
    }
    panic!("no socket stayed open");
}

pub(crate) const HANDSHAKE: &[u8] = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
pub(crate) const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[tokio::test]
async fn a_websocket_handshake_says_what_the_client_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = Talk::connect(program.address()).await;
    client
        .say(raw::get(
            "/socket",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\nX-Truecaller-Name: M\r\n",
        ))
        .await;

    let head = Talk::accept(&listener).await.hear("\r\n\r\n").await.to_ascii_lowercase();

    for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-protocol: chat"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("truecaller"), "{head}");
}

/// A front proxy sends the requests of many users over one connection.
#[tokio::test]
async fn an_http_2_stream_ends_with_its_session_and_leaves_the_others_alone() {
    const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent";
    let (sessions, app, pair) = (Sessions::usual(), Recorder::answering(EVENTS).await, Pair::new());
    // Any gateway with the secret knows who logged in here.
    let site = Site::open(&sessions, "", "").await;
    let (one, other) = (site.signed_in().await, site.signed_in().await);
    let config =
        setup::config_without_listener(app.address()) + &setup::truecaller(&site.truecaller) + &sessions.yaml();
    let program = tls::serve(&pair, &config);
    let mut client = Http2::connect(&pair, program.address()).await;
    let mut streams = Vec::new();
    for browser in [&one, &other] {
        let answer = client.send(request(browser, "GET", "/events")).await;
        let mut stream = answer.into_body();
        assert_eq!(within(stream.frame()).await.unwrap().unwrap().into_data().unwrap(), "event");
        streams.push(stream);
    }

    assert_eq!(client.send(request(&one, "POST", "/.truegate/logout")).await.status(), StatusCode::NO_CONTENT);

    assert!(ends(&mut streams[0]).await);
    assert_eq!(client.send(request(&other, "GET", "/.truegate/me")).await.status(), StatusCode::OK);
    assert!(futures_util::FutureExt::now_or_never(streams[1].frame()).is_none(), "it goes on");
    assert_eq!(client.send(request(&other, "POST", "/.truegate/logout")).await.status(), StatusCode::NO_CONTENT);
    assert!(ends(&mut streams[1]).await);
    let counted = "\ntruegate_responses_total{class=\"2xx\"} 5\n";
    let metrics = async || raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    within(async { while !metrics().await.contains(counted) {} }).await;
    let page = metrics().await;
    let mut failures = page.lines().filter(|line| line.starts_with("truegate_upstream_failures_total"));
    assert!(failures.all(|line| line.ends_with(" 0")), "the app did nothing wrong: {page}");
}

#[tokio::test]
async fn an_http_2_request_without_an_answer_yet_learns_that_its_session_has_ended() {
    let (sessions, pair) = (Sessions::usual(), Pair::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = Site::open(&sessions, "", "").await;
    let browser = site.signed_in().await;
    let upstream = setup::config_without_listener(listener.local_addr().unwrap());
    let program = tls::serve(&pair, &(upstream + &setup::truecaller(&site.truecaller) + &sessions.yaml()));
    let mut client = Http2::connect(&pair, program.address()).await;
    let mut other = Http2::connect(&pair, program.address()).await;
    let app = async {
        let mut app = Talk::accept(&listener).await;
        app.hear("\r\n\r\n").await;
        let logout = other.send(request(&browser, "POST", "/.truegate/logout")).await;
        assert_eq!(logout.status(), StatusCode::NO_CONTENT);
        app.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\na secret").await;
    };

    let (answer, ()) = tokio::join!(client.send(request(&browser, "GET", "/report")), app);

    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(tls::text(answer).await.contains("not-signed-in"));
}

fn request(browser: &Visitor, method: &str, path: &str) -> Request<tls::Body> {
    let cookie = format!("__Host-truegate={}", browser.cookie("__Host-truegate").unwrap());
    let request = Request::builder().method(method).uri(format!("https://shop.example{path}"));
    request.header("cookie", cookie).header("origin", Sessions::ORIGIN).body(tls::body("")).unwrap()
}

/// Whether nothing more comes, by an end or by a reset.
async fn ends(stream: &mut Incoming) -> bool {
    within(stream.frame()).await.is_none_or(|frame| frame.is_err())
}
