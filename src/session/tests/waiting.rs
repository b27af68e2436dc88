//! Many browsers wait for their logins, and cost the store next to nothing.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::task::unconstrained;

use super::queue::now;
use super::{
    browser::Browser,
    site::{ORIGIN, Outcome, Site},
};
use crate::store::WATCHED_AT_ONCE;

const LOOK: Duration = Duration::from_millis(300);

type Request<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

fn ask<'a>(site: &'a Site, browser: &Browser, query: &str) -> Request<'a> {
    // The runtime lets one task wait for a hundred things, and a test polls thousands.
    Box::pin(unconstrained(site.send(browser.request("GET", &format!("/.truegate/status?{query}"), &[]))))
}

fn wait_for<'a>(site: &'a Site, browser: &Browser, request_id: &str) -> Request<'a> {
    ask(site, browser, &format!("request_id={request_id}&since=pending&wait=25"))
}

/// What a request is answered by now, if it is.
fn state(request: &mut Request<'_>) -> Option<String> {
    // One poll may look, and the next one hear of it.
    let answer = (0..3).find_map(|_| now(request.as_mut()))?;
    let Outcome::Answered(response) = answer else { panic!("a route of our own") };
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    Some(body["state"].as_str().or(body["code"].as_str()).unwrap().to_owned())
}

/// Browsers that each wait for a login of their own.
async fn crowd(site: &Site, count: usize) -> (Vec<Browser>, Vec<String>) {
    let (mut browsers, mut request_ids) = (vec![Browser::default(); count], Vec::new());
    for browser in &mut browsers {
        request_ids.push(browser.start(site).await);
    }
    (browsers, request_ids)
}

fn wait_all<'a>(site: &'a Site, browsers: &[Browser], request_ids: &[String]) -> Vec<Request<'a>> {
    let mut waiting: Vec<_> =
        browsers.iter().zip(request_ids).map(|(browser, request_id)| wait_for(site, browser, request_id)).collect();
    assert!(waiting.iter_mut().all(|request| state(request).is_none()));
    waiting
}

#[tokio::test]
async fn a_move_in_this_process_is_heard_at_once() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 3).await;
    let mut waiting = wait_all(&site, &browsers, &request_ids);
    let asked = site.store.asked();

    site.decline(&request_ids[1], "user_rejected").await;

    assert_eq!(state(&mut waiting[1]).as_deref(), Some("refused"));
    assert_eq!(site.store.asked(), asked + 2, "one to move it, one to see it");
    assert!(state(&mut waiting[0]).is_none() && state(&mut waiting[2]).is_none());
    site.decline(&request_ids[2], "flow_invoked").await;
    assert_eq!(state(&mut waiting[2]).as_deref(), Some("opened"));
}

#[tokio::test]
async fn a_move_in_another_process_is_heard_with_the_next_look() {
    let here = Site::new();
    let there = here.twin();
    let (browsers, request_ids) = crowd(&here, 3).await;
    let mut waiting = wait_all(&here, &browsers, &request_ids);

    for number in [2, 0, 1] {
        there.decline(&request_ids[number], "user_rejected").await;
        assert!(state(&mut waiting[number]).is_none());
        here.advance(LOOK);
        assert!(waiting.iter_mut().enumerate().all(|(other, request)| other == number || state(request).is_none()));
        assert_eq!(state(&mut waiting[number]).as_deref(), Some("refused"));
        waiting[number] = wait_for(&here, &Browser::default(), &request_ids[number]);
        assert_eq!(state(&mut waiting[number]).as_deref(), Some("expired"), "nobody else learns of it");
        waiting[number] = Box::pin(std::future::pending());
    }
}

#[tokio::test]
async fn a_hundred_who_wait_ask_with_one_question() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 100).await;
    let mut waiting = wait_all(&site, &browsers, &request_ids);
    let asked = site.store.asked();
    for look in 1..=20 {
        site.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
        assert_eq!(site.store.asked(), asked + look);
    }
}

#[tokio::test]
async fn whoever_leaves_another_goes_on_asking() {
    let here = Site::new();
    let there = here.twin();
    let (browsers, request_ids) = crowd(&here, 10).await;
    let mut waiting = wait_all(&here, &browsers, &request_ids);
    let asked = here.store.asked();
    for look in 1..10 {
        drop(waiting.remove(0));
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
        here.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
        assert_eq!(here.store.asked(), asked + look);
    }
    there.decline(&request_ids[9], "user_rejected").await;
    here.advance(LOOK);
    assert_eq!(state(&mut waiting[0]).as_deref(), Some("refused"));
    drop(waiting);
    let asked = here.store.asked();
    here.advance(10 * LOOK);
    assert_eq!((here.tasks.run(), here.store.asked()), (0, asked), "nothing goes on when nobody waits");
}

#[tokio::test]
async fn a_store_that_stays_away_is_told_to_all_who_wait_by_few_questions() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 20).await;
    let mut waiting = wait_all(&site, &browsers, &request_ids);
    let asked = site.store.asked();
    for _ in 0..5 {
        site.store.set_down(true);
        site.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()), "it may be a hiccup");
        site.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
        site.store.set_down(false);
        site.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
    }
    assert_eq!(site.store.asked(), asked + 15);

    site.store.set_down(true);
    for _ in 0..2 {
        site.advance(LOOK);
        assert!(waiting.iter_mut().all(|request| state(request).is_none()));
    }
    site.advance(LOOK);
    let answers: Vec<_> = waiting.iter_mut().map(|request| state(request).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer == "store-unavailable"), "{answers:?}");
    assert_eq!(site.store.asked(), asked + 18);
}

#[tokio::test]
async fn what_one_batch_says_is_heard_though_the_next_one_fails() {
    let here = Site::new();
    let there = here.twin();
    let (browsers, request_ids) = crowd(&here, WATCHED_AT_ONCE + 3).await;
    let mut waiting = wait_all(&here, &browsers, &request_ids);
    for request_id in &request_ids {
        there.decline(request_id, "user_rejected").await;
    }

    here.store.set_batches(1);
    here.advance(LOOK);
    waiting.retain_mut(|request| match state(request) {
        Some(heard) => heard != "refused",
        None => true,
    });
    assert_eq!(waiting.len(), 3, "those of the second batch wait");
    here.store.set_batches(2);
    here.advance(LOOK);
    assert!(waiting.iter_mut().all(|request| state(request).as_deref() == Some("refused")));
}

#[tokio::test]
async fn a_browser_that_asks_again_costs_no_question() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 2).await;
    let mut early = wait_for(&site, &browsers[0], &request_ids[0]);
    assert!(state(&mut early).is_none());
    site.advance(Duration::from_secs(10));
    assert!(state(&mut early).is_none());
    let mut late = wait_for(&site, &browsers[1], &request_ids[1]);
    assert!(state(&mut late).is_none());
    for _ in 0..49 {
        site.advance(LOOK);
        assert!(state(&mut late).is_none() && state(&mut early).is_none());
    }
    site.advance(LOOK);
    assert_eq!(state(&mut early).as_deref(), Some("pending"), "its time has passed");
    assert!(state(&mut late).is_none());

    let asked = site.store.asked();
    let mut again = wait_for(&site, &browsers[0], &request_ids[0]);
    assert!(state(&mut again).is_none());
    assert_eq!(site.store.asked(), asked);
    site.decline(&request_ids[0], "user_rejected").await;
    assert_eq!(state(&mut again).as_deref(), Some("refused"));

    let mut elsewhere = wait_for(&site, &browsers[1], &request_ids[0]);
    assert_eq!(state(&mut elsewhere).as_deref(), Some("expired"), "nobody else learns of it");
}

#[tokio::test]
async fn who_waits_for_the_newest_login_hears_of_a_newer_one() {
    let here = Site::new();
    let there = here.twin();
    for site in [&here, &there] {
        let mut browser = Browser::default();
        browser.start(&here).await;
        let mut waiting = ask(&here, &browser, "since=pending&wait=25");
        assert!(state(&mut waiting).is_none());
        let newer = browser.start(site).await;
        assert!(state(&mut waiting).is_none(), "it is pending, too");
        here.advance(LOOK);
        assert!(state(&mut waiting).is_none());
        site.decline(&newer, "user_rejected").await;
        here.advance(LOOK);
        assert_eq!(state(&mut waiting).as_deref(), Some("refused"));
    }

    let mut browser = Browser::default();
    let request_id = browser.start(&here).await;
    here.advance(Duration::from_mins(3));
    assert_eq!(browser.state(&here, &request_id).await, "expired");
    let mut waiting = ask(&here, &browser, "since=expired&wait=25");
    assert!(state(&mut waiting).is_none());
    browser.ask(&here, "POST", "/.truegate/login", &[ORIGIN]).await;
    assert_eq!(state(&mut waiting).as_deref(), Some("pending"));
}

#[tokio::test]
async fn a_login_that_expires_is_heard_of() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 1).await;
    site.advance(Duration::from_secs(170));
    let mut waiting = wait_all(&site, &browsers, &request_ids);
    site.advance(Duration::from_secs(9));
    assert!(state(&mut waiting[0]).is_none());
    site.advance(Duration::from_secs(1));
    assert_eq!(state(&mut waiting[0]).as_deref(), Some("expired"));
}

#[tokio::test]
async fn two_tabs_that_know_different_states_both_hear_of_the_next() {
    let here = Site::new();
    let there = here.twin();
    let (browsers, request_ids) = crowd(&here, 1).await;
    let mut behind = wait_for(&here, &browsers[0], &request_ids[0]);
    assert!(state(&mut behind).is_none());
    there.decline(&request_ids[0], "flow_invoked").await;
    let mut ahead = ask(&here, &browsers[0], &format!("request_id={}&since=opened&wait=25", request_ids[0]));
    assert!(state(&mut ahead).is_none());
    assert_eq!(state(&mut behind).as_deref(), Some("opened"), "by the other's question");
    assert!(state(&mut ahead).is_none());
    there.decline(&request_ids[0], "use_another_number").await;
    here.advance(LOOK);
    assert_eq!(state(&mut ahead).as_deref(), Some("another_number"));
}

#[tokio::test]
async fn who_waits_for_what_is_not_theirs_costs_nothing_and_hears_nothing() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 2).await;
    let asked = site.store.asked();
    let query = format!("request_id={}&since=expired&wait=25", request_ids[1]);
    let mut nosy = ask(&site, &browsers[0], &query);
    assert!(state(&mut nosy).is_none());
    for _ in 0..50 {
        site.advance(LOOK);
        assert!(state(&mut nosy).is_none());
    }
    site.decline(&request_ids[1], "user_rejected").await;
    assert!(state(&mut nosy).is_none());
    site.advance(Duration::from_secs(10));
    assert_eq!(state(&mut nosy).as_deref(), Some("expired"));
    assert_eq!(site.store.asked(), asked + 2);
}

#[tokio::test]
async fn a_stop_answers_all_who_wait_at_once() {
    let site = Site::new();
    let (browsers, request_ids) = crowd(&site, 5).await;
    let mut waiting = wait_all(&site, &browsers, &request_ids);
    let asked = site.store.asked();
    site.gate.stop_waiting();
    assert!(waiting.iter_mut().all(|request| state(request).as_deref() == Some("pending")));
    assert_eq!(site.store.asked(), asked);
    assert_eq!(state(&mut wait_for(&site, &browsers[0], &request_ids[0])).as_deref(), Some("pending"));
}
