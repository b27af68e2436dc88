//! What holds while the store is away.

use std::time::Duration;

use super::site::{Browser, ORIGIN, Site, code, now};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn without_the_store_sessions_go_on_for_the_grace_and_no_login_starts() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let nonce = browser.start(&site).await;
    site.store.set_down(true);

    for _ in 0..59 {
        site.clock.advance(SECOND);
        assert!(browser.phone(&site).await.is_some());
    }
    for (method, target) in [("POST", "/.truegate/login"), ("GET", "/.truegate/status"), ("POST", "/.truegate/logout")]
    {
        let mut other = browser.clone();
        let refused = other.ask(&site, method, target, &[ORIGIN]).await;
        assert_eq!(code(&refused), (http::StatusCode::SERVICE_UNAVAILABLE, "store-unavailable".to_owned()), "{target}");
        assert!(refused.headers().contains_key("retry-after"));
    }
    let page = browser.ask(&site, "GET", "/.truegate/login", &[]).await;
    assert_eq!(page.status(), 503);
    assert!(page.headers().contains_key("retry-after") && page.headers().contains_key("content-security-policy"));
    assert_eq!(site.grant(&nonce, "a-token").await, 503, "Truecaller may post again");

    site.clock.advance(2 * SECOND);
    for (target, outcome) in [
        ("/public/", "passed unknown"),
        ("/", "passed unknown"),
        ("/account/", "503"),
        ("/.truegate/me", "503"),
        ("/.truegate/auth", "503"),
    ] {
        assert_eq!(browser.go(&site, "GET", target, &[]).await.summary(), outcome, "{target}");
    }
    assert!(browser.cookies.contains_key("__Host-truegate"), "who cannot be judged is not logged out");
    assert_eq!(Browser::default().go(&site, "GET", "/account/", &[]).await.summary(), "401");

    site.store.set_down(false);
    site.clock.advance(SECOND);
    assert!(browser.phone(&site).await.is_some(), "and all is well as soon as it is back");
    assert_eq!(site.grant(&nonce, "a-token").await, 204);
}

#[tokio::test]
async fn a_gate_that_never_heard_of_revocations_knows_nobody() {
    let here = Site::new();
    let mut browser = here.signed_in().await;
    let fresh = here.twin();
    here.store.set_down(true);
    assert_eq!(browser.go(&fresh, "GET", "/account/", &[]).await.summary(), "503");
    assert_eq!(browser.go(&fresh, "GET", "/", &[]).await.summary(), "passed unknown");
}

#[tokio::test]
async fn a_store_that_is_down_is_not_asked_by_everyone() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.store.set_down(true);
    site.clock.advance(SECOND);
    let asked = site.store.asked();
    for _ in 0..100 {
        browser.pass(&site, "/").await;
    }
    assert_eq!(site.store.asked(), asked + 1);
}

#[tokio::test]
async fn an_end_that_the_store_missed_is_told_again() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let nonce = browser.start(&site).await;
    site.grant(&nonce, "a-token").await;
    site.store.set_down(true);
    assert_eq!(site.tasks.run(), 1);
    site.store.set_down(false);
    assert_eq!(browser.state(&site, &nonce).await, "pending");
    site.clock.advance(SECOND);
    assert_eq!(site.tasks.run(), 0);
    assert_eq!(browser.state(&site, &nonce).await, "verified");
    assert_eq!(site.truecaller.fetches(), 1);
}

#[tokio::test]
async fn whoever_gives_up_asking_leaves_the_turn_to_others() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.clock.advance(SECOND);
    let request = || browser.request("GET", "/", &[]);
    drop(site.send(request()));
    let asked = now(site.send(request())).expect("the store answers at once");
    assert_eq!(asked.summary(), "passed known");
    assert!(browser.phone(&site).await.is_some());
}
