//! The phone's page, which plays the app.

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpSocket;
use truegate::simulator::{CallError, DOCUMENTED_PROFILE, Simulator};

use crate::support::{Answer, Client, Posted, Route};

#[tokio::test]
async fn opening_the_link_tells_the_site_and_shows_who_asks() {
    let (simulator, route) = phone().await;

    let page =
        open(&simulator, "type=btmsheet&requestNonce=a-nonce-&partnerKey=k&partnerName=A%26B%3Cb%3E&lang=hi").await;

    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(text(&page).contains(r#"<span id="partner">A&amp;B&lt;b&gt;</span>"#), "{}", text(&page));
    assert!(text(&page).contains("Answered 202 Accepted"), "{}", text(&page));
    assert_eq!(route.requests().len(), 1);
    assert_eq!(route.requests()[0].body, r#"{"requestId":"a-nonce-","status":"flow_invoked"}"#);
}

#[tokio::test]
async fn agreeing_posts_a_grant_for_the_number() {
    let (simulator, route) = phone().await;

    let page = answer(&simulator, "request_id=a-nonce-&phone=%2B919999900001&answer=agree").await;

    assert!(text(&page).contains("accessToken") && text(&page).contains("Answered 202 Accepted"), "{}", text(&page));
    let callback = json(&route.requests()[0]);
    assert_eq!(callback["requestId"], "a-nonce-");
    assert_eq!(callback["endpoint"], simulator.endpoint());
    let profile = Client::default().fetch(&simulator, callback["accessToken"].as_str().unwrap()).await.unwrap();
    assert!(String::from_utf8_lossy(&profile.body).contains(r#""phoneNumbers": ["919999900001"]"#));
}

#[tokio::test]
async fn the_number_that_is_filled_in_has_the_documented_profile() {
    let (simulator, route) = phone().await;
    let page = open(&simulator, "type=btmsheet&requestNonce=a-nonce-&partnerKey=k").await;
    assert!(text(&page).contains(r#"value="919999999999""#));

    answer(&simulator, "request_id=a-nonce-&phone=919999999999&answer=agree").await;

    let callback = json(&route.requests()[1]);
    let profile = Client::default().fetch(&simulator, callback["accessToken"].as_str().unwrap()).await.unwrap();
    assert_eq!(profile.body, DOCUMENTED_PROFILE);
}

#[tokio::test]
async fn refusing_and_another_number_post_their_status() {
    for (button, status) in [("refuse", "user_rejected"), ("another", "use_another_number")] {
        let (simulator, route) = phone().await;
        answer(&simulator, &format!("request_id=a-nonce-&phone=1&answer={button}")).await;
        assert_eq!(route.requests()[0].body, format!(r#"{{"requestId":"a-nonce-","status":"{status}"}}"#));
    }
}

#[tokio::test]
async fn a_link_that_lost_its_request_id_is_an_error_and_posts_nothing() {
    let (simulator, route) = phone().await;

    let page = open(&simulator, "type=btmsheetrequestNonce=a-nonce-&partnerKey=k&partnerName=A").await;

    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(text(&page).contains("The link has no requestNonce"), "{}", text(&page));
    assert!(route.requests().is_empty());
}

#[tokio::test]
async fn without_a_callback_url_the_page_says_how_to_set_one() {
    let (simulator, route) = (Simulator::start().await.unwrap(), Route::start().await);
    let link = "type=btmsheet&requestNonce=a-nonce-&partnerKey=k";
    assert!(text(&open(&simulator, link).await).contains("PUT /simulator/callback-url"));

    let at = format!("{}/simulator/callback-url", simulator.origin());
    let refused = Client::default().send(Method::PUT, &at, &[], "http://192.0.2.1/").await.unwrap();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(matches!(simulator.set_callback_url("https://127.0.0.1/"), Err(CallError::Scheme)));
    let set = Client::default().send(Method::PUT, &at, &[], &format!("{}\n", route.url)).await.unwrap();
    assert_eq!(set.status, StatusCode::NO_CONTENT);

    open(&simulator, link).await;
    assert_eq!(route.requests().len(), 1);
}

#[tokio::test]
async fn a_site_that_does_not_answer_is_shown() {
    // It is taken, and nobody listens there.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", deaf.local_addr().unwrap());
    let simulator = Simulator::builder().callback_url(url).start().await.unwrap();

    let page = answer(&simulator, "request_id=a-nonce-&phone=1&answer=refuse").await;

    assert!(text(&page).contains("No callback was answered: cannot connect"), "{}", text(&page));
}

#[tokio::test]
async fn a_callback_url_of_another_machine_does_not_start() {
    let error = Simulator::builder().callback_url("http://192.0.2.1/").start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

async fn phone() -> (Simulator, Route) {
    let route = Route::start().await;
    (Simulator::builder().callback_url(&route.url).start().await.unwrap(), route)
}

async fn open(simulator: &Simulator, query: &str) -> Answer {
    Client::default().send(Method::GET, &format!("{}?{query}", simulator.link_base()), &[], "").await.unwrap()
}

async fn answer(simulator: &Simulator, form: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}/simulator/phone", simulator.origin());
    Client::default().send(Method::POST, &url, &headers, form).await.unwrap()
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn json(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body).unwrap()
}
