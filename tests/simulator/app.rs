//! The endpoints for the users of the site's app, as Truecaller's.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use truegate::simulator::{AppUser, Fault, Simulator, code_challenge};

use crate::support::{Answer, Client};

/// The verifier and the challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn user() -> AppUser {
    AppUser::new("+91 99999 00001")
}

async fn redeem(simulator: &Simulator, code: &str, verifier: &str) -> Answer {
    let form = format!("grant_type=authorization_code&client_id=an-app&code={code}&code_verifier={verifier}");
    Client::default().send(Method::POST, &simulator.token_endpoint(), &[FORM], &form).await.unwrap()
}

async fn userinfo(simulator: &Simulator, user: AppUser) -> Answer {
    let redeemed = redeem(simulator, &simulator.authorize(user, CHALLENGE), VERIFIER).await;
    let authorization = format!("Bearer {}", members(&redeemed)["access_token"].as_str().unwrap());
    let url = simulator.userinfo_endpoint();
    Client::default().send(Method::GET, &url, &[("authorization", &authorization)], "").await.unwrap()
}

async fn phone_number_detail(simulator: &Simulator, token: &str, client_id: &str) -> Answer {
    let url = format!("{}/{token}", simulator.missed_call_endpoint());
    Client::default().send(Method::GET, &url, &[("clientId", client_id)], "").await.unwrap()
}

fn members(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn a_challenge_is_what_rfc_7636_says() {
    assert_eq!(code_challenge(VERIFIER), CHALLENGE);
}

#[tokio::test]
async fn a_code_gives_a_token_once() {
    let simulator = Simulator::start().await.unwrap();
    let code = simulator.authorize(user(), CHALLENGE);

    let first = redeem(&simulator, &code, VERIFIER).await;

    assert_eq!(first.status, StatusCode::OK);
    assert_eq!((&members(&first)["expires_in"], &members(&first)["token_type"]), (&json!(3600), &json!("Bearer")));
    assert_eq!(redeem(&simulator, &code, VERIFIER).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_code_is_for_one_verifier_and_one_app_and_the_first_try_spends_it() {
    let simulator = Simulator::start().await.unwrap();
    for (user, challenge, verifier) in [
        (user(), CHALLENGE, &VERIFIER.replace('d', "D")[..]),
        // No plain challenge: whoever sees it must not be able to redeem the code.
        (user(), VERIFIER, VERIFIER),
        (user().client_id("another-app"), CHALLENGE, VERIFIER),
    ] {
        let code = simulator.authorize(user, challenge);
        assert_eq!(redeem(&simulator, &code, verifier).await.status, StatusCode::FORBIDDEN);
        assert_eq!(redeem(&simulator, &code, VERIFIER).await.status, StatusCode::FORBIDDEN);
    }
    let code = simulator.authorize(user().client_id("an-app"), CHALLENGE);
    assert_eq!(redeem(&simulator, &code, VERIFIER).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_request_is_a_form_with_every_parameter() {
    let simulator = Simulator::start().await.unwrap();
    let (url, client) = (simulator.token_endpoint(), Client::default());
    let code = simulator.authorize(user(), CHALLENGE);
    let whole = format!("grant_type=authorization_code&client_id=an-app&code={code}&code_verifier={VERIFIER}");
    for (form, header) in [
        (whole.replace("authorization_code", "refresh_token"), FORM),
        (whole.replace("an-app", ""), FORM),
        (whole.replace(&code, ""), FORM),
        (whole.replace(VERIFIER, ""), FORM),
        (String::new(), FORM),
        (whole.clone(), ("content-type", "application/json")),
        (whole.clone(), ("accept", "*/*")),
    ] {
        let answer = client.send(Method::POST, &url, &[header], &form).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let answer = client.send(Method::GET, &url, &[], "").await.unwrap();
    assert_eq!((answer.status, &answer.headers["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap()));
    assert_eq!(client.send(Method::POST, &url, &[FORM], &whole).await.unwrap().status, StatusCode::OK);
    assert_eq!(simulator.seen().last().unwrap().body, whole);
}

#[tokio::test]
async fn the_userinfo_says_what_the_scopes_allow() {
    let simulator = Simulator::start().await.unwrap();
    let phone = json!({
        "sub": "919999900001", "phone_number": "919999900001", "phone_number_country_code": "IN",
        "phone_number_verified": true,
    });
    assert_eq!(members(&userinfo(&simulator, user().scope("openid phone")).await), phone);
    assert_eq!(members(&userinfo(&simulator, user().scope("openid")).await), json!({ "sub": "919999900001" }));
    let all: Vec<_> = members(&userinfo(&simulator, user()).await).as_object().unwrap().keys().cloned().collect();
    let documented = [
        "address", "email", "family_name", "gender", "given_name", "phone_number", "phone_number_country_code",
        "phone_number_verified", "picture", "sub",
    ];
    assert_eq!(all, documented);
    assert_eq!(userinfo(&simulator, user().scope("phone")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(userinfo(&simulator, user().answer("no json")).await.body, "no json");
}

#[tokio::test]
async fn the_userinfo_is_for_bearers_of_its_own_tokens() {
    let simulator = Simulator::start().await.unwrap();
    let (url, client) = (simulator.userinfo_endpoint(), Client::default());
    let profile = simulator.grant("{}");
    for authorization in ["Bearer unknown", "Basic YTpi", "unknown", &format!("Bearer {profile}")] {
        let answer = client.send(Method::GET, &url, &[("authorization", authorization)], "").await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
    assert_eq!(client.send(Method::GET, &url, &[], "").await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.send(Method::POST, &url, &[], "").await.unwrap().status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_missed_call_tells_its_number_to_its_app() {
    let simulator = Simulator::start().await.unwrap();
    let token = simulator.missed_call(user().client_id("an-app"));

    let answer = phone_number_detail(&simulator, &token, "an-app").await;

    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &br#"{"phoneNumber":919999900001,"countryCode":"IN"}"#[..])
    );
    for (token, client_id, code) in [(&*token, "another-app", 404), (&*token, "", 404), ("unknown", "an-app", 1404)] {
        let answer = phone_number_detail(&simulator, token, client_id).await;
        assert_eq!((answer.status, &members(&answer)["code"]), (StatusCode::NOT_FOUND, &json!(code)), "{client_id}");
    }
    let odd = simulator.missed_call(AppUser::new("a number, she said"));
    assert_eq!(members(&phone_number_detail(&simulator, &odd, "an-app").await)["phoneNumber"], "anumber,shesaid");
}

#[tokio::test]
async fn a_fault_is_that_of_the_next_request_whichever_endpoint_it_is_for() {
    let simulator = Simulator::start().await.unwrap();
    let called = simulator.missed_call(user());

    simulator.plan([Fault::None, Fault::Unverified]);
    assert_eq!(members(&userinfo(&simulator, user()).await)["phone_number_verified"], false);
    simulator.plan([Fault::None, Fault::NoPhone]);
    assert_eq!(members(&userinfo(&simulator, user()).await)["phone_number"], Value::Null);
    simulator.plan([Fault::NoPhone]);
    assert_eq!(members(&phone_number_detail(&simulator, &called, "an-app").await), json!({ "countryCode": "IN" }));
    for status in [500, 503] {
        simulator.plan(vec![Fault::Status(StatusCode::from_u16(status).unwrap()); 2]);
        assert_eq!(redeem(&simulator, "any", VERIFIER).await.status, status);
        let answer = phone_number_detail(&simulator, &called, "an-app").await;
        assert_eq!((answer.status.as_u16(), &members(&answer)["code"]), (status, &json!(status)));
    }
}

#[tokio::test]
async fn users_are_made_over_http() {
    let simulator = Simulator::start().await.unwrap();
    let at = |path: &str| format!("{}/simulator/{path}", simulator.origin());
    let client = Client::default();
    let post = |path: &'static str, order: Value| {
        let (client, url) = (&client, at(path));
        async move {
            client.send(Method::POST, &url, &[("content-type", "application/json")], &order.to_string()).await.unwrap()
        }
    };

    let given =
        post("app", json!({ "phone": "919999900001", "code_challenge": CHALLENGE, "scope": "openid phone" })).await;
    let redeemed = redeem(&simulator, members(&given)["code"].as_str().unwrap(), VERIFIER).await;
    assert_eq!(redeemed.status, StatusCode::OK);
    let called = post("missed-call", json!({ "phone": "919999900001", "answer": { "phoneNumber": 1 } })).await;
    let token = members(&called)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(phone_number_detail(&simulator, &token, "any").await.body, r#"{"phoneNumber":1}"#);

    for order in [json!({ "phone": "1" }), json!({ "phone": "1", "code_challenge": "too-short" })] {
        let refused = post("app", order).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body.starts_with(b"code_challenge must be the S256 challenge"), "{:?}", refused.body);
    }
    assert_eq!(post("missed-call", json!({ "number": "1" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
