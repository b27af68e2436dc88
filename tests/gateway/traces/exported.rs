//! How spans reach the collector, and what happens if they do not.

use std::fs;

use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{
    super::{
        admin::metrics,
        setup::{self, Talk},
        support::{
            port::Port,
            program::Program,
            raw::{exchange, get, within},
            recorder::Recorder,
        },
        tls::Pair,
    },
    collector::{Collector, Exported},
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_stopped_program_loses_no_span() {
    const REQUESTS: usize = 700;
    let (app, collector) = (Recorder::start().await, Collector::start().await);
    let program = Program::serve(&(setup::config(app.address()) + &collector.yaml("")));
    let mut client = Talk::connect(program.address()).await;
    for _ in 0..REQUESTS {
        client.say(get("/", "")).await;
        assert_eq!(client.message().await.status(), 200);
    }

    program.signal("TERM");
    let (status, log) = setup::ended(program).await;

    assert_eq!(status.code(), Some(0));
    assert_eq!(Exported::of(&collector.seen()).all.len(), 3 * REQUESTS, "{log:#?}");
}

#[tokio::test]
async fn a_dead_collector_holds_up_no_request_and_no_stop_and_is_logged_once() {
    let (app, port) = (Recorder::start().await, Port::reserve());
    let telemetry = format!("telemetry: {{ otlp_endpoint: 'http://{}' }}\n", port.address());
    let program = Program::serve(&(setup::config(app.address()) + &telemetry));
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(exchange(program.address(), get("/", "")).await.unwrap().status(), 200);
        }
        program.told(&["spans cannot be exported", r#""cause":"connect""#], 1).await;
    }

    program.signal("TERM");
    let (status, log) = setup::ended(program).await;

    assert_eq!(status.code(), Some(0));
    assert_eq!(log.iter().filter(|line| line.contains("spans")).count(), 1, "{log:#?}");
}

#[tokio::test]
async fn a_collector_that_does_not_answer_holds_up_a_stop_for_two_seconds_at_most() {
    let app = Recorder::start().await;
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let telemetry = format!("telemetry: {{ otlp_endpoint: 'http://{}' }}\n", collector.local_addr().unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &telemetry));
    exchange(program.address(), get("/", "")).await.unwrap();
    let mut talk = Talk::accept(&collector).await;
    let asked = talk.message().await;

    program.signal("TERM");
    let (status, log) = setup::ended(program).await;

    assert_eq!(status.code(), Some(0));
    assert_eq!(Exported::of(&[asked]).all.len(), 3);
    assert!(log.iter().any(|line| line.contains("the last spans in time")), "{log:#?}");
}

#[tokio::test]
async fn spans_that_a_collector_refuses_are_counted() {
    // A partial success (field 1) with two rejected spans (field 1).
    const PARTIAL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x0a\x02\x08\x02";
    let cases = [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "failed", 3.0, Some("auth")),
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "failed", 3.0, Some("protocol")),
        (PARTIAL, "refused", 2.0, None),
    ];
    for (answer, cause, lost, logged) in cases {
        let (app, collector) = (Recorder::start().await, Collector::answering(answer).await);
        let program = Program::serve(&(setup::config(app.address()) + &collector.yaml("")));
        exchange(program.address(), get("/", "")).await.unwrap();
        let series = format!(r#"truegate_lost_spans_total{{cause="{cause}"}}"#);
        within(async { while metrics(program.admin()).await[&series] != lost {} }).await;
        if let Some(cause) = logged {
            program.told(&[&format!(r#""cause":"{cause}""#)], 1).await;
        }
        let lines = program.log().iter().filter(|line| line.contains("spans cannot be exported")).count();
        assert_eq!(lines, usize::from(logged.is_some()), "{:#?}", program.log());
    }
}

#[tokio::test]
async fn a_collector_that_is_busy_gets_the_same_spans_again() {
    let (app, collector) = (Recorder::start().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let telemetry = format!("telemetry: {{ otlp_endpoint: 'http://{}/base/' }}\n", collector.local_addr().unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &telemetry));
    exchange(program.address(), get("/", "")).await.unwrap();
    let mut talk = Talk::accept(&collector).await;
    let first = talk.message().await;
    assert_eq!(first.start, "POST /base/v1/traces HTTP/1.1");
    talk.say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    let again = talk.message().await;
    talk.say(OK).await;

    assert_eq!(first.body, again.body);
    program.told(&["spans are exported again"], 1).await;
}

#[tokio::test]
async fn https_and_credentials_protect_the_spans() {
    let (app, collector) = (Recorder::start().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (authority, folder) = (Pair::named(&["localhost"]), TempDir::new().unwrap());
    authority.write(&folder.path().join("ca.pem"), &folder.path().join("ca.key"));
    fs::write(folder.path().join("token"), "Bearer hunter2").unwrap();
    let port = collector.local_addr().unwrap().port();
    let telemetry = format!(
        "telemetry: {{ otlp_endpoint: 'https://localhost:{port}', otlp_ca_file: ca.pem, \
         otlp_headers: {{ Authorization: '${{file:token}}' }} }}\n"
    );
    let program = Program::serve_from(folder, &(setup::config(app.address()) + &telemetry));
    exchange(program.address(), get("/", "")).await.unwrap();
    let (stream, _) = within(collector.accept()).await.unwrap();
    let mut talk = Talk::over(within(authority.acceptor().accept(stream)).await.unwrap());
    let asked = talk.message().await;
    talk.say(OK).await;

    assert_eq!(asked.one("authorization"), Some("Bearer hunter2"));
    assert_eq!(Exported::of(&[asked]).all.len(), 3);
    program.signal("TERM");
    let (_, log) = setup::ended(program).await;
    assert!(!log.join("").contains("hunter2"), "{log:#?}");
}
