//! How long requests may go on.

use std::time::Duration;

use futures_core::future::BoxFuture;

use super::queue::now;
use super::{
    browser::Browser,
    site::{ORIGIN, Site},
};
use crate::{
    gate::{Step, Verdict},
    lease::Lease,
};

const TENTH: Duration = Duration::from_millis(100);

/// The lease with which a request goes on to the app.
async fn lease(site: &Site, browser: &Browser, target: &str) -> Option<Lease> {
    let (head, _) = browser.request("GET", target, &[]).into_parts();
    let verdict = match site.gate.inspect(&head) {
        Step::Forward(edits) => Verdict::Forward(edits),
        Step::Wait(verdict) => verdict.await,
        _ => panic!("it goes on"),
    };
    let Verdict::Forward(edits) = verdict else { panic!("it goes on") };
    edits.lease().cloned()
}

/// How long it takes until a lease is over, looked at as time goes by; none if it is not within ten seconds.
fn time_left(site: &Site, over: &mut BoxFuture<'static, ()>) -> Option<Duration> {
    (0..100).find_map(|tenths| {
        let is_over = now(&mut *over).is_some();
        if !is_over {
            site.advance(TENTH);
        }
        is_over.then_some(TENTH * tenths)
    })
}

#[tokio::test]
async fn an_open_request_hears_of_a_logout_elsewhere_within_two_seconds() {
    for target in ["/.truegate/logout", "/.truegate/logout?everywhere=true"] {
        let site = Site::new();
        let twin = site.twin();
        let mut browser = site.signed_in().await;
        let other = lease(&site, &site.signed_in().await, "/account/x").await.unwrap();
        let lease = lease(&site, &browser, "/account/").await.unwrap();
        let mut over = lease.over();
        assert_eq!(time_left(&site, &mut over), None, "a session that goes on");

        browser.ask(&twin, "POST", target, &[ORIGIN]).await;

        assert!(time_left(&site, &mut over).is_some_and(|left| left <= Duration::from_secs(2)));
        assert!(lease.is_over());
        assert_eq!(other.is_over(), target.ends_with("true"), "the user's other session");
    }
}

#[tokio::test]
async fn the_store_is_asked_while_requests_are_open_and_not_for_each_of_them() {
    let site = Site::new();
    let browser = site.signed_in().await;
    let lease = lease(&site, &browser, "/").await.unwrap();
    let mut open: Vec<_> = (0..20).map(|_| lease.over()).collect();
    let before = site.store.asked();
    for _ in 0..100 {
        assert!(open.iter_mut().all(|over| now(over).is_none()));
        site.advance(TENTH);
    }
    let asked = site.store.asked() - before;
    assert!((10..=34).contains(&asked), "{asked} times in ten seconds");
    drop(open);
    site.advance(Duration::from_mins(1));
    let asked = site.store.asked();
    site.advance(Duration::from_mins(1));
    assert_eq!(site.store.asked(), asked, "an idle gate is silent");
}

#[tokio::test]
async fn a_logout_here_is_known_at_once() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let lease = lease(&site, &browser, "/").await.unwrap();
    assert!(!lease.is_over());
    browser.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert!(lease.is_over());
}

#[tokio::test]
async fn an_open_request_ends_with_the_lifetime_however_idle_it_is() {
    let site = Site::new();
    let browser = site.signed_in().await;
    let lease = lease(&site, &browser, "/").await.unwrap();
    let mut over = lease.over();
    site.advance(Duration::from_hours(12) - Duration::from_secs(11));
    assert_eq!(time_left(&site, &mut over), None);
    assert!(time_left(&site, &mut over).is_some_and(|left| left <= Duration::from_secs(1)));
    assert!(lease.is_over());
}

#[tokio::test]
async fn an_open_request_ends_when_nobody_can_tell_for_longer_than_the_grace() {
    let site = Site::new();
    let browser = site.signed_in().await;
    let mut over = lease(&site, &browser, "/").await.unwrap().over();
    site.store.set_down(true);
    for _ in 0..5 {
        assert_eq!(time_left(&site, &mut over), None, "the grace is a minute");
    }
    assert!((0..3).any(|_| time_left(&site, &mut over).is_some()));
}

#[tokio::test]
async fn what_nobody_signed_in_opens_has_no_end() {
    let site = Site::new();
    let browser = site.signed_in().await;
    assert!(lease(&site, &Browser::default(), "/").await.is_none());
    assert!(lease(&site, &browser, "/public/").await.is_none());
}
