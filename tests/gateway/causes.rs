//! Why the app behind cannot be asked: in the log and in the metrics, and never in an answer.

use tempfile::TempDir;
use tokio::net::TcpListener;
use truegate::simulator::Simulator;

use super::{
    setup::{self, Talk},
    support::{port::Port, program::Program, raw},
};

/// Sends a request that fails, and gives the log line and the counter of its cause.
async fn failure(program: &Program, cause: &str) -> String {
    let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
    assert_eq!((answer.status(), &*answer.code()), (502, "upstream-unavailable"));
    assert!(!answer.text().contains(cause), "an answer tells no cause: {}", answer.text());
    told(program, cause).await
}

async fn told(program: &Program, cause: &str) -> String {
    let counted = format!("\ntruegate_upstream_failures_total{{upstream=\"default\",cause=\"{cause}\"}} 1\n");
    let metrics = raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    assert!(metrics.contains(&counted), "{counted} in {metrics}");
    program.told(&["upstream failed", &format!("\"cause\":\"{cause}\"")], 1).await.remove(0)
}

#[tokio::test]
async fn an_app_that_nobody_serves_is_a_failed_connection() {
    let closed = Port::reserve();
    failure(&Program::serve(&setup::config(closed.address())), "connect").await;
}

/// A name below `invalid` never exists (RFC 6761 §6.4).
#[tokio::test]
async fn a_name_that_nobody_knows_is_a_failure_of_dns() {
    let unknown = "http://nobody.invalid:";
    let config = setup::config(([127, 0, 0, 1], 80).into()).replace("http://127.0.0.1:", unknown);
    failure(&Program::serve(&config), "dns").await;
}

#[tokio::test]
async fn an_app_that_breaks_off_or_talks_nonsense_is_told_apart() {
    for (answer, cause) in [
        ("", "closed"),
        ("HTTP/1.1 2", "closed"),
        ("220 mail.example ESMTP\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\nno field\r\n\r\n", "protocol"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
        let app = async {
            let mut app = Talk::accept(&listener).await;
            app.message().await;
            app.say(answer).await;
        };
        let mut client = Talk::connect(program.address()).await;
        client.say(raw::post("/", b"a body that is not sent twice")).await;
        let (asked, ()) = tokio::join!(client.message(), app);
        assert_eq!(asked.code(), "upstream-unavailable", "{answer:?}");
        told(&program, cause).await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_says_why() {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let app = Simulator::builder().tls(pair.cert.pem(), pair.signing_key.serialize_pem()).start().await.unwrap();
    let upstream = format!("https://localhost:{}", app.address().port());
    let config = setup::config(app.address()).replace(&format!("http://{}", app.address()), &upstream);

    let line = failure(&Program::serve_from(TempDir::new().unwrap(), &config), "tls").await;

    assert!(line.contains(r#""tls":"unknown-issuer""#), "{line}");
}

#[tokio::test]
async fn an_app_that_does_not_speak_tls_says_so() {
    let app = Simulator::start().await.unwrap();
    let config = setup::config(app.address()).replace("http://127.0.0.1", "https://127.0.0.1");

    let line = failure(&Program::serve(&config), "tls").await;

    assert!(line.contains(r#""tls":"not-tls""#), "{line}");
}

#[tokio::test]
async fn an_app_that_says_nothing_is_told_apart() {
    // The system takes the connections, and nobody reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (scheme, limit) in [("http", "read"), ("https", "connect")] {
        let config = setup::config(listener.local_addr().unwrap()).replace("http:", &format!("{scheme}:"));
        failure(&Program::serve(&(config + &format!("timeouts: {{ {limit}: 1s }}\n"))), "timeout").await;
    }
}
