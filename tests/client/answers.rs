//! What is read of an answer, and no more.

use std::{io, net::TcpListener as StdListener};

use truegate::{
    cause::Cause,
    profile::{FetchError, ProfileClient},
    simulator::{Fault, Simulator},
};

use super::{client, outcome, support::recorder::Recorder, unavailable};

#[tokio::test]
async fn a_profile_may_be_as_large_as_the_limit_and_no_larger() {
    let simulator = Simulator::start().await.unwrap();
    let small = ProfileClient::builder().profile_limit(4096).build().unwrap();
    for (client, size, expected) in [
        (&client(1), 65_536, Ok(())),
        (&client(1), 65_537, Err(FetchError::Unusable)),
        (&small, 4096, Ok(())),
        (&small, 4097, Err(FetchError::Unusable)),
    ] {
        simulator.set_fault(Fault::Sized(size));
        assert_eq!(outcome(client, simulator.endpoint()).await, expected, "{size}");
    }
}

#[tokio::test]
async fn what_is_announced_as_too_large_is_not_waited_for() {
    let endpoint = Recorder::answering("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n").await;
    assert_eq!(outcome(&client(2), &url(&endpoint)).await, Err(FetchError::Unusable));
    assert_eq!(endpoint.seen().len(), 1);
}

/// The answer never ends: whoever reads on, hangs.
#[tokio::test]
async fn what_grows_too_large_is_not_read_on() {
    let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n{}\r\n", " ".repeat(0x1_0001));
    let endpoint = Recorder::answering(answer.leak()).await;
    assert_eq!(outcome(&client(2), &url(&endpoint)).await, Err(FetchError::Unusable));
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let simulator = Simulator::start().await.unwrap();
    let trap = StdListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/v1/default", trap.local_addr().unwrap());
    for location in [&*elsewhere, "/v1/other", simulator.endpoint()] {
        simulator.set_fault(Fault::Redirect(location.parse().unwrap()));
        assert_eq!(outcome(&client(3), simulator.endpoint()).await, Err(FetchError::Unusable), "{location}");
    }
    assert_eq!(simulator.fetches(), 3);
    assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_said_to_be_the_cause() {
    let endpoint = Recorder::answering("220 mail.example ESMTP\r\n\r\n").await;
    assert_eq!(outcome(&client(1), &url(&endpoint)).await, unavailable(Cause::Protocol));
}

fn url(endpoint: &Recorder) -> String {
    format!("http://{}/v1/default", endpoint.address())
}
