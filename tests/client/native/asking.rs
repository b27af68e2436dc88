//! What a fetch says to each endpoint, and over which connection.

use std::time::Duration;

use http::{HeaderMap, Method, Version};
use truegate::{
    callback::ProfileEndpoint,
    native::NativeClient,
    profile::ProfileClient,
    simulator::{AppUser, Fault, Simulator, code_challenge},
};

use super::{
    CLIENT_ID, PHONE, VERIFIER, client_id, code, code_of, fetch, missed_call, missed_call_of, native, outcome, user,
};
use crate::{
    Secured, client,
    support::{raw::within, recorder::Recorder},
};

#[tokio::test]
async fn a_code_becomes_the_profile_of_its_user() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());

    let profile = fetch(&client, &code(&simulator, AppUser::new("+91 99999 00001"))).await.unwrap();

    assert_eq!(profile.phone.as_str(), format!("+{PHONE}"));
    assert_eq!(profile.name().as_deref(), Some("Rajat Kapoor"));
    assert_eq!((profile.country.as_deref(), profile.city.as_deref()), (Some("IN"), Some("Bangalore")));
    assert_eq!(profile.user_id.as_deref(), Some(PHONE));
}

#[tokio::test]
async fn a_missed_call_becomes_a_number_and_a_country() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());

    let profile = fetch(&client, &missed_call(&simulator, user())).await.unwrap();

    assert_eq!(profile.phone.as_str(), format!("+{PHONE}"));
    assert_eq!((profile.country.as_deref(), profile.name(), profile.user_id), (Some("IN"), None, None));
}

#[tokio::test]
async fn each_endpoint_hears_what_is_documented_and_nothing_of_anybody_else() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());
    let code = simulator.authorize(user(), code_challenge(VERIFIER));
    let called = simulator.missed_call(user());

    fetch(&client, &code_of(&code)).await.unwrap();
    fetch(&client, &missed_call_of(&called)).await.unwrap();

    let seen = simulator.seen();
    let names = |headers: &HeaderMap| {
        let mut names: Vec<_> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    let [token, userinfo, detail] = &seen[..] else { panic!("{} requests", seen.len()) };
    assert_eq!((&token.method, token.target.path()), (&Method::POST, "/v1/token"));
    let form = format!("grant_type=authorization_code&client_id={CLIENT_ID}&code={code}&code_verifier={VERIFIER}");
    assert_eq!(token.body, form);
    assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(names(&token.headers), "accept cache-control content-length content-type host user-agent");
    assert_eq!((&userinfo.method, userinfo.target.path()), (&Method::GET, "/v1/userinfo"));
    let bearer = userinfo.headers["authorization"].to_str().unwrap();
    assert!(bearer.starts_with("Bearer ") && !bearer.contains(&code), "{bearer}");
    assert_eq!(names(&userinfo.headers), "accept authorization cache-control host user-agent");
    let path = format!("/v1/otp/client/installation/phoneNumberDetail/{called}");
    assert_eq!((&detail.method, detail.target.path()), (&Method::GET, &*path));
    assert_eq!(detail.headers["clientId"], CLIENT_ID);
    assert_eq!(names(&detail.headers), "accept cache-control clientid host user-agent");
    assert!(seen.iter().skip(1).all(|seen| seen.body.is_empty()));
}

#[tokio::test]
async fn what_a_form_would_read_as_its_own_is_escaped() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());

    let _ = outcome(&client, &code_of("a b&code_verifier=x%2B+c")).await;

    let form = String::from_utf8(simulator.seen()[0].body.to_vec()).unwrap();
    assert!(form.contains("&code=a+b%26code_verifier%3Dx%252B%2Bc&code_verifier="), "{form}");
}

#[tokio::test]
async fn endpoints_of_one_origin_share_one_http_2_connection() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let profiles = ProfileClient::builder().trust(certificate).build().unwrap();
    let client = native(profiles.clone(), simulator.origin());
    client.connect();
    within(simulator.wait_for_connections(1)).await;

    for _ in 0..2 {
        assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));
        assert_eq!(outcome(&client, &missed_call(&simulator, user())).await, Ok(()));
    }
    assert_eq!(crate::outcome(&profiles, simulator.endpoint()).await, Ok(()));

    assert_eq!((simulator.fetches(), simulator.connections()), (7, 1));
    assert!(simulator.seen().iter().all(|seen| seen.version == Version::HTTP_2));
}

#[tokio::test]
async fn the_documented_endpoints_are_asked_by_default() {
    let hosts = ["oauth-account-noneu.truecaller.com", "sdk-otp-verification-noneu.truecaller.com"];
    let Secured { simulator, certificate } = Secured::start(&hosts).await;
    let profiles = hosts
        .into_iter()
        .fold(ProfileClient::builder().trust(certificate), |builder, host| builder.resolve(host, simulator.address()));
    let client = NativeClient::builder(profiles.build().unwrap(), client_id()).build();
    let called = simulator.missed_call(user());

    assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));
    assert_eq!(outcome(&client, &missed_call_of(&called)).await, Ok(()));

    let targets: Vec<_> = simulator.seen().iter().map(|seen| seen.target.to_string()).collect();
    let detail = "https://sdk-otp-verification-noneu.truecaller.com/v1/otp/client/installation/phoneNumberDetail";
    assert_eq!(
        targets,
        [
            "https://oauth-account-noneu.truecaller.com/v1/token",
            "https://oauth-account-noneu.truecaller.com/v1/userinfo",
            &format!("{detail}/{called}"),
        ]
    );
}

#[tokio::test]
async fn the_token_of_a_missed_call_is_one_more_segment_however_the_endpoint_ends() {
    for (path, expected) in [("/numbers", "/numbers/a.b=="), ("/numbers/", "/numbers/a.b=="), ("/", "/a.b==")] {
        let endpoint = Recorder::answering(NUMBER).await;
        let url = format!("http://{}{path}", endpoint.address());
        let builder = NativeClient::builder(client(1), client_id());
        let client = builder.missed_call_endpoint(ProfileEndpoint::parse(&url).unwrap()).build();

        assert_eq!(outcome(&client, &missed_call_of("a.b==")).await, Ok(()), "{path}");

        assert_eq!(endpoint.seen()[0].start, format!("GET {expected} HTTP/1.1"));
    }
}

#[tokio::test]
async fn slow_answers_are_read_to_their_ends() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());
    simulator.set_fault(Fault::Drip(Duration::from_millis(1)));
    let small = || user().answer(r#"{"phone_number":"919999900001","phone_number_verified":true}"#);
    assert_eq!(outcome(&client, &code(&simulator, small())).await, Ok(()));
    assert_eq!(outcome(&client, &missed_call(&simulator, user())).await, Ok(()));
}

const NUMBER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{\"phoneNumber\":919999900001}";
