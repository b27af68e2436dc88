//! The callbacks that are posted.

use std::{pin::pin, time::Duration};

use http::{Method, StatusCode, Version};
use serde_json::Value;
use tokio::{net::TcpSocket, time::timeout};
use truegate::simulator::{Call, CallError, DOCUMENTED_TOKEN, Simulator};

use crate::support::{Client, Route};

#[tokio::test]
async fn a_callback_is_posted_as_truecaller_does() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);

    let posted = simulator.call(&route.url, Call::grant()).await.unwrap();

    let request = &route.requests()[0];
    assert_eq!((&request.method, request.version), (&Method::POST, Version::HTTP_11));
    assert_eq!(request.headers["content-type"], "application/json");
    let mut names = request.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "host"]);
    assert_eq!(request.body, posted[0].body);
    assert_eq!(posted[0].answer.status, StatusCode::ACCEPTED);
    assert_eq!(posted[0].answer.headers["x-route"], "callback");
    assert_eq!(posted[0].answer.body, "heard");
}

#[tokio::test]
async fn the_path_is_sent_as_it_was_written() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let url: http::Uri = route.url.parse().unwrap();
    let address = url.authority().unwrap().as_str();

    simulator.post(&format!("http://user@{address}//a/%2e%2E/b?c"), "{}").await.unwrap();

    let request = &route.requests()[0];
    assert_eq!(request.target, "//a/%2e%2E/b?c");
    assert_eq!(request.headers["host"], address);
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn each_kind_of_callback_has_its_members() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    for (kind, status) in
        [("refusal", "user_rejected"), ("another-number", "use_another_number"), ("flow-invoked", "flow_invoked")]
    {
        let posted = simulator.call(&route.url, kind.parse().unwrap()).await.unwrap();
        let body: Value = serde_json::from_slice(&posted[0].body).unwrap();
        assert_eq!(body["status"], status);
        assert_eq!(body["requestId"].as_str().unwrap().len(), 28);
        assert_eq!(body.as_object().unwrap().len(), 2);
    }
    let posted = simulator.call(&route.url, Call::grant()).await.unwrap();
    let body: Value = serde_json::from_slice(&posted[0].body).unwrap();
    assert_eq!(body["endpoint"], simulator.endpoint());
    assert_eq!(body.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn the_token_of_a_grant_gives_the_profile_of_the_call() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let call = Call::grant().request_id("nonce-of-a-login").endpoint("https://evil.example/").profile("{}");

    let posted = simulator.call(&route.url, call).await.unwrap();

    let body: Value = serde_json::from_slice(&posted[0].body).unwrap();
    assert_eq!(body["requestId"], "nonce-of-a-login");
    assert_eq!(body["endpoint"], "https://evil.example/");
    let token = body["accessToken"].as_str().unwrap();
    assert_eq!(Client::default().fetch(&simulator, token).await.unwrap().body, "{}");
}

#[tokio::test]
async fn twice_is_the_same_callback_and_two_calls_are_two() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let twice = simulator.call(&route.url, Call::twice()).await.unwrap();
    simulator.call(&route.url, Call::grant()).await.unwrap();

    let [first, second, third] = &route.requests()[..] else { panic!("there were three") };

    assert_eq!(twice.len(), 2);
    assert_eq!(first.body, second.body);
    assert_ne!(first.body, third.body);
}

#[tokio::test(start_paused = true)]
async fn a_late_callback_comes_after_its_delay() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let mut call = pin!(simulator.call(&route.url, Call::late(Duration::from_millis(5_000))));

    assert!(timeout(Duration::from_millis(4_999), &mut call).await.is_err());
    assert!(route.requests().is_empty());
    // A paused clock runs ahead of real sockets.
    tokio::time::resume();
    call.await.unwrap();

    assert_eq!(route.requests().len(), 1);
}

#[tokio::test]
async fn any_bytes_can_be_posted() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    simulator.post(&route.url, &b"\xef\xbb\xbf{}"[..]).await.unwrap();
    let documented = simulator.documented_callback(simulator.endpoint());
    simulator.post(&route.url, documented).await.unwrap();

    assert_eq!(route.requests()[0].body, &b"\xef\xbb\xbf{}"[..]);
    let body: Value = serde_json::from_slice(&route.requests()[1].body).unwrap();
    assert_eq!(body["accessToken"], DOCUMENTED_TOKEN);
    assert_eq!(body["endpoint"], simulator.endpoint());
}

#[tokio::test]
async fn a_callback_never_leaves_this_machine_unasked() {
    let simulator = Simulator::start().await.unwrap();
    let error = simulator.call("http://192.0.2.1/callback", Call::grant()).await.unwrap_err();
    assert!(matches!(error, CallError::NotLoopback), "{error}");
    let error = simulator.call("https://127.0.0.1/callback", Call::grant()).await.unwrap_err();
    assert!(matches!(error, CallError::Scheme), "{error}");
}

#[tokio::test]
async fn a_callback_route_that_hangs_up_is_an_error() {
    let simulator = Simulator::start().await.unwrap();
    // It is taken, and nobody listens there.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}/", deaf.local_addr().unwrap());

    let error = simulator.call(&gone, Call::refusal()).await.unwrap_err();

    assert!(matches!(error, CallError::Connect(_)), "{error}");
}
