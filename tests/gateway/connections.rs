//! Connections on both sides: how they are kept, lost and closed.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use truegate::{
    clock::{Clock, SystemClock},
    simulator::Simulator,
};

use super::{
    setup::{self, Talk},
    support::{program::Program, raw, raw::within, recorder::Recorder},
    tls::{Body, Http2, Pair, body, serve, text},
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An app that answers the first requests of each connection, then reads one more and closes.
struct Closing {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Closing {
    async fn after(answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let mut task = JoinSet::new();
        let keep = Arc::clone(&seen);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(play(stream, answers, Arc::clone(&keep)));
            }
        });
        Self { address, seen, _task: task }
    }

    /// The request lines that came.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn play(stream: TcpStream, answers: usize, seen: Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncWriteExt, BufReader};
    let mut stream = BufReader::new(stream);
    for number in 0..=answers {
        let Ok(Some(request)) = raw::Message::read_buffered(&mut stream).await else { return };
        let answer = if request.start.starts_with("HEAD ") { OK.strip_suffix("ok").unwrap() } else { OK };
        seen.lock().unwrap().push(request.start);
        if number < answers {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_app_has_closed_costs_no_request_that_can_be_repeated() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"] {
        let app = Closing::after(1).await;
        let program = Program::serve(&setup::config(app.address));
        for number in 0..6 {
            let request = format!("{method} /{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let mut client = Talk::connect(program.address()).await;
            client.say(request).await;
            let answer = String::from_utf8(client.rest().await).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{method} {number}: {answer}");
        }
        let twice = app.seen().len() - 6;
        assert!((1..=5).contains(&twice), "{:?}", app.seen());
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_app_has_closed_costs_no_http_2_request_either() {
    let (app, pair) = (Closing::after(1).await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address));
    let mut client = Http2::connect(&pair, program.address()).await;
    for number in 0..6 {
        let request = http::Request::get(format!("https://app.example/{number}")).body(body("")).unwrap();
        assert_eq!(text(client.send(request).await).await, "ok", "{number}");
    }
    assert!(app.seen().len() > 6, "{:?}", app.seen());
}

#[tokio::test]
async fn what_the_app_must_not_see_twice_is_never_sent_twice() {
    for (method, body) in [("POST", ""), ("POST", "a body"), ("PATCH", ""), ("PUT", "a body"), ("GET", "a body")] {
        let app = Closing::after(1).await;
        let program = Program::serve(&setup::config(app.address));
        for number in 0..6 {
            let length = body.len();
            let request = format!(
                "{method} /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let answer = raw::exchange(program.address(), request).await.unwrap();
            assert!([200, 502].contains(&answer.status()), "{answer:?}");
        }
        let mut seen = app.seen();
        seen.sort();
        let expected: Vec<_> = (0..6).map(|number| format!("{method} /{number} HTTP/1.1")).collect();
        assert_eq!(seen, expected, "{method} {body:?}");
    }
}

#[tokio::test]
async fn an_app_that_never_answers_is_asked_once_on_each_connection_it_may_have_dropped() {
    let app = Closing::after(0).await;
    let program = Program::serve(&setup::config(app.address));
    let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
    assert_eq!((answer.status(), &*answer.code()), (502, "upstream-unavailable"));
    assert_eq!(app.seen().len(), 1, "a connection of its own was lost, and there is no other address");
}

/// Where `localhost` has an address of each family; which addresses are planned is tested beside the plan.
#[tokio::test]
async fn a_request_that_can_be_repeated_goes_on_to_the_next_address() {
    let (dead, live) = loop {
        let dead = Closing::after(0).await;
        let known: Vec<_> = tokio::net::lookup_host(("localhost", dead.address.port())).await.unwrap().collect();
        let live = known.iter().find(|address| address.is_ipv6());
        let (Some(live), true) = (live, known.len() == 2) else { return println!("localhost has one address") };
        // Somebody else may have the same port of the other family.
        if let Ok(live) = TcpListener::bind(live).await {
            break (dead, live);
        }
    };
    let config = setup::config(dead.address).replace("http://127.0.0.1", "http://localhost");
    let program = Program::serve(&config);
    let app = async {
        let mut app = Talk::accept(&live).await;
        app.message().await;
        app.say(OK).await;
    };
    let (answer, ()) = tokio::join!(raw::exchange(program.address(), raw::get("/", "")), app);
    assert_eq!(answer.unwrap().status(), 200);
    assert!(dead.seen().len() <= 1, "{:?}", dead.seen());
}

#[tokio::test]
async fn an_app_that_is_silent_is_not_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = setup::config(listener.local_addr().unwrap()) + "timeouts: { read: 1s }\n";
    let program = Program::serve(&config);
    let app = async {
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        app.rest().await
    };
    let (answer, rest) = tokio::join!(raw::exchange(program.address(), raw::get("/", "")), app);
    assert_eq!((answer.unwrap().status(), rest), (502, vec![]));
    assert!(
        metrics(&program)
            .await
            .contains("truegate_upstream_failures_total{upstream=\"default\",cause=\"timeout\"} 1\n")
    );
}

#[tokio::test]
async fn a_silent_websocket_is_closed_and_is_nobodys_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = setup::config(listener.local_addr().unwrap()) + "timeouts: { read: 3s }\n";
    let program = Program::serve(&config);
    let mut client = Talk::connect(program.address()).await;
    client
        .say(
            "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    let mut app = Talk::accept(&listener).await;
    app.hear("\r\n\r\n").await;
    app.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    client.hear("\r\n\r\n").await;

    assert_eq!((client.rest().await, app.rest().await), (vec![], vec![]));

    let counted = metrics(&program).await;
    let failures: Vec<_> =
        counted.lines().filter(|line| line.starts_with("truegate_upstream_failures_total{")).collect();
    assert!(!failures.is_empty() && failures.iter().all(|line| line.ends_with(" 0")), "{failures:#?}");
    assert!(counted.contains("truegate_refusals_total{reason=\"body-timeout\"} 0\n"), "{counted}");
    assert!(!program.log().iter().any(|line| line.contains("upstream")), "{:?}", program.log());
}

async fn metrics(program: &Program) -> String {
    raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text()
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_an_answer() {
    let app = Closing::after(100).await;
    let program = Program::serve(&(setup::config(app.address) + "timeouts: { idle: 3s }\n"));
    for close in ["", "Connection: keep-alive\r\n"] {
        let mut client = Talk::connect(program.address()).await;
        for _ in 0..2 {
            client.say(raw::get("/", close)).await;
            let answer = client.message().await;
            assert_eq!((answer.status(), answer.one("connection")), (200, Some("keep-alive")));
        }
        assert_eq!(client.rest().await, b"", "closed by the gateway");
    }
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed_after_an_answer() {
    let (app, pair) = (Closing::after(100).await, Pair::new());
    let config = setup::config_without_listener(app.address) + "timeouts: { idle: 3s }\n";
    let program = serve(&pair, &config);
    let mut client = Http2::connect(&pair, program.address()).await;
    let request = http::Request::get("https://app.example/").body(body("")).unwrap();
    assert_eq!(text(client.send(request).await).await, "ok");
    within(client.closed()).await;
}

#[tokio::test]
async fn an_old_client_gets_no_chunks() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\n\r\nhello world";
    for (answer, closes) in [(chunked, true), (endless, true), (OK, false)] {
        for keep_alive in ["", "Connection: keep-alive\r\n"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
            let mut client = Talk::connect(program.address()).await;
            client.say(format!("GET / HTTP/1.0\r\nHost: a\r\n{keep_alive}\r\n")).await;
            let mut app = Talk::accept(&listener).await;
            app.message().await;
            app.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").await;
            app.say(answer).await;
            drop(app);

            let head = client.hear("\r\n\r\n").await.to_ascii_lowercase();

            assert!(head.starts_with("http/1.1 200 "), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
            let kept = !closes && !keep_alive.is_empty();
            assert!(head.contains(if kept { "connection: keep-alive" } else { "connection: close" }), "{head}");
            if kept {
                client.hear("ok").await;
                client.say("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
                let mut app = Talk::accept(&listener).await;
                app.message().await;
                app.say(OK).await;
                client.hear("ok").await;
            } else {
                let body = client.rest().await;
                assert_eq!(String::from_utf8_lossy(&body), if closes { "hello world" } else { "ok" });
            }
        }
    }
}

#[tokio::test]
async fn an_early_answer_of_the_app_is_read_by_a_client_that_sends_everything_first() {
    let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
    let program = serve(&pair, &setup::config_without_listener(listener.local_addr().unwrap()));
    let refuse = async || {
        let mut app = Talk::accept(&listener).await;
        app.hear("\r\n\r\n").await;
        app.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").await;
    };
    let length = 2_000_000;

    let send = async {
        let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        client.say(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
        client.say(vec![b'a'; length]).await;
        client.message().await
    };
    let (answer, ()) = tokio::join!(send, refuse());
    assert_eq!((answer.status(), &*answer.text()), (413, "no"));
}

#[tokio::test]
async fn the_rest_of_a_request_is_never_taken_for_a_head() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for body in ["GET http://A.Test:80/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "GET http://A.Test:80/ HTTP/1.1\r\n"] {
        let mut client = Talk::connect(program.address()).await;
        let head = format!("POST /b HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n", body.len());

        client.say(format!("GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n{head}")).await;
        assert_eq!(client.message().await.text(), "ok");
        client.say(format!("\r\n{body}")).await;
        assert_eq!(client.message().await.text(), "ok");
        client.say(raw::get("/c", "")).await;
        assert_eq!(client.message().await.text(), "ok");

        let seen: Vec<_> = app.take().iter().map(|request| (request.start.clone(), request.text())).collect();
        let expected = [("GET /a HTTP/1.1", ""), ("POST /b HTTP/1.1", body), ("GET /c HTTP/1.1", "")];
        assert_eq!(seen, expected.map(|(start, body)| (start.to_owned(), body.to_owned())));
    }
}

#[tokio::test]
async fn a_host_that_is_spelled_in_two_ways_is_served_on_a_connection_of_its_own() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let two_ways = "GET http://A.Test:80/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let mut client = Talk::connect(program.address()).await;
    client.say(two_ways).await;
    let answer = client.message().await;
    assert_eq!((answer.status(), answer.one("connection")), (200, Some("close")));
    assert_eq!(client.rest().await, b"");
    assert_eq!(app.take().remove(0).start, "GET /x HTTP/1.1");

    let mut client = Talk::connect(program.address()).await;
    for _ in 0..2 {
        client.say("GET http://a.test/y HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        assert_eq!(client.message().await.status(), 200);
        assert_eq!(app.take().remove(0).start, "GET /y HTTP/1.1");
    }
    client.say(two_ways).await;
    assert_eq!(client.message().await.status(), 400);
    assert_eq!(client.rest().await, b"");
    assert!(app.take().is_empty());
}

#[tokio::test]
async fn the_body_of_a_refused_request_that_the_client_rightly_withholds_is_not_waited_for() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let path = "a".repeat(9000);
    let head = format!("POST /{path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    for body in ["", "whole"] {
        let mut client = Talk::connect(program.address()).await;
        let asked = SystemClock.now();
        client.say(format!("{head}{body}")).await;
        let refused = client.message().await;
        let rest = client.rest().await;
        let taken = SystemClock.now() - asked;

        assert_eq!((refused.status(), refused.one("connection"), &*rest), (414, Some("close"), &b""[..]));
        assert!(taken < Duration::from_secs(4), "{body} {taken:?}");
    }
}

/// A body whose end never comes.
fn stalled() -> Body {
    let first = stream::once(future::ready(Ok(Frame::data(Bytes::from_static(b"a")))));
    BodyExt::boxed(StreamBody::new(first.chain(stream::pending())))
}

#[tokio::test]
async fn an_http_2_body_that_stalls_is_not_the_apps_failure() {
    for (body, status, refusals, failures) in [(stalled(), 408, 1, 0), (body("whole"), 502, 0, 1)] {
        let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
        let config = setup::config_without_listener(listener.local_addr().unwrap()) + "timeouts: { read: 1s }\n";
        let program = serve(&pair, &config);
        let mut client = Http2::connect(&pair, program.address()).await;
        let request = http::Request::post("https://app.example/").body(body).unwrap();

        assert_eq!(client.send(request).await.status().as_u16(), status);

        let counted = metrics(&program).await;
        for line in [
            format!("truegate_refusals_total{{reason=\"body-timeout\"}} {refusals}\n"),
            format!("truegate_upstream_failures_total{{upstream=\"default\",cause=\"timeout\"}} {failures}\n"),
        ] {
            assert!(counted.contains(&line), "{line}{counted}");
        }
    }
}

#[tokio::test]
async fn a_gateway_connects_to_truecaller_at_its_start_if_it_is_told_to() {
    let simulator = Simulator::start().await.unwrap();
    let config = setup::config(([127, 0, 0, 1], 9).into()) + &setup::truecaller(&simulator);
    let _program = Program::serve(&config.replace("truecaller: {", "truecaller: { connect_at_start: true,"));
    within(simulator.wait_for_connections(1)).await;
    assert_eq!(simulator.fetches(), 0);
}
