//! The end of sessions: by age, by idleness, and by logging out, on every gate within a second.

#[cfg(feature = "gateway")]
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::header;

use super::{
    browser::Browser,
    queue::now,
    site::{ORIGIN, Outcome, Site},
};
use crate::clock::Clock;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_session_lives_while_it_is_used_and_twelve_hours_at_most() {
    let site = Site::new();
    let mut idle = site.signed_in().await;
    site.advance(2 * HOUR);
    assert_eq!(idle.phone(&site).await, None);
    assert!(!idle.cookies.contains_key("__Host-truegate"), "a cookie that is worth nothing is cleared");

    let mut busy = site.signed_in().await;
    for hour in 1..12 {
        site.advance(HOUR);
        assert!(busy.phone(&site).await.is_some(), "after {hour} h");
    }
    site.advance(HOUR);
    assert_eq!(busy.phone(&site).await, None);
}

#[tokio::test]
async fn a_cookie_is_sealed_again_when_a_tenth_of_the_idle_time_has_passed() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let cookie = |browser: &Browser| browser.cookies["__Host-truegate"].clone();
    let first = cookie(&browser);
    site.advance(Duration::from_mins(12) - SECOND);
    browser.pass(&site, "/").await;
    assert_eq!(cookie(&browser), first);
    site.advance(SECOND);
    let Outcome::Passed { response, .. } = browser.go(&site, "GET", "/", &[]).await else { panic!("it is open") };
    assert_ne!(cookie(&browser), first);
    assert_eq!(response[header::CACHE_CONTROL], "private, no-store", "no cache may give the cookie to others");
}

#[tokio::test]
async fn a_clock_that_goes_back_or_far_ahead_makes_nobody_immortal() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.clock.set_wall(UNIX_EPOCH);
    let _ = browser.go(&site, "GET", "/", &[]).await;
    site.clock.set_wall(UNIX_EPOCH + Duration::from_secs(1 << 40));
    assert_eq!(browser.phone(&site).await, None);
}

#[tokio::test]
async fn a_date_that_was_wrong_for_a_while_lets_no_ended_session_back_in() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let mut replay = browser.clone();
    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    let date = here.clock.wall();

    here.clock.set_wall(date + 1000 * HOUR);
    let mut other = there.signed_in().await;
    assert!(other.phone(&there).await.is_some());
    there.advance(SECOND);

    here.clock.set_wall(date + SECOND);
    assert_eq!(replay.phone(&there).await, None);
}

#[tokio::test]
async fn who_logged_out_is_unknown_on_every_gate_within_a_second() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let mut replay = browser.clone();
    assert!(replay.phone(&there).await.is_some(), "any gate with the secret knows a session");

    let logout = browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert_eq!(logout.status(), 204);
    let cleared = &logout.headers()[header::SET_COOKIE];
    assert_eq!(cleared, "__Host-truegate=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
    assert_eq!(replay.clone().phone(&here).await, None, "here at once");
    here.advance(SECOND);
    assert_eq!(replay.phone(&there).await, None);

    let mut other = here.signed_in().await;
    assert!(other.phone(&there).await.is_some(), "nobody else is logged out");
}

#[tokio::test]
async fn who_logs_out_everywhere_is_unknown_in_every_browser() {
    let site = Site::new();
    let (mut phone, mut laptop) = (site.signed_in().await, site.signed_in().await);
    let mut stranger = Browser::default();
    site.sign_in(&mut stranger, "another").await;
    site.advance(SECOND);
    assert_eq!(phone.ask(&site, "POST", "/.truegate/logout?everywhere=true", &[ORIGIN]).await.status(), 204);
    assert_eq!(laptop.phone(&site).await, None);
    assert!(stranger.phone(&site).await.is_some());
    site.advance(SECOND);
    assert!(site.signed_in().await.phone(&site).await.is_some(), "who logs in again is known again");
}

#[tokio::test]
async fn who_logs_out_everywhere_after_the_clock_went_back_is_unknown_in_every_browser() {
    let site = Site::new();
    let (mut phone, mut laptop) = (site.signed_in().await, site.signed_in().await);
    site.clock.set_wall(site.clock.wall() - HOUR);
    assert_eq!(phone.ask(&site, "POST", "/.truegate/logout?everywhere=true", &[ORIGIN]).await.status(), 204);
    assert_eq!(laptop.phone(&site).await, None);
}

#[tokio::test]
async fn a_form_that_logs_out_is_sent_on_within_the_site() {
    let site = Site::new();
    for (form, location) in [("next=%2Fbye", "/bye"), ("next=%2F%2Fevil.example", "/"), ("a=b&next=https://evil", "/")]
    {
        let browser = site.signed_in().await;
        let mut request = browser.request("POST", "/.truegate/logout", &[ORIGIN]);
        *request.body_mut() = form.into();
        assert_eq!(site.send(request).await.summary(), format!("303 {location}"));
    }
}

#[tokio::test]
async fn the_store_is_followed_while_sessions_are_used_and_not_for_each_request() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let asked = site.store.asked();
    for _ in 0..100 {
        let passed = browser.go(&site, "GET", "/", &[]).await;
        assert!(matches!(passed, Outcome::Passed { .. }));
    }
    assert_eq!(site.store.asked(), asked);
    for _ in 0..59 {
        site.advance(SECOND);
        assert!(site.tasks.is_following());
    }
    site.advance(SECOND);
    assert_eq!(site.store.asked(), asked + 60);
    assert!(!site.tasks.is_following(), "nobody has used a session for a minute");

    let asked = site.store.asked();
    for _ in 0..100 {
        site.advance(SECOND);
        Browser::default().pass(&site, "/").await;
        browser.pass(&site, "/public/").await;
    }
    assert_eq!(site.store.asked(), asked, "nobody is asked about who needs no session");
}

#[tokio::test]
async fn who_logged_out_elsewhere_while_a_gate_was_idle_is_unknown_at_its_first_request() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let mut replay = browser.clone();
    assert!(replay.phone(&there).await.is_some());
    here.advance(Duration::from_mins(2));
    assert!(!there.tasks.is_following());
    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    here.advance(SECOND);
    assert_eq!(replay.phone(&there).await, None);
}

#[tokio::test]
async fn a_gate_that_is_prepared_knows_every_logout_before_its_first_request() {
    let here = Site::new();
    let (mut ended, valid) = (here.signed_in().await, here.signed_in().await);
    let replay = ended.clone();
    ended.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    let there = here.twin();
    now(there.gate.prepare()).expect("the store answers at once");
    assert!(!there.tasks.is_following(), "nobody has used a session yet");

    here.store.set_slow(true);
    let ask = |browser: &Browser| Box::pin(there.send(browser.request("GET", "/account/", &[])));
    assert_eq!(now(ask(&replay)).expect("the logout is known").summary(), "401");
    let mut asked = ask(&valid);
    assert!(now(&mut asked).is_none());
    assert!(there.tasks.is_following(), "the first request lets the store be followed");
    there.advance(Duration::from_millis(400));
    assert_eq!(now(&mut asked).unwrap().summary(), "passed known", "by what was read before");

    let fresh = here.twin();
    let mut preparing = Box::pin(fresh.gate.prepare());
    assert!(now(&mut preparing).is_none());
    fresh.advance(3 * SECOND);
    assert!(now(&mut preparing).is_some(), "a store that is silent is not waited for");
}

#[tokio::test]
async fn the_task_that_follows_the_store_ends_with_the_gate_and_when_the_server_stops() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    assert!(site.tasks.is_following());
    site.gate.stop_waiting();
    site.follow();
    assert!(!site.tasks.is_following());

    site.advance(SECOND);
    let twin = site.twin();
    let mut replay = browser.clone();
    browser.ask(&twin, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert_eq!(replay.phone(&site).await, None, "a request that comes late still learns of logouts");
    assert!(!site.tasks.is_following());

    let Site { gate, tasks, .. } = twin;
    assert!(tasks.is_following());
    drop(gate);
    tasks.follow();
    assert!(!tasks.is_following());
}

#[tokio::test]
async fn a_gate_that_is_dropped_leaves_the_other_gates_of_its_sessions_informed() {
    let first = Site::new();
    let (second, elsewhere) = (first.sibling(), first.twin());
    let mut browser = first.signed_in().await;
    let mut replay = browser.clone();
    assert!(first.tasks.is_following());
    let Site { gate, .. } = first;
    drop(gate);
    second.advance(SECOND);

    assert!(replay.phone(&second).await.is_some());
    assert!(second.tasks.is_following(), "another task has taken over");
    browser.ask(&elsewhere, "POST", "/.truegate/logout", &[ORIGIN]).await;
    second.advance(SECOND);
    assert_eq!(replay.phone(&second).await, None);
}

/// As with the next configuration of a gateway.
#[cfg(feature = "gateway")]
#[tokio::test]
async fn what_a_store_said_makes_nobody_valid_in_the_next_store() {
    for (is_followed, is_down) in [(true, false), (true, true), (false, false), (false, true)] {
        let before = Site::new();
        let elsewhere = Site::join(before.store.another(), |sessions| sessions);
        let (mut ended, valid) = (before.signed_in().await, before.signed_in().await);
        let stolen = ended.clone();
        ended.ask(&elsewhere, "POST", "/.truegate/logout", &[ORIGIN]).await;
        if !is_followed {
            before.tasks.drop_all();
        }

        let memory = Arc::clone(&before.tasks.sessions().0.memory);
        let after = Site::join(elsewhere.store.clone(), |sessions| sessions.memory(memory));
        after.store.set_down(is_down);
        let sessions = after.tasks.sessions();
        let reading = now(sessions.read_ahead(&after.gate)).expect("the store answers at once");
        sessions.follow_store(&after.gate, reading);
        after.follow();

        let ask = async |browser: &Browser| after.send(browser.request("GET", "/account/", &[])).await.summary();
        assert_eq!(ask(&stolen).await, if is_down { "503" } else { "401" }, "followed: {is_followed}, down: {is_down}");
        assert_eq!(ask(&valid).await, if is_down { "503" } else { "passed known" });
        after.store.set_down(false);
        after.advance(SECOND);
        assert_eq!((ask(&stolen).await, ask(&valid).await), ("401".into(), "passed known".into()));
    }
}
