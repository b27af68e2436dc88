//! The profile endpoint, as Truecaller's.

use http::{Method, StatusCode, Version};
use truegate::simulator::{DOCUMENTED_PROFILE, DOCUMENTED_TOKEN, Simulator};

use crate::support::Client;

#[tokio::test]
async fn a_token_gives_its_own_profile_verbatim() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::default();
    let [first, second] = [simulator.grant("{ \"first\" :1}"), simulator.grant(&b"no json \xff"[..])];

    let answer = client.fetch(&simulator, &first).await.unwrap();

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body, "{ \"first\" :1}");
    assert_eq!(client.fetch(&simulator, &second).await.unwrap().body, &b"no json \xff"[..]);
    assert_eq!(client.fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap().body, DOCUMENTED_PROFILE);
}

#[tokio::test]
async fn a_token_of_somebody_elses_can_be_made_known() {
    let simulator = Simulator::start().await.unwrap();
    simulator.recognise("from-a-recorded-callback", "{}");

    let answer = Client::default().fetch(&simulator, "from-a-recorded-callback").await.unwrap();

    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"{}"[..]));
}

#[tokio::test]
async fn an_unknown_or_missing_token_is_unauthorized() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::default();

    for answer in [
        client.fetch(&simulator, "unknown").await.unwrap(),
        client.send(Method::GET, simulator.endpoint(), &[], "").await.unwrap(),
        client.send(Method::GET, simulator.endpoint(), &[("authorization", DOCUMENTED_TOKEN)], "").await.unwrap(),
    ] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.body, r#"{"status":40101,"message":"Unauthorized"}"#);
    }
}

#[tokio::test]
async fn only_get_is_served_and_only_at_the_endpoint() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::default();
    let elsewhere = simulator.endpoint().replace("/v1/default", "/v1/other");

    for method in [Method::POST, Method::HEAD, Method::PUT] {
        let answer = client.send(method, simulator.endpoint(), &[], "").await.unwrap();
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers["allow"], "GET");
    }
    assert_eq!(client.send(Method::GET, &elsewhere, &[], "").await.unwrap().status, StatusCode::NOT_FOUND);
    assert_eq!(simulator.fetches(), 3);
}

#[tokio::test]
async fn requests_are_recorded_with_the_connection_that_brought_them() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::default();
    let headers = [("authorization", "Bearer one"), ("cache-control", "no-cache")];
    client.send(Method::GET, &format!("{}?a=b", simulator.endpoint()), &headers, "").await.unwrap();
    client.fetch(&simulator, "two").await.unwrap();
    Client::default().fetch(&simulator, "three").await.unwrap();

    let seen = simulator.seen();

    assert_eq!(seen[0].method, Method::GET);
    assert_eq!(seen[0].target, "/v1/default?a=b");
    assert_eq!(seen[0].version, Version::HTTP_11);
    assert_eq!(seen[0].headers["authorization"], "Bearer one");
    assert_eq!(seen[0].headers["cache-control"], "no-cache");
    assert_eq!(seen.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!((simulator.connections(), simulator.fetches()), (2, 3));
}
