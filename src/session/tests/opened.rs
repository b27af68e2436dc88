//! Opened sessions that are kept: what a gate may not believe of a cookie because it has seen it before.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, header};

use super::{
    browser::Browser,
    site::{ORIGIN, Outcome, Site},
};
use crate::{
    headers::HeaderNames,
    random::Random,
    session::{
        SealPurpose, Sealer, Secret,
        opened::{CAPACITY, OpenedSession},
    },
};

const SECOND: Duration = Duration::from_secs(1);
const COOKIE: &str = "__Host-truegate";

fn kept(site: &Site) -> usize {
    site.tasks.sessions().0.opened.len()
}

/// What is kept of a browser's session.
fn found(site: &Site, browser: &Browser) -> Option<Arc<OpenedSession>> {
    site.tasks.sessions().0.opened.find(browser.cookies[COOKIE].as_bytes())
}

/// A request that needs a session, with a `Cookie` line.
fn asked(line: &str) -> Request<Bytes> {
    let mut request = Browser::default().request("GET", "/account/", &[]);
    request.headers_mut().insert(header::COOKIE, line.parse().unwrap());
    request
}

/// A site with one browser, whose cookie its gate has just seen.
async fn seen() -> (Site, Browser) {
    let site = Site::new();
    let browser = site.signed_in().await;
    assert_eq!(browser.clone().go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    assert_eq!(kept(&site), 1);
    (site, browser)
}

#[tokio::test]
async fn a_cookie_that_was_seen_before_is_refused_when_its_session_is_over() {
    for (over, by) in [("idle", Duration::from_hours(2)), ("of age", Duration::from_hours(12))] {
        let (site, mut browser) = seen().await;
        site.advance(by);
        assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "401", "{over}");
        assert_eq!(kept(&site), 0, "{over}");
    }
    for logout in ["/.truegate/logout", "/.truegate/logout?everywhere=true"] {
        for is_here in [true, false] {
            let (site, mut browser) = seen().await;
            let (twin, mut replay) = (site.twin(), browser.clone());
            let elsewhere = if is_here { &site } else { &twin };
            assert_eq!(browser.ask(elsewhere, "POST", logout, &[ORIGIN]).await.status(), 204);
            if !is_here {
                site.advance(SECOND);
            }
            assert_eq!(replay.go(&site, "GET", "/account/", &[]).await.summary(), "401", "{logout}, here: {is_here}");
            assert_eq!(kept(&site), 0, "{logout}, here: {is_here}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_was_seen_before_is_no_more_worth_than_the_store_says() {
    let (site, mut browser) = seen().await;
    site.store.set_down(true);
    site.advance(Duration::from_mins(2));
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "503");
}

#[tokio::test]
async fn a_cookie_like_one_that_was_seen_before_is_none() {
    let (site, browser) = seen().await;
    let good = browser.cookies[COOKIE].clone();
    let changed = (0..good.len()).map(|at| {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(changed).unwrap()
    });
    let cut = [&good[1..], &good[..good.len() - 1], &good[..good.len() / 2], ""].map(str::to_owned);
    for value in changed.chain(cut) {
        assert_eq!(site.send(asked(&format!("{COOKIE}={value}"))).await.summary(), "401", "{value}");
    }
    for name in ["truegate", "__host-truegate", "__Host-truegate-login", "__Secure-truegate-of-app"] {
        assert_eq!(site.send(asked(&format!("{name}={good}"))).await.summary(), "401", "{name}");
    }
    assert_eq!(site.send(asked(&format!("{COOKIE}={good}; {COOKIE}={good}"))).await.summary(), "401");
    assert_eq!(kept(&site), 1, "no bad cookie is kept");
    assert_eq!(site.send(asked(&format!("{COOKIE}={good}"))).await.summary(), "passed known");
}

#[tokio::test]
async fn a_cookie_that_was_sealed_elsewhere_or_for_something_else_is_not_kept() {
    let (site, browser) = seen().await;
    let shared = &site.tasks.sessions().0;
    let session = shared.sealer.open_text(SealPurpose::Session(""), browser.cookies[COOKIE].as_bytes()).unwrap();
    let (random, stranger) = (Random::seeded(1), Sealer::new(&Secret::generate(), &[]));
    for (sealer, purpose, outcome) in [
        (&stranger, SealPurpose::Session(""), "401"),
        (&shared.sealer, SealPurpose::Browser(""), "401"),
        (&shared.sealer, SealPurpose::Revocation, "401"),
        (&shared.sealer, SealPurpose::Session(""), "passed known"),
    ] {
        let before = kept(&site);
        for _ in 0..2 {
            let cookie = sealer.seal_text(purpose, &session, &random);
            let result = site.send(asked(&format!("{COOKIE}={cookie}"))).await;
            assert_eq!(result.summary(), outcome, "{purpose:?}");
        }
        assert_eq!(kept(&site) > before, outcome == "passed known", "{purpose:?}");
    }
    let nonsense = shared.sealer.seal_text(SealPurpose::Session(""), b"{}", &random);
    assert_eq!(site.send(asked(&format!("{COOKIE}={nonsense}"))).await.summary(), "401");
    assert_eq!(kept(&site), 3);
}

#[tokio::test]
async fn each_gate_of_the_same_sessions_sets_its_own_headers() {
    let (site, browser) = seen().await;
    let other = site.sibling_with(|gate| gate.headers(HeaderNames::builder("X-Other-").unwrap().build()));
    for _ in 0..2 {
        for (gate, name, foreign) in
            [(&site, "x-truecaller-phone", "x-other-phone"), (&other, "x-other-phone", "x-truecaller-phone")]
        {
            let Outcome::Passed { request, .. } = browser.clone().go(gate, "GET", "/account/", &[]).await else {
                panic!("it is known")
            };
            assert_eq!(request[name], "+919999999999");
            assert!(!request.contains_key(foreign), "{name}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_is_renewed_goes_on_as_the_new_one() {
    let (site, mut browser) = seen().await;
    let old = browser.cookies[COOKIE].clone();
    site.advance(Duration::from_mins(12));
    browser.pass(&site, "/").await;
    assert_ne!(browser.cookies[COOKIE], old);
    site.advance(Duration::from_mins(110));
    assert_eq!(
        site.send(asked(&format!("{COOKIE}={old}"))).await.summary(),
        "401",
        "the old one was used too long ago"
    );
    assert!(browser.phone(&site).await.is_some());
}

#[tokio::test]
async fn sessions_that_are_over_do_not_stay_in_memory() {
    let (site, first) = seen().await;
    let mut gone = site.signed_in().await;
    gone.pass(&site, "/").await;
    let of = |browser: &Browser| Arc::downgrade(&found(&site, browser).unwrap());
    let (of_first, of_gone) = (of(&first), of(&gone));
    gone.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;

    assert!(of_gone.upgrade().is_none() && of_first.upgrade().is_some(), "the one that logged out is forgotten");

    first.clone().pass(&site, "/").await;
    site.advance(Duration::from_hours(12));
    assert!(of_first.upgrade().is_none(), "no request has come since, but the task that follows the store runs on");
}

#[tokio::test]
async fn sessions_that_ended_unseen_do_not_stay_in_memory_while_others_are_used() {
    for is_logged_out in [true, false] {
        let site = Site::with(|sessions| sessions.idle(Duration::from_secs(40)));
        let (twin, mut used, mut gone) = (site.twin(), site.signed_in().await, site.signed_in().await);
        gone.pass(&site, "/").await;
        let of_gone = Arc::downgrade(&found(&site, &gone).unwrap());
        if is_logged_out {
            gone.ask(&twin, "POST", "/.truegate/logout", &[ORIGIN]).await;
        }

        for _ in 0..100 {
            used.pass(&site, "/").await;
            site.advance(SECOND);
        }
        assert!(of_gone.upgrade().is_none(), "logged out: {is_logged_out}");
        assert!(found(&site, &used).is_some() && kept(&site) < 30, "{} are kept", kept(&site));
    }
}

#[tokio::test]
async fn no_session_stays_in_memory_when_none_is_used() {
    let (site, _) = seen().await;
    (0..61).for_each(|_| site.advance(SECOND));
    assert!(!site.tasks.is_following());
    assert_eq!(kept(&site), 0);
}

#[tokio::test]
async fn many_sessions_take_no_more_memory_than_allowed() {
    let (site, mut browser) = seen().await;
    let sessions = site.tasks.sessions();
    let opened = sessions.0.opened.find(browser.cookies[COOKIE].as_bytes()).unwrap();
    for number in 0..100_000 {
        sessions.0.opened.keep(format!("{number:0400}").as_bytes(), &opened);
    }
    assert!(kept(&site) > 1000 && sessions.0.opened.weight() <= CAPACITY, "{}", sessions.0.opened.weight());
    assert_eq!(Arc::strong_count(&opened), kept(&site) + 1);
    assert!(browser.phone(&site).await.is_some(), "a session that was evicted is opened again");
}
