//! Logins that the site's own page finishes.

use std::{num::NonZero, time::Duration};

use http::{HeaderMap, header};

use super::{
    browser::Browser,
    queue::now,
    shared_store::SharedStore,
    site::{ORIGIN, Outcome, Site},
};
use crate::{
    gate::{ClientInfo, Limits},
    profile::PhoneNumber,
    session::{
        FinishLoginError, PublicUrl, PublicUrls, ReturnPath, ReturnUrl, SameSite, Sealer, Secret, SessionsBuilder,
        SiteUser, UpstreamCookie,
    },
    store::StoreError,
};

mod pages;
mod tickets;

const PAGE: &str = "/other-login/";
const OPENS: (&str, &str) = ("sec-fetch-mode", "navigate");
const LOGIN: &str = "__Host-truegate-login";

fn with_page(sessions: SessionsBuilder) -> SessionsBuilder {
    sessions.fallback(ReturnPath::parse("/other-login?by=sms").unwrap()).login_tickets()
}

fn user() -> SiteUser {
    SiteUser::new(PhoneNumber::parse("+447911123456").unwrap()).name(" Zaphod Beeblebrox ")
}

async fn finish(site: &Site, ticket: &str) -> Result<(), FinishLoginError> {
    site.tasks.sessions().finish_login(&site.gate, ticket, user()).await
}

/// The ticket with which the app gets a request.
async fn ticket_for(
    site: &Site,
    browser: &mut Browser,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
) -> Option<String> {
    match browser.go(site, method, target, headers).await {
        Outcome::Passed { request, .. } => ticket(&request),
        Outcome::Answered(response) => panic!("{method} {target} was answered {}", response.status()),
    }
}

fn ticket(headers: &HeaderMap) -> Option<String> {
    headers.get("x-truecaller-login").map(|ticket| ticket.to_str().unwrap().to_owned())
}

/// The ticket of a browser that opens the page.
async fn opens_page(site: &Site, browser: &mut Browser) -> String {
    ticket_for(site, browser, ("GET", PAGE), &[OPENS]).await.expect("a login is in progress")
}

#[tokio::test]
async fn a_user_whom_the_site_verifies_is_known_from_then_on() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    opens_page(&site, &mut browser).await;
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [LOGIN], "the page alone has started a login");
    let ticket = ticket_for(&site, &mut browser, ("POST", PAGE), &[ORIGIN]).await.unwrap();
    assert_eq!(browser.phone(&site).await, None);

    assert_eq!(finish(&site, &ticket).await, Ok(()));

    let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /account/", "no script is needed");
    let headers = browser.pass(&site, "/account/").await;
    for (name, value) in [
        ("x-truecaller-status", "verified"),
        ("x-truecaller-phone", "+447911123456"),
        ("x-truecaller-method", "site"),
        ("x-truecaller-name", "Zaphod Beeblebrox"),
        ("x-truecaller-given-name", "Zaphod Beeblebrox"),
    ] {
        assert_eq!(headers[name], value);
    }
    for name in ["user-id", "family-name", "country", "request-id", "login"] {
        assert!(!headers.contains_key(format!("x-truecaller-{name}")), "{name}");
    }
}

#[tokio::test]
async fn a_page_that_waits_goes_on_when_the_site_has_finished_the_login() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let [started, finishing] = [site.twin(), Site::join(site.store.clone(), with_page)];
    let request_id = browser.start(&started).await;
    let waits = format!("/.truegate/status?request_id={request_id}&since=pending&wait=25");
    let mut waiting = Box::pin(site.send(browser.request("GET", &waits, &[])));
    assert!(now(&mut waiting).is_none());

    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&finishing, &ticket).await, Ok(()));

    site.advance(Duration::from_millis(300));
    let Some(Outcome::Answered(answer)) = now(&mut waiting) else { panic!("it hears of the end") };
    assert_eq!(*answer.body(), r#"{"state":"verified"}"#);
    assert!(answer.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_login_that_began_on_an_alias_ends_there() {
    let (site, mut browser) = (Site::with(with_page), Browser::on("www.shop.example"));
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /account/");
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
}

#[tokio::test]
async fn the_login_hands_over_what_was_verified_to_a_person_and_only_while_it_is_valid() {
    let site = Site::with(|sessions| with_page(sessions).idle(Duration::from_mins(2)));
    let login = "/.truegate/login?next=/account/";
    let verified = async || {
        let mut browser = Browser::default();
        let ticket = opens_page(&site, &mut browser).await;
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        browser
    };
    let mut browser = verified().await;
    let asked = site.store.asked();
    for (method, headers) in [("GET", &[][..]), ("HEAD", &[("sec-fetch-mode", "cors")])] {
        assert_eq!(browser.go(&site, method, login, headers).await.summary(), "200", "a script asks");
    }
    assert_eq!(site.store.asked(), asked);
    let mut lost = browser.clone();
    for browser in [&mut browser, &mut lost] {
        assert_eq!(browser.go(&site, "GET", login, &[OPENS]).await.summary(), "302 /account/");
    }
    assert_eq!(
        browser.json(&site, "GET", "/.truegate/me", &[]).await,
        lost.json(&site, "GET", "/.truegate/me", &[]).await
    );

    browser.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert_eq!(browser.go(&site, "GET", login, &[OPENS]).await.summary(), "200", "a logout is final");
    let mut again = verified().await;
    assert_eq!(again.go(&site, "GET", login, &[OPENS]).await.summary(), "302 /account/");

    let mut idle = verified().await;
    site.advance(Duration::from_mins(2));
    assert_eq!(idle.go(&site, "GET", login, &[OPENS]).await.summary(), "200", "a session that is over stays so");
}

#[tokio::test]
async fn a_new_user_of_a_browser_gets_nothing_of_the_one_before() {
    let site =
        Site::with(|sessions| with_page(sessions).upstream_cookies(["PHPSESSID".parse::<UpstreamCookie>().unwrap()]));
    let mut browser = site.signed_in().await;
    let before = browser.clone();
    let request_id = browser.start(&site).await;
    let mut stranger = browser.clone();
    stranger.cookies.remove("__Host-truegate");
    let ticket = opens_page(&site, &mut stranger).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    browser.cookies.insert("PHPSESSID".to_owned(), "of-a".to_owned());
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert_eq!(browser.phone(&site).await.unwrap(), "+447911123456");
    assert!(!browser.cookies.contains_key("PHPSESSID"));
    site.advance(Duration::from_secs(1));
    assert_eq!(before.clone().phone(&site).await, None);
}

#[tokio::test]
async fn with_strict_cookies_the_login_looks_once_more_before_it_hands_over() {
    let (site, mut browser) =
        (Site::with(|sessions| with_page(sessions).same_site(SameSite::Strict)), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    let elsewhere = [OPENS, ("sec-fetch-site", "cross-site")];
    let mut without = Browser::default();
    let refreshed = without.go(&site, "GET", "/.truegate/login?next=/account/", &elsewhere).await;
    assert!(matches!(&refreshed, Outcome::Answered(answer) if answer.headers().contains_key("refresh")));
    let own = [OPENS, ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.go(&site, "GET", "/.truegate/login?next=/account/", &own).await.summary(), "302 /account/");
}

#[test]
fn nothing_is_shown_of_a_user() {
    assert_eq!(format!("{:?}", user()), "SiteUser(redacted)");
}
