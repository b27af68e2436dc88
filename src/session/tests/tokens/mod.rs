//! Sessions of the site's own app, which sends a token in place of a cookie.

mod app;
mod attacks;
mod ends;

use std::time::Duration;

use http::{StatusCode, header};
use serde_json::Value;

use self::app::{App, RAJAT, admit, assert_challenged, response, site, two_hosts};
use super::{
    browser::Browser,
    site::{Outcome, Site},
};
use crate::{
    gate::Rejection,
    identity::VerificationMethod,
    session::{SealPurpose, Session},
};

#[test]
fn an_app_whose_user_was_verified_gets_a_token_and_is_told_who_it_is() {
    let site = site();
    let response = admit(&site, "shop.example", RAJAT).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let told = ["phone", "method", "user_id", "name"].map(|member| answer[member].as_str().unwrap());
    assert_eq!(told, ["+919999999999", "app", "17", "Rajat"]);
    assert!(answer["expires_at"].as_str().unwrap().ends_with('Z'));

    let sealed = answer["token"].as_str().unwrap().strip_prefix("truegate.").unwrap();
    let sealer = &site.tasks.sessions().0.sealer;
    let session = sealer.open_text(SealPurpose::Token(""), sealed.as_bytes()).unwrap();
    let session = Session::from_bytes(&session).unwrap();
    assert_eq!(session.identity().profile().phone.as_str(), "+919999999999");
    assert_eq!(session.identity().method(), VerificationMethod::App);
}

#[test]
fn an_app_gets_no_token_on_a_host_without_sessions() {
    let site = Site::of(two_hosts(), |sessions| sessions);
    assert!(admit(&site, "wiki.shop.example", RAJAT).is_ok());
    assert_eq!(admit(&site, "other.example", RAJAT).err(), Some(Rejection::MisdirectedRequest));
}

#[tokio::test]
async fn a_token_lets_its_app_in_as_a_cookie_lets_a_browser_in() {
    let site = site();
    let mut app = App::of(&site, RAJAT);
    for (target, phone, varies) in [
        ("/account/", Some("+919999999999"), &["Cookie", "Authorization"][..]),
        ("/", Some("+919999999999"), &["Cookie", "Authorization"]),
        ("/public/", None, &[]),
    ] {
        for _ in 0..2 {
            let outcome = app.go(&site, "GET", target, &[("x-truecaller-token", "spoof")]).await;
            let Outcome::Passed { request, response } = &outcome else { panic!("{target} is answered") };
            assert_eq!(request.get("x-truecaller-phone").map(|phone| phone.to_str().unwrap()), phone, "{target}");
            assert!(!request.contains_key(header::AUTHORIZATION) && !request.contains_key("x-truecaller-token"));
            assert_eq!(response.get_all(header::VARY).iter().collect::<Vec<_>>(), varies, "{target}");
            assert!(outcome.cookies().is_empty() && !response.contains_key("x-truecaller-token"), "{target}");
        }
    }
    let (mut browser, bearer) = (Browser::default(), format!("bearer  {}", app.token));
    let (status, me) = browser.json(&site, "GET", "/.truegate/me", &[("authorization", &bearer)]).await;
    assert_eq!((status, &me["phone"], &me["method"]), (200, &"+919999999999".into(), &"app".into()));
    let asked = [("trusted", ""), ("x-forwarded-uri", "/account/"), ("authorization", &*bearer)];
    let allowed = browser.ask(&site, "GET", "/.truegate/auth", &asked).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(allowed.headers()["x-truecaller-phone"], "+919999999999");
}

#[tokio::test]
async fn a_token_that_is_used_is_renewed_in_the_response() {
    let site = site();
    for target in ["/account/", "/", "/.truegate/me", "/.truegate/login"] {
        let mut app = App::of(&site, RAJAT);
        site.advance(Duration::from_mins(11));
        let outcome = app.go(&site, "GET", target, &[]).await;
        assert!(!response(&outcome).contains_key("x-truecaller-token"), "{target}: it is too early");
        site.advance(Duration::from_mins(1));
        let old = app.clone();
        let outcome = app.go(&site, "GET", target, &[]).await;
        assert_ne!(app.token, old.token, "{target}");
        assert!(response(&outcome)[header::CACHE_CONTROL].to_str().unwrap().ends_with("no-store"), "{target}");
        assert_eq!(outcome.cookies(), Vec::<&str>::new(), "{target}: an app keeps no cookies");

        site.advance(Duration::from_mins(110));
        assert_eq!(app.summary(&site, "/account/").await, "passed known", "{target}");
        assert_eq!(old.summary(&site, "/account/").await, "401", "{target}: the old one was used too long ago");
    }
    let mut app = App::of(&site, RAJAT);
    for _ in 0..11 {
        site.advance(Duration::from_mins(65));
        assert_eq!(app.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    }
    site.advance(Duration::from_mins(5));
    assert_challenged(&app.go(&site, "GET", "/account/", &[]).await, "no renewal prolongs the lifetime");
}

#[tokio::test]
async fn without_an_app_of_its_own_a_site_knows_no_tokens() {
    let site = Site::new();
    let app = App::of(&site, RAJAT);
    assert_eq!(app.summary(&site, "/account/").await, "401");
    let outcome = app.clone().go(&site, "GET", "/", &[]).await;
    let Outcome::Passed { request, response } = &outcome else { panic!("it is open") };
    assert_eq!(outcome.summary(), "passed unknown");
    assert!(!request.contains_key(header::AUTHORIZATION), "it could be used at another gate of the site");
    assert_eq!(response.get_all(header::VARY).iter().collect::<Vec<_>>(), ["Cookie"]);
    let cross_site = app.clone().go(&site, "POST", "/.truegate/logout", &[]).await;
    assert_eq!(cross_site.summary(), "403");
}
