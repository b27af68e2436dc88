//! An app that is down, comes back, breaks off, or has a name.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use truegate::simulator::{Call, Simulator};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, recorder::Recorder},
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A port that is taken and that nobody listens on.
fn closed() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn an_app_that_is_down_is_said_to_be_and_is_served_again_when_it_is_up() {
    let (socket, address) = closed();
    let program = Program::serve(&setup::config(address));
    for _ in 0..2 {
        let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
        assert_eq!((answer.status(), &*answer.code()), (502, "upstream-unavailable"));
        assert_eq!(answer.one("content-type"), Some("application/problem+json"));
        assert!(!answer.text().contains(&address.port().to_string()), "{}", answer.text());
    }

    let listener = socket.listen(8).unwrap();
    let app = async {
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        app.say(OK).await;
    };
    let (answer, ()) = tokio::join!(raw::exchange(program.address(), raw::get("/", "")), app);
    assert_eq!(answer.unwrap().text(), "ok");
}

#[tokio::test]
async fn an_interim_answer_is_no_answer() {
    let (_socket, address) = closed();
    let program = Program::serve(&setup::config(address));
    let body = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
    let mut client = Talk::connect(program.address()).await;
    client
        .say(format!(
            "POST /truecaller/callback HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    assert_eq!(client.message().await.status(), 100);
    assert_eq!(client.message().await.code(), "upstream-unavailable");
}

#[tokio::test]
async fn a_request_that_names_no_host_gets_the_apps() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let answer = raw::exchange(program.address(), "GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(app.seen()[0].one("host"), Some(&*app.address().to_string()));
}

#[tokio::test]
async fn a_verified_callback_that_no_app_takes_is_answered_502() {
    let (_socket, address) = closed();
    let simulator = Simulator::start().await.unwrap();
    let program = Program::serve(&(setup::config(address) + &setup::truecaller(&simulator)));

    let url = format!("http://{}{CALLBACK}", program.address());
    let posted = simulator.call(&url, Call::grant()).await.unwrap();

    assert_eq!((posted[0].answer.status.as_u16(), simulator.fetches()), (502, 1));
}

#[tokio::test]
async fn an_app_that_breaks_off_takes_nobody_else_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    for part in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "no HTTP at all\r\n\r\n"] {
        let mut client = Talk::connect(program.address()).await;
        client.say(raw::post("/", b"a body that is not sent twice")).await;
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        app.say(part).await;
        drop(app);

        let answer = String::from_utf8(client.rest().await).unwrap();

        match part.contains("200 OK") {
            true => assert!(answer.ends_with("\r\n\r\nhalf"), "{answer}"),
            false => assert!(answer.contains("upstream-unavailable"), "{part:?}: {answer}"),
        }
    }
    let next = async {
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        app.say(OK).await;
    };
    let (answer, ()) = tokio::join!(raw::exchange(program.address(), raw::get("/", "")), next);
    assert_eq!(answer.unwrap().text(), "ok");
}

#[tokio::test]
async fn an_app_may_answer_without_reading_the_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = Talk::connect(program.address()).await;
    client.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin").await;
    let mut app = Talk::accept(&listener).await;
    app.hear("begin").await;
    app.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").await;
    drop(app);
    assert_eq!(client.message().await.text(), "no");
}

/// `localhost` has an address of each family on most machines, and the app listens on one.
#[tokio::test]
async fn the_addresses_of_a_name_are_tried_in_turn() {
    let app = Recorder::start().await;
    let config = setup::config(app.address()).replace("http://127.0.0.1", "http://localhost");
    let program = Program::serve(&config);
    for _ in 0..3 {
        assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().status(), 200);
    }
    assert_eq!(app.take().len(), 3);
}

/// A name below `invalid` never exists (RFC 6761 §6.4).
#[tokio::test]
async fn a_name_that_nobody_knows_is_a_warning_and_no_reason_not_to_start() {
    let unknown = "http://nobody.invalid:";
    let config = setup::config(([127, 0, 0, 1], 80).into()).replace("http://127.0.0.1:", unknown);
    let program = Program::serve(&config);

    let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();

    assert_eq!((answer.status(), &*answer.code()), (502, "upstream-unavailable"));
    program.told(&["WARN", "could not be resolved", ".invalid"], 1).await;
}
