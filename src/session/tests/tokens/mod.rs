//! Sessions of the site's own app, which sends a token in place of a cookie.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::{
    browser::Browser,
    queue::now,
    shared_store::SharedStore,
    site::{ORIGIN, Outcome, Site, code},
};
use crate::{
    clock::Clock as _,
    gate::{
        GateBuilder, Rejection, Step,
        plugin::{Plugin, VerifiedAppLogin},
    },
    identity::{Identity, VerificationMethod},
    profile::{PhoneNumber, Profile},
    random::Random,
    session::{CookieDomain, PublicUrl, PublicUrls, SealPurpose, Sealer, Secret, Session},
};

mod attacks;

const COOKIE: &str = "__Host-truegate";
const RAJAT: &str = r#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat"},"userId":"17"}"#;
const ASHA: &str = r#"{"phoneNumbers":["918888888888"]}"#;
const CHALLENGE: &str = "Bearer error=\"invalid_token\"";
/// What asks for a user, with the answer if there is none.
const ASKED: [(&str, &str); 4] =
    [("GET", "/account/"), ("GET", "/"), ("GET", "/.truegate/me"), ("GET", "/.truegate/auth")];

/// What verifies the users of the site's own app, as far as other plugins notice.
struct OwnApp;

impl Plugin for OwnApp {
    fn verifies_apps(&self) -> bool {
        true
    }
}

fn with_app(gate: GateBuilder) -> GateBuilder {
    gate.plug_in(OwnApp)
}

/// A site with an app of its own.
fn site() -> Site {
    Site::build(SharedStore::default(), |sessions| sessions, with_app)
}

/// Another gate of the same site.
fn twin(site: &Site) -> Site {
    Site::build(site.store.clone(), |sessions| sessions, with_app)
}

fn two_hosts() -> PublicUrls {
    let [first, second] =
        ["https://shop.example", "https://wiki.shop.example"].map(|url| PublicUrl::parse(url).unwrap());
    PublicUrls::new(first, [second]).unwrap()
}

/// What the app hears on a host once its user was verified.
fn admit(site: &Site, host: &str, profile: &str) -> Result<Response<bytes::Bytes>, Rejection> {
    admit_since(site, host, profile, site.clock.now())
}

/// The same, for a credential that arrived before.
fn admit_since(site: &Site, host: &str, profile: &str, arrived: Instant) -> Result<Response<bytes::Bytes>, Rejection> {
    let (head, _) = Browser::on(host).request("POST", "/truecaller/native", &[]).into_parts();
    let identity = Identity::vouch(None, Profile::parse(profile.as_bytes()).unwrap(), VerificationMethod::App);
    let login = VerifiedAppLogin { identity, arrived, deadline: arrived + Duration::from_secs(10) };
    let admitted = now(site.gate.admit_app(&head, &login).expect("the gate has sessions"));
    admitted.expect("the store answers at once").map(|reply| reply.response)
}

/// The site's own app on a user's phone.
#[derive(Clone)]
struct App {
    host: String,
    token: String,
}

impl App {
    fn of(site: &Site, profile: &str) -> Self {
        Self::on("shop.example", site, profile)
    }

    fn on(host: &str, site: &Site, profile: &str) -> Self {
        let answer: Value = serde_json::from_slice(admit(site, host, profile).unwrap().body()).unwrap();
        Self { host: host.to_owned(), token: answer["token"].as_str().unwrap().to_owned() }
    }

    /// The token without the beginning that all tokens have.
    fn sealed(&self) -> &str {
        self.token.strip_prefix("truegate.").unwrap()
    }

    /// Sends a request with the token, and keeps the one that comes back.
    async fn go(&mut self, site: &Site, method: &str, target: &str, lines: &[(&str, &str)]) -> Outcome {
        self.go_with(&mut Browser::on(&self.host.clone()), site, method, target, lines).await
    }

    /// The same, with the cookies of a browser besides.
    async fn go_with(
        &mut self,
        browser: &mut Browser,
        site: &Site,
        method: &str,
        target: &str,
        lines: &[(&str, &str)],
    ) -> Outcome {
        let bearer = format!("Bearer {}", self.token);
        let outcome = browser.go(site, method, target, &[lines, &[("authorization", &bearer)]].concat()).await;
        if let Some(token) = response(&outcome).get("x-truecaller-token") {
            assert!(token.is_sensitive());
            self.token = token.to_str().unwrap().to_owned();
        }
        outcome
    }

    async fn summary(&self, site: &Site, target: &str) -> String {
        self.clone().go(site, "GET", target, &[]).await.summary()
    }
}

/// The headers of a response, besides those of the app.
fn response(outcome: &Outcome) -> &HeaderMap {
    match outcome {
        Outcome::Passed { response, .. } => response,
        Outcome::Answered(response) => response.headers(),
    }
}

/// Insists that a client hears that its token is worth nothing, and is led nowhere.
fn assert_challenged(outcome: &Outcome, case: &str) {
    let Outcome::Answered(response) = outcome else { panic!("{case}: it passed") };
    assert_eq!(code(response), (StatusCode::UNAUTHORIZED, "not-signed-in".to_owned()), "{case}");
    assert_eq!(response.headers().get(header::WWW_AUTHENTICATE), Some(&HeaderValue::from_static(CHALLENGE)), "{case}");
    assert_eq!(outcome.cookies(), Vec::<&str>::new(), "{case}");
}

/// A line with any credentials, sent to a path that needs a session.
async fn try_credentials(site: &Site, credentials: &str) -> Outcome {
    Browser::default().go(site, "GET", "/account/", &[("authorization", credentials)]).await
}

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
async fn a_token_that_is_over_is_refused_wherever_a_user_is_asked_for() {
    for over in ["idle", "of age", "logged out", "logged out everywhere", "logged out on another gate"] {
        let site = site();
        let (twin, mut app) = (twin(&site), App::of(&site, RAJAT));
        assert_eq!(app.summary(&site, "/account/").await, "passed known");
        let thief = app.clone();
        let mut cookies = site.signed_in().await;
        match over {
            "idle" => site.advance(Duration::from_hours(2)),
            "of age" => site.advance(Duration::from_hours(12)),
            "logged out" => drop(app.go(&site, "POST", "/.truegate/logout", &[]).await),
            "logged out everywhere" => {
                drop(site.signed_in().await.ask(&site, "POST", "/.truegate/logout?everywhere=true", &[ORIGIN]).await);
            }
            _ => {
                app.go(&twin, "POST", "/.truegate/logout", &[]).await;
                site.advance(Duration::from_secs(1));
            }
        }
        let navigates = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        for (method, target) in ASKED {
            for lines in [&[][..], &navigates] {
                let case = format!("{over} {target} {lines:?}");
                assert_challenged(&thief.clone().go(&site, method, target, lines).await, &case);
                let beside = thief.clone().go_with(&mut cookies, &site, method, target, lines).await;
                assert_challenged(&beside, &format!("{case} beside a cookie"));
            }
        }
        assert_eq!(thief.summary(&site, "/public/").await, "passed unknown", "{over}");
        assert!(site.tasks.sessions().0.opened.find(thief.sealed().as_bytes()).is_none(), "{over}: it is forgotten");
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_of_the_token_and_on_demand_all_of_the_users() {
    for (everywhere, target) in [(false, "/.truegate/logout"), (true, "/.truegate/logout?everywhere=true")] {
        let site = site();
        let (mut app, other, mut browser) = (App::of(&site, RAJAT), App::of(&site, RAJAT), site.signed_in().await);
        let twin = twin(&site);
        let outcome = app.go(&site, "POST", target, &[]).await;
        assert_eq!((outcome.summary(), outcome.cookies()), ("204".to_owned(), vec![]));
        site.advance(Duration::from_secs(1));
        for gate in [&site, &twin] {
            assert_challenged(&app.go(gate, "GET", "/account/", &[]).await, target);
            let goes_on = if everywhere { "401" } else { "passed known" };
            assert_eq!(other.summary(gate, "/account/").await, goes_on, "{target}");
            assert_eq!(browser.go(gate, "GET", "/account/", &[]).await.summary(), goes_on, "{target}");
        }
    }
}

#[tokio::test]
async fn a_logout_with_a_cookie_of_the_same_user_ends_both() {
    let site = site();
    let (mut app, mut browser) = (App::of(&site, RAJAT), site.signed_in().await);
    let (thief, mut copied) = (app.clone(), browser.clone());
    assert_eq!(app.go_with(&mut browser, &site, "POST", "/.truegate/logout", &[]).await.summary(), "204");
    assert!(!browser.cookies.contains_key(COOKIE));
    assert_eq!(thief.summary(&site, "/account/").await, "401");
    assert_eq!(copied.go(&site, "GET", "/account/", &[]).await.summary(), "401");
}

#[tokio::test]
async fn while_the_store_is_silent_a_token_is_worth_what_a_cookie_is() {
    let site = site();
    let app = App::of(&site, RAJAT);
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    site.store.set_down(true);
    site.advance(Duration::from_secs(30));
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    site.advance(Duration::from_mins(2));
    let outcomes = [("/account/", "503"), ("/", "passed unknown"), ("/public/", "passed unknown")];
    for (target, outcome) in outcomes {
        assert_eq!(app.summary(&site, target).await, outcome, "{target}");
    }
    assert_eq!(app.clone().go(&site, "POST", "/.truegate/logout", &[]).await.summary(), "503");
    site.store.set_down(false);
    (0..5).for_each(|_| site.advance(Duration::from_secs(1)));
    assert_eq!(app.summary(&site, "/account/").await, "401", "the logout counts all the same");
}

#[tokio::test]
async fn what_a_token_opens_ends_with_its_session() {
    let site = site();
    let mut app = App::of(&site, RAJAT);
    let bearer = format!("Bearer {}", app.token);
    let (head, _) = Browser::default().request("GET", "/account/", &[("authorization", &bearer)]).into_parts();
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    let Step::Forward(edits) = site.gate.inspect(&head) else { panic!("it goes on") };
    let lease = edits.lease().expect("it ends with its session");
    let mut over = lease.over();
    assert!(now(&mut over).is_none() && !lease.is_over());
    app.go(&site, "POST", "/.truegate/logout", &[]).await;
    assert!(lease.is_over());
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

#[tokio::test]
async fn a_credential_that_came_before_all_sessions_were_ended_begins_none() {
    let site = site();
    let rajat = PhoneNumber::parse("+919999999999").unwrap();
    let token = |arrived: Instant| {
        let answer = admit_since(&site, "shop.example", RAJAT, arrived).unwrap();
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        App { host: "shop.example".to_owned(), token: answer["token"].as_str().unwrap().to_owned() }
    };
    let before = token(site.clock.now());
    let arrived = site.clock.now();
    site.advance(Duration::from_secs(1));
    site.tasks.sessions().end_user(&site.gate, &rajat).await.unwrap();
    site.advance(Duration::from_secs(1));
    let (pending, after) = (token(arrived), token(site.clock.now()));
    for (app, summary) in [(before, "401"), (pending, "401"), (after, "passed known")] {
        assert_eq!(app.summary(&site, "/account/").await, summary);
    }
}
