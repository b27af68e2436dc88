//! The ids of requests: one for each, which the app, the client and the access log hear of.

use std::collections::HashSet;

use http::Request;
use tokio::net::TcpListener;
use truegate::simulator::{Call, Simulator};

use super::{
    access_log::{fields, lines},
    sessions::Site,
    setup::{self, CALLBACK, Talk},
    support::{
        edge::sessions::Sessions,
        program::Program,
        raw::{exchange, get, within},
        recorder::Recorder,
    },
    tls::{self, Http2, Pair, body},
};

const ON: &str = "request_id: true\nlog: { access: { to: access.log } }\n";

#[tokio::test]
async fn the_app_the_client_and_the_log_hear_of_the_same_id() {
    let app = Recorder::answering("HTTP/1.1 200 OK\r\nX-Request-Id: the-apps\r\nContent-Length: 2\r\n\r\nok").await;
    let program = Program::serve(&(setup::config(app.address()) + ON));
    let mut ids = HashSet::new();
    for count in 1..=3 {
        let answer =
            exchange(program.address(), get("/", "X-Request-Id: mine\r\nX_Request_Id: mine\r\n")).await.unwrap();
        let request = app.take().remove(0);

        let id = answer.one("x-request-id").unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!((request.one("x-request-id"), request.one("x_request_id")), (Some(id), None));
        assert_eq!(lines(&program, count).await.last().unwrap()["id"], id);
        ids.insert(id.to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_trusted_proxy_gives_the_id_and_nobody_else() {
    let app = Recorder::start().await;
    let trusted = "trusted_proxies: [127.0.0.1]\n";
    for (more, line, is_kept) in [
        (trusted, "X-Request-Id: 7f3a-b\r\n", true),
        (trusted, "X-Request-Id: a,b\r\n", false),
        (trusted, "X-Request-Id: a\r\nX-Request-Id: a\r\n", false),
        ("", "X-Request-Id: 7f3a-b\r\n", false),
    ] {
        let program = Program::serve(&(setup::config(app.address()) + ON + more));
        let answer = exchange(program.address(), get("/", line)).await.unwrap();
        let id = answer.one("x-request-id").unwrap();
        assert_eq!(id == "7f3a-b", is_kept, "{id}");
        assert_eq!(app.take().remove(0).all("x-request-id"), [id]);
        assert_eq!(lines(&program, 1).await[0]["id"], id);
    }
}

#[tokio::test]
async fn the_gateways_own_answers_have_it_too() {
    let app = Recorder::start().await;
    let program = Program::serve(&(setup::config(app.address()) + ON));
    let long = format!("/{}", "a".repeat(9000));
    for (count, target) in (1..).zip([&*long, "/truecaller/callback", "/truecaller/callback/"]) {
        let answer = exchange(program.address(), get(target, "")).await.unwrap();
        assert!(answer.status() >= 400);
        assert_eq!(lines(&program, count).await.last().unwrap()["id"], answer.one("x-request-id").unwrap());
    }
    drop(app);
    let lost = exchange(program.address(), get("/", "")).await.unwrap();
    assert_eq!((lost.status(), lost.one("x-request-id").unwrap().len()), (502, 32));
}

#[tokio::test]
async fn streams_of_one_connection_have_ids_of_their_own() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = tls::serve(&pair, &(setup::config_without_listener(app.address()) + ON));
    let mut client = Http2::connect(&pair, program.address()).await;
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let answer = client.send(Request::get("https://localhost/").body(body("")).unwrap()).await;
        ids.insert(answer.headers()["x-request-id"].clone());
    }
    let told = app.take().into_iter().map(|request| request.one("x-request-id").unwrap().parse().unwrap());
    assert_eq!(told.collect::<HashSet<http::HeaderValue>>(), ids);
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_callback_that_is_forwarded_after_its_answer_keeps_its_id() {
    let site = Site::open(&Sessions::usual(), "forward: true,", ON).await;
    let request_id = site.visitor().start_login().await;
    site.call(&request_id).await;
    let callback = within(async {
        loop {
            if let Some(callback) = site.app.seen().into_iter().find(|request| request.start.starts_with("POST ")) {
                break callback;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let lines = lines(&site.program, 2).await;
    let line = lines.iter().find(|line| line["path"] == "callback").unwrap();
    assert_eq!(callback.one("x-request-id"), line["id"].as_str());
}

#[tokio::test]
async fn there_are_ids_where_a_log_has_them_unless_the_operator_says_otherwise() {
    let app = Recorder::start().await;
    let log = "log: { access: { to: access.log } }\n";
    for (more, has_ids) in [
        (String::new(), false),
        (log.to_owned(), true),
        ("log: { audit: { to: audit.log } }\n".to_owned(), true),
        ("request_id: true\n".to_owned(), true),
        (format!("request_id: false\n{log}"), false),
    ] {
        let program = Program::serve(&(setup::config(app.address()) + &more));
        let answer = exchange(program.address(), get("/", "X-Request-Id: the, client's\r\n")).await.unwrap();
        assert_eq!(answer.one("x-request-id").is_some(), has_ids, "{more}");
        assert_eq!(app.take().remove(0).one("x-request-id") == Some("the, client's"), !has_ids, "{more}");
        if more.contains("access") {
            assert_eq!(fields(&lines(&program, 1).await[0], &["id"])[0] != "-", has_ids, "{more}");
        }
    }
}

#[tokio::test]
async fn an_interim_answer_has_no_id_and_a_websocket_has_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + ON));
    let mut client = Talk::connect(program.address()).await;
    client.say(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n")).await;
    let mut app = Talk::accept(&listener).await;
    app.hear("\r\n\r\n").await;
    app.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await;
    app.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    let [early, switched] = [client.hear("\r\n\r\n").await, client.hear("\r\n\r\n").await];
    assert!(early.starts_with("HTTP/1.1 103 ") && !early.to_ascii_lowercase().contains("x-request-id"), "{early}");
    assert!(switched.starts_with("HTTP/1.1 101 ") && switched.contains("X-Request-Id: "), "{switched}");
}

#[tokio::test]
async fn the_id_of_a_request_is_not_that_of_a_login() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&truecaller) + ON));
    let url = format!("http://{}{CALLBACK}", program.address());
    truecaller.call(&url, Call::grant().request_id("nonce-of-the-login-1")).await.unwrap();
    let line = lines(&program, 1).await.remove(0);
    assert!(!line.to_string().contains("nonce-of-the-login"), "{line}");
    assert_eq!(app.take()[0].one("x-request-id"), line["id"].as_str());
}
