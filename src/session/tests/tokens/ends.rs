//! How the session of a token ends.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    super::{browser::Browser, queue::now, site::ORIGIN},
    app::{ASKED, App, COOKIE, RAJAT, admit_since, assert_challenged, site, twin},
};
use crate::{clock::Clock as _, gate::Step, profile::PhoneNumber};

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
