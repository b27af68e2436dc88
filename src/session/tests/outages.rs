//! What holds while the store is away.

use std::time::Duration;

use super::{
    browser::Browser,
    queue::now,
    site::{ORIGIN, Site, code},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn without_the_store_sessions_go_on_for_the_grace_and_no_login_starts() {
    let site = Site::new();
    let (mut browser, other) = (site.signed_in().await, site.signed_in().await);
    let request_id = browser.start(&site).await;
    site.store.set_down(true);

    for _ in 0..59 {
        site.advance(SECOND);
        assert!(browser.phone(&site).await.is_some());
    }
    for (method, target) in [("POST", "/.truegate/login"), ("GET", "/.truegate/status"), ("POST", "/.truegate/logout")]
    {
        let mut other = other.clone();
        let refused = other.ask(&site, method, target, &[ORIGIN]).await;
        assert_eq!(code(&refused), (http::StatusCode::SERVICE_UNAVAILABLE, "store-unavailable".to_owned()), "{target}");
        assert!(refused.headers().contains_key("retry-after"));
    }
    let page = Browser::default().ask(&site, "GET", "/.truegate/login", &[]).await;
    assert_eq!(page.status(), 200, "it is the page's script that hears of it");
    assert!(page.headers().contains_key("content-security-policy"));
    assert_eq!(site.grant(&request_id, "a-token").await, 503, "Truecaller may post again");

    site.advance(2 * SECOND);
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
    site.advance(SECOND);
    assert!(browser.phone(&site).await.is_some(), "and all is well as soon as it is back");
    assert_eq!(site.grant(&request_id, "a-token").await, 204);
}

#[tokio::test]
async fn a_logout_that_the_store_missed_holds_here_and_is_told_again() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let mut replay = browser.clone();
    assert!(replay.phone(&there).await.is_some());
    here.store.set_down(true);
    let refused = browser.ask(&here, "POST", "/.truegate/logout?everywhere=true", &[ORIGIN]).await;
    assert_eq!((refused.status().as_u16(), browser.cookies.contains_key("__Host-truegate")), (503, false));
    assert_eq!(replay.clone().phone(&here).await, None);
    here.advance(SECOND);
    assert_eq!(here.tasks.run(), 2);
    assert!(replay.clone().phone(&there).await.is_some(), "nobody could tell the other gate");

    here.store.set_down(false);
    here.advance(SECOND);
    assert_eq!(here.tasks.run(), 0);
    here.advance(SECOND);
    assert_eq!(replay.phone(&there).await, None);
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
    site.advance(SECOND);
    let asked = site.store.asked();
    for _ in 0..100 {
        browser.pass(&site, "/").await;
    }
    assert_eq!(site.store.asked(), asked);
}

#[tokio::test]
async fn an_end_that_the_store_missed_is_told_again() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    site.grant(&request_id, "a-token").await;
    site.store.set_down(true);
    assert_eq!(site.tasks.run(), 1);
    site.store.set_down(false);
    assert_eq!(browser.state(&site, &request_id).await, "pending");
    site.advance(SECOND);
    assert_eq!(site.tasks.run(), 0);
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert_eq!(site.truecaller.fetches(), 1);
}

#[tokio::test]
async fn a_store_that_takes_its_time_is_heard_by_all_who_wait() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let replay = browser.clone();
    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;

    here.store.set_slow(true);
    let ask = || Box::pin(there.send(replay.request("GET", "/", &[])));
    let (mut first, mut second) = (ask(), ask());
    assert!(now(&mut first).is_none() && now(&mut second).is_none());
    drop(first);
    assert!(now(&mut second).is_none(), "who began to ask has gone, and the question goes on");
    here.store.set_slow(false);
    assert_eq!(there.tasks.run(), 0);
    assert_eq!(now(&mut second).unwrap().summary(), "passed unknown", "the logout is heard");
}

#[tokio::test]
async fn a_store_that_hangs_costs_nothing_until_the_grace_is_over() {
    let site = Site::new();
    let browser = site.signed_in().await;
    site.store.set_slow(true);
    let ask = |target| now(site.send(browser.request("GET", target, &[]))).expect("no request waits").summary();
    for _ in 0..60 {
        assert_eq!(ask("/account/"), "passed known");
        site.advance(SECOND);
    }
    site.advance(SECOND);
    assert_eq!((ask("/account/").as_str(), ask("/").as_str()), ("503", "passed unknown"));
    site.store.set_slow(false);
    site.advance(SECOND);
    assert_eq!(ask("/account/"), "passed known");
}

#[tokio::test]
async fn a_logout_holds_everywhere_though_its_client_has_left() {
    let here = Site::new();
    let there = here.twin();
    let browser = here.signed_in().await;
    let mut replay = browser.clone();
    here.store.set_slow(true);
    let mut logout = Box::pin(here.send(browser.request("POST", "/.truegate/logout", &[ORIGIN])));
    assert!(now(&mut logout).is_none());
    drop(logout);
    here.store.set_slow(false);
    assert_eq!(here.tasks.run(), 0);
    there.advance(SECOND);
    assert_eq!(replay.phone(&there).await, None);
    assert_eq!(replay.phone(&here).await, None);
}
