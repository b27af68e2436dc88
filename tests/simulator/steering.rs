//! Steering by HTTP, for programs in other languages.

use http::{Method, StatusCode};
use serde_json::Value;
use truegate::simulator::{DOCUMENTED_TOKEN, Simulator};

use crate::support::{Client, Route};

#[tokio::test]
async fn it_can_be_steered_over_http() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let client = Client::default();
    let at = |path: &str| format!("http://{}/simulator/{path}", simulator.address());
    let json = [("content-type", "application/json")];

    let set = client.send(Method::PUT, &at("fault"), &[], "status=503\n").await.unwrap();
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert_eq!(client.send(Method::GET, &at("fault"), &[], "").await.unwrap().body, "status=503\n");
    let refused = client.send(Method::PUT, &at("fault"), &[], "rainy").await.unwrap();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.starts_with(b"\"rainy\" is not a fault; the faults are none, "), "{:?}", refused.body);
    assert_eq!(client.fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);

    client.send(Method::PUT, &at("plan"), &[], "none\nunauthorized\n").await.unwrap();
    let granted = client.send(Method::POST, &at("grants"), &[], "{\"a\": 1}").await.unwrap();
    let granted: Value = serde_json::from_slice(&granted.body).unwrap();
    let profile = client.fetch(&simulator, granted["token"].as_str().unwrap()).await.unwrap();
    assert_eq!(profile.body, "{\"a\": 1}");

    let profile = r#"{"phoneNumbers": [1e1]}"#;
    let order = format!(r#"{{"to":"{}","kind":"late","delay_ms":0,"profile":{profile}}}"#, route.url);
    let called = client.send(Method::POST, &at("callbacks"), &json, &order).await.unwrap();
    let called: Value = serde_json::from_slice(&called.body).unwrap();
    assert_eq!(called["posted"][0]["status"], 202);
    assert_eq!(called["posted"][0]["answer"], "heard");
    assert_eq!(called["posted"][0]["body"].as_str().unwrap(), route.requests()[0].body);
    client.send(Method::PUT, &at("fault"), &[], "none").await.unwrap();
    let callback: Value = serde_json::from_slice(&route.requests()[0].body).unwrap();
    let fetched = client.fetch(&simulator, callback["accessToken"].as_str().unwrap()).await.unwrap();
    assert_eq!(fetched.body, profile);

    let requests = client.send(Method::GET, &at("requests"), &[], "").await.unwrap();
    let requests: Value = serde_json::from_slice(&requests.body).unwrap();
    assert_eq!(requests["count"], 3);
    assert_eq!(requests["requests"][0]["headers"]["authorization"][0], format!("Bearer {DOCUMENTED_TOKEN}"));
}

#[tokio::test]
async fn an_order_that_cannot_be_carried_out_is_refused_with_the_reason() {
    let simulator = Simulator::start().await.unwrap();
    let callbacks = format!("http://{}/simulator/callbacks", simulator.address());
    let json = [("content-type", "application/json")];
    for (order, status, reason) in [
        (r#"{"to":"http://127.0.0.1:1/","kind":"grants"}"#, 400, "the kinds are grant, refusal"),
        (r#"{"to":"http://192.0.2.1/","kind":"grant"}"#, 400, "to this machine only"),
        (r#"{"to":"https://127.0.0.1/","kind":"grant"}"#, 400, "to an http:// URL"),
        (r#"{"to":"http://127.0.0.1:1/","kind":"grant","dealy_ms":1}"#, 422, "unknown field `dealy_ms`"),
    ] {
        let answer = Client::default().send(Method::POST, &callbacks, &json, order).await.unwrap();
        assert_eq!(answer.status, status, "{order}");
        assert!(String::from_utf8_lossy(&answer.body).contains(reason), "{:?}", answer.body);
    }
}
