//! What becomes of callbacks: acknowledged at once, and verified once and no more.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    browser::Browser,
    shared_store::SharedStore,
    site::{Site, grant},
};
use crate::gate::{Event, Observer};

#[tokio::test]
async fn nobody_learns_from_the_answer_whether_a_request_id_is_known() {
    let site = Site::new();
    let mut browser = Browser::default();
    let request_id = site.sign_in(&mut browser, "a-token").await;
    let pending = browser.start(&site).await;
    let fetches = site.truecaller.fetches();
    for request_id in [&request_id, "unknown-nonce"] {
        assert_eq!(site.grant(request_id, "a-token").await, 204);
        assert_eq!(site.decline(request_id, "user_rejected").await, 204);
        assert_eq!(site.decline(request_id, "whatever").await, 204);
    }
    assert_eq!(site.tasks.run(), 0);
    assert_eq!(site.truecaller.fetches(), fetches, "nothing is fetched for a login that does not run");
    assert_eq!(browser.state(&site, &request_id).await, "verified", "a late callback changes nothing");

    for (callback, status) in
        [("{}", 400), (r#"{"requestId":"12345678","accessToken":"t","endpoint":"https://evil.example/"}"#, 403)]
    {
        assert_eq!(site.post(callback).await, status);
    }
    site.advance(Duration::from_mins(3));
    assert_eq!(site.grant(&pending, "a-token").await, 204);
    assert_eq!(site.tasks.run(), 0);
    assert_eq!(site.truecaller.fetches(), fetches);
}

#[tokio::test]
async fn a_callback_that_comes_a_hundred_times_is_verified_once() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    for _ in 0..100 {
        assert_eq!(site.grant(&request_id, "a-token").await, 204);
    }
    site.tasks.run();
    assert_eq!(site.truecaller.fetches(), 1);
    assert_eq!(browser.state(&site, &request_id).await, "verified");
}

#[tokio::test]
async fn a_token_that_gives_no_profile_ends_no_login() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    for token in ["refused", "unusable"] {
        site.grant(&request_id, token).await;
        assert_eq!(site.tasks.run(), 0);
        assert_eq!(browser.state(&site, &request_id).await, "pending");
    }
    site.grant(&request_id, "a-token").await;
    site.tasks.run();
    assert_eq!(browser.state(&site, &request_id).await, "verified");
}

#[tokio::test]
async fn the_first_end_of_a_login_is_its_end() {
    for (first, second, state) in [
        (grant_of("a-token"), grant_of("another"), "verified"),
        (grant_of("a-token"), decline("user_rejected"), "verified"),
        (decline("user_rejected"), grant_of("a-token"), "refused"),
        (decline("use_another_number"), decline("user_rejected"), "another_number"),
        (grant_of("phoneless"), grant_of("a-token"), "failed"),
        (grant_of("inactive"), grant_of("a-token"), "failed"),
    ] {
        let (site, mut browser) = (Site::new(), Browser::default());
        let request_id = browser.start(&site).await;
        for callback in [first, second] {
            assert_eq!(site.post(&callback.replace("NONCE---", &request_id)).await, 204);
            site.tasks.run();
        }
        assert_eq!(browser.state(&site, &request_id).await, state);
        assert_eq!(site.decline(&request_id, "flow_invoked").await, 204);
        assert_eq!(browser.state(&site, &request_id).await, state, "nothing opens again");
        let phone = browser.phone(&site).await;
        assert_eq!(phone.as_deref(), (state == "verified").then_some("+919999999999"));
    }
}

#[tokio::test]
async fn a_truecaller_that_is_down_is_asked_again_while_the_login_runs() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    site.grant(&request_id, "down-twice").await;
    assert_eq!((site.tasks.run(), site.truecaller.fetches()), (1, 1));
    site.advance(Duration::from_millis(500));
    assert_eq!((site.tasks.run(), site.truecaller.fetches()), (1, 2));
    site.advance(Duration::from_millis(999));
    assert_eq!((site.tasks.run(), site.truecaller.fetches()), (1, 2), "and the pause grows");
    site.advance(Duration::from_millis(1));
    assert_eq!((site.tasks.run(), site.truecaller.fetches()), (0, 3));
    assert_eq!(browser.state(&site, &request_id).await, "verified");

    let request_id = browser.start(&site).await;
    site.grant(&request_id, "down").await;
    for _ in 0..36 {
        assert_eq!(site.tasks.run(), 1);
        site.advance(Duration::from_secs(5));
    }
    assert_eq!(site.tasks.run(), 0, "with the login it ends");
    assert!((15..30).contains(&site.truecaller.fetches()), "{}", site.truecaller.fetches());
}

#[tokio::test]
async fn a_truecaller_that_is_silent_is_not_waited_for_beyond_the_deadline() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    site.grant(&request_id, "silent").await;
    for token in 0..100 {
        site.grant(&request_id, &format!("silent{token}")).await;
    }
    site.tasks.run();
    assert!(site.truecaller.fetches() <= 16, "a login has so many tokens at once and no more");
    site.advance(Duration::from_millis(2500));
    site.tasks.run();
    site.advance(Duration::from_millis(500));
    site.decline(&request_id, "user_rejected").await;
    assert_eq!(site.tasks.run(), 0, "a login that ended is not verified further");
    assert_eq!(browser.state(&site, &request_id).await, "refused");
}

fn grant_of(token: &str) -> String {
    grant("NONCE---", token)
}

fn decline(status: &str) -> String {
    format!(r#"{{"requestId":"NONCE---","status":"{status}"}}"#)
}

#[derive(Clone, Default)]
struct Verdicts(Arc<Mutex<Vec<(&'static str, Duration)>>>);

impl Observer for Verdicts {
    fn observe(&self, event: Event) {
        if let Event::Verification { outcome, elapsed } = event {
            self.0.lock().unwrap().push((outcome.code(), elapsed));
        }
    }
}

#[tokio::test]
async fn every_verification_ends_in_one_outcome() {
    let verdicts = Verdicts::default();
    let site = Site::build(SharedStore::default(), |sessions| sessions, |gate| gate.observer(verdicts.clone()));
    let take = || std::mem::take(&mut *verdicts.0.lock().unwrap());
    for (token, outcome) in [
        ("a-token", "verified"),
        ("inactive", "profile-inactive"),
        ("phoneless", "no-phone-number"),
        ("refused", "token-refused"),
        ("unusable", "profile-unusable"),
    ] {
        let request_id = Browser::default().start(&site).await;
        site.grant(&request_id, token).await;
        site.tasks.run();
        assert_eq!(take(), [(outcome, Duration::ZERO)], "{token}");
    }
    site.grant("unknown-nonce", "a-token").await;
    assert_eq!(take(), [("no-login", Duration::ZERO)]);

    let request_id = Browser::default().start(&site).await;
    site.grant(&request_id, "down").await;
    site.grant(&request_id, "down").await;
    assert_eq!(take(), [("repeated", Duration::ZERO)]);
    site.tasks.run();
    site.decline(&request_id, "user_rejected").await;
    site.advance(Duration::from_secs(1));
    site.tasks.run();
    assert_eq!(take(), [("superseded", Duration::from_secs(1))]);

    let request_id = Browser::default().start(&site).await;
    site.grant(&request_id, "down").await;
    for _ in 0..200 {
        site.tasks.run();
        site.advance(Duration::from_secs(1));
    }
    site.tasks.run();
    let ended = take();
    assert_eq!((ended.len(), ended[0].0), (1, "expired"), "{ended:?}");
    assert!(ended[0].1 >= Duration::from_mins(3), "{ended:?}");

    let request_id = Browser::default().start(&site).await;
    site.grant(&request_id, "a-token").await;
    site.store.set_down(true);
    for _ in 0..200 {
        site.tasks.run();
        site.advance(Duration::from_secs(1));
    }
    let ended = take();
    assert_eq!((ended.len(), ended[0].0), (1, "store-unavailable"), "{ended:?}");
}
