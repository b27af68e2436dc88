//! The end of all sessions of a user, whatever the clocks of single gates say.

use std::{
    pin::Pin,
    time::{Duration, Instant, SystemTime},
};

use super::{
    browser::Browser,
    queue::now,
    shared_store::SharedStore,
    site::{ORIGIN, Site},
};
use crate::{
    clock::{Clock, ManualClock},
    profile::PhoneNumber,
    store::StoreError,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const SKEW: Duration = Duration::from_mins(10);

/// The clock of a gate whose date is wrong.
struct WrongDate {
    clock: ManualClock,
    ahead: Duration,
    behind: Duration,
}

impl Clock for WrongDate {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.clock.wall() + self.ahead - self.behind
    }

    fn sleep_until(&self, instant: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.clock.sleep_until(instant)
    }
}

/// A gate of a site, with a date that is wrong by so much.
fn skewed(store: &SharedStore, ahead: Duration, behind: Duration) -> Site {
    let clock = WrongDate { clock: store.clock.clone(), ahead, behind };
    Site::build(store.clone(), |sessions| sessions, |gate| gate.clock(clock))
}

fn rajat() -> PhoneNumber {
    PhoneNumber::parse("+919999999999").unwrap()
}

async fn end_user(site: &Site) -> Result<(), StoreError> {
    site.tasks.sessions().end_user(&site.gate, &rajat()).await
}

#[tokio::test]
async fn all_sessions_of_a_number_end_here_at_once_and_elsewhere_within_a_second() {
    let here = Site::new();
    let there = here.twin();
    let (mut phone, mut laptop) = (here.signed_in().await, there.signed_in().await);
    let mut stranger = Browser::default();
    here.sign_in(&mut stranger, "another").await;
    assert!(phone.clone().phone(&there).await.is_some(), "it is known there");

    end_user(&here).await.unwrap();

    assert_eq!(laptop.clone().phone(&here).await, None, "here at once");
    here.advance(SECOND);
    for browser in [&mut phone, &mut laptop] {
        assert_eq!(browser.clone().phone(&here).await, None);
        assert_eq!(browser.phone(&there).await, None);
    }
    assert!(stranger.phone(&there).await.is_some(), "nobody else is logged out");
    let mut again = here.signed_in().await;
    assert!(again.phone(&here).await.is_some() && again.phone(&there).await.is_some(), "a new login is one");
}

#[tokio::test]
async fn a_login_that_is_still_verified_ends_too_and_one_that_is_proven_later_does_not() {
    let site = Site::new();
    let mut pending = Browser::default();
    let request_id = pending.start(&site).await;
    assert_eq!(site.grant(&request_id, "down-twice").await, 204);
    site.tasks.run();
    site.advance(SECOND);
    let mut waiting = Browser::default();
    let later = waiting.start(&site).await;

    end_user(&site).await.unwrap();
    for _ in 0..20 {
        site.advance(SECOND);
        site.tasks.run();
    }

    assert_eq!(site.truecaller.fetches(), 3, "the profile came after the end");
    assert_eq!(pending.state(&site, &request_id).await, "expired");
    assert_eq!(pending.phone(&site).await, None);
    // The login began before, and its number is proven now.
    assert_eq!(site.grant(&later, "a-token").await, 204);
    site.tasks.run();
    assert_eq!(waiting.state(&site, &later).await, "verified");
    assert!(waiting.phone(&site).await.is_some());
}

#[tokio::test]
async fn the_date_of_a_gate_neither_saves_a_session_nor_ends_one() {
    let store = SharedStore::default();
    let gates = [
        skewed(&store, Duration::ZERO, Duration::ZERO),
        skewed(&store, SKEW, Duration::ZERO),
        skewed(&store, Duration::ZERO, SKEW),
    ];
    for prover in &gates {
        for revoker in &gates {
            let mut before = prover.signed_in().await;
            prover.advance(MILLISECOND);
            end_user(revoker).await.unwrap();
            prover.advance(MILLISECOND);
            let mut after = prover.signed_in().await;
            prover.advance(SECOND);
            for gate in &gates {
                assert_eq!(before.phone(gate).await, None);
                assert!(after.phone(gate).await.is_some());
            }
            let logout = after.ask(revoker, "POST", "/.truegate/logout?everywhere=true", &[ORIGIN]).await;
            assert_eq!(logout.status(), 204);
            prover.advance(MILLISECOND);
            assert!(prover.signed_in().await.phone(prover).await.is_some());
            prover.advance(SECOND);
        }
    }
}

#[tokio::test]
async fn the_store_is_asked_for_its_time_once_a_minute_while_users_log_in() {
    let site = Site::new();
    let asked_by_login = async || {
        let before = site.store.asked_for_time();
        site.signed_in().await;
        site.store.asked_for_time() - before
    };
    assert_eq!(asked_by_login().await, 1);
    for _ in 0..5 {
        assert_eq!(asked_by_login().await, 0);
        site.advance(Duration::from_secs(11));
    }
    site.advance(Duration::from_secs(5));
    assert_eq!((asked_by_login().await, asked_by_login().await), (1, 0));
    let before = site.store.asked_for_time();
    site.advance(Duration::from_hours(1));
    assert_eq!(site.store.asked_for_time(), before, "nobody logs in");
    for _ in 0..3 {
        end_user(&site).await.unwrap();
    }
    assert_eq!(site.store.asked_for_time(), before + 3, "each end is dated afresh");
}

#[tokio::test]
async fn while_the_store_is_away_the_sessions_end_here_and_are_told_to_it_later() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let mut elsewhere = browser.clone();
    assert!(elsewhere.phone(&there).await.is_some());
    here.advance(MILLISECOND);

    here.store.set_down(true);
    assert!(matches!(end_user(&here).await, Err(StoreError::Unavailable(_))));
    assert_eq!(browser.phone(&here).await, None);
    assert!(elsewhere.phone(&there).await.is_some(), "it was not told");

    here.store.set_down(false);
    here.tasks.run();
    here.advance(2 * SECOND);
    here.tasks.run();
    here.advance(SECOND);
    assert_eq!(elsewhere.phone(&there).await, None);
    assert!(here.signed_in().await.phone(&there).await.is_some());
}

#[tokio::test]
async fn a_store_that_hangs_keeps_no_session_alive_here() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    assert!(browser.phone(&site).await.is_some());
    site.advance(MILLISECOND);
    site.store.set_slow(true);
    let mut ending = Box::pin(end_user(&site));
    assert!(now(&mut ending).is_none());
    let answer = now(Box::pin(site.send(browser.request("GET", "/account/", &[]))));
    assert_eq!(answer.unwrap().summary(), "401");
}

#[tokio::test]
async fn an_end_goes_on_without_the_one_who_asked_for_it() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    assert!(browser.phone(&there).await.is_some());
    here.advance(MILLISECOND);
    here.store.set_slow(true);
    let mut ending = Box::pin(end_user(&here));
    assert!(now(&mut ending).is_none());
    drop(ending);
    here.store.set_slow(false);
    here.tasks.run();
    here.advance(SECOND);
    assert_eq!(browser.phone(&there).await, None);
}
