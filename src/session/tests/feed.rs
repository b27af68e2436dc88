//! The task that follows the revocations of the store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{
    queue::now,
    shared_store::SharedStore,
    site::{ORIGIN, Site},
};
use crate::{
    cause::Cause,
    gate::{Event, Observer},
    store::{REVOCATIONS_AT_ONCE, Store},
    tasks::Tasks,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn after_an_idle_time_a_store_that_hangs_costs_the_first_requests_little() {
    let site = Site::new();
    let browser = site.signed_in().await;
    (0..61).for_each(|_| site.advance(SECOND));
    assert!(!site.tasks.is_following());
    site.advance(SECOND);

    site.store.set_slow(true);
    let ask = || Box::pin(site.send(browser.request("GET", "/account/", &[])));
    let mut first = ask();
    assert!(now(&mut first).is_none());
    site.advance(Duration::from_millis(300));
    let mut second = ask();
    assert!(now(&mut second).is_none());
    site.advance(Duration::from_millis(100));
    for mut request in [first, second, ask()] {
        assert_eq!(now(&mut request).unwrap().summary(), "passed known", "by what was known before");
    }
    site.advance(Duration::from_secs(59));
    assert_eq!(now(ask()).unwrap().summary(), "503");
}

#[tokio::test]
async fn tasks_that_are_dropped_leave_nobody_waiting_and_let_nobody_in() {
    let here = Site::new();
    let there = here.twin();
    let mut browser = here.signed_in().await;
    let replay = browser.clone();
    let ask = || Box::pin(there.send(replay.request("GET", "/account/", &[])));

    here.store.set_slow(true);
    let mut waiting = ask();
    assert!(now(&mut waiting).is_none());
    there.tasks.drop_all();
    assert_eq!(now(&mut waiting).unwrap().summary(), "503", "this gate has never heard from the store");

    here.store.set_slow(false);
    here.advance(Duration::from_millis(300));
    assert_eq!(now(ask()).unwrap().summary(), "passed known");
    there.tasks.drop_all();
    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    here.advance(SECOND);
    assert_eq!(now(ask()).unwrap().summary(), "401");
}

#[tokio::test]
async fn a_host_that_runs_no_tasks_still_fails_closed() {
    struct Nobody;
    impl Tasks for Nobody {
        fn spawn(&self, _: BoxFuture<'static, ()>) {}
    }
    let here = Site::new();
    let there = Site::join(here.store.clone(), |sessions| sessions.tasks(Nobody));
    let mut browser = here.signed_in().await;
    let replay = browser.clone();
    let ask = || now(there.send(replay.request("GET", "/account/", &[]))).expect("no request waits").summary();

    here.store.set_slow(true);
    assert_eq!(ask(), "503");
    here.store.set_slow(false);
    here.advance(SECOND);
    assert_eq!(ask(), "passed known", "a store that answers at once needs no task");
    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    here.advance(SECOND);
    assert_eq!(ask(), "401");
}

#[tokio::test]
async fn a_host_that_drops_all_tasks_asks_a_slow_store_now_and_then() {
    let here = Site::new();
    let there = here.twin();
    let browser = here.signed_in().await;
    here.store.set_slow(true);
    let asked = here.store.asked();
    for _ in 0..100 {
        let mut request = Box::pin(there.send(browser.request("GET", "/account/", &[])));
        let _ = now(&mut request);
        there.tasks.drop_all();
    }
    assert_eq!(here.store.asked(), asked + 1);
}

#[tokio::test]
async fn a_task_that_is_kept_and_never_run_is_replaced() {
    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);
    impl Tasks for Shelf {
        fn spawn(&self, task: BoxFuture<'static, ()>) {
            self.0.lock().unwrap().push(task);
        }
    }
    let (here, shelf) = (Site::new(), Shelf::default());
    let there = Site::join(here.store.clone(), |sessions| sessions.tasks(shelf.clone()));
    let mut browser = here.signed_in().await;
    let replay = browser.clone();
    let ask = || Box::pin(there.send(replay.request("GET", "/account/", &[])));

    here.store.set_slow(true);
    let mut first = ask();
    assert!(now(&mut first).is_none());
    here.store.set_slow(false);
    here.advance(3 * SECOND);
    assert_eq!(now(&mut first).unwrap().summary(), "503");
    assert_eq!(now(ask()).unwrap().summary(), "passed known", "after a task that never heard from the store");

    browser.ask(&here, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert_eq!(now(ask()).unwrap().summary(), "passed known");
    here.advance(3 * SECOND);
    assert_eq!(now(ask()).unwrap().summary(), "401", "after a task that heard from it once");

    let mut tasks = shelf.0.lock().unwrap();
    assert_eq!(tasks.len(), 3);
    tasks.retain_mut(|task| now(task).is_none());
    assert_eq!(tasks.len(), 1, "whoever was replaced ends once it runs");
}

#[tokio::test]
async fn a_store_that_repeats_itself_is_unavailable() {
    #[derive(Clone, Default)]
    struct Failures(Arc<Mutex<Vec<Cause>>>);
    impl Observer for Failures {
        fn observe(&self, event: Event) {
            if let Event::StoreFailure(cause) = event {
                self.0.lock().unwrap().push(cause);
            }
        }
    }
    let failures = Failures::default();
    let site = Site::build(SharedStore::default(), |sessions| sessions, |gate| gate.observer(failures.clone()));
    let (mut browser, mut other) = (site.signed_in().await, site.signed_in().await);
    site.store.set_repeating(true);
    other.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    for _ in 0..62 {
        browser.pass(&site, "/").await;
        site.advance(SECOND);
    }
    assert_eq!(*failures.0.lock().unwrap(), [Cause::Protocol; 62]);
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "503");

    site.store.set_repeating(false);
    site.advance(SECOND);
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
}

#[tokio::test]
async fn a_steady_stream_of_logouts_keeps_nobody_out() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.store.set_busy(true);
    let asked = site.store.asked();
    for _ in 0..120 {
        site.advance(SECOND);
        assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    }
    assert_eq!(site.store.asked(), asked + 120, "one question is enough for what fits into its answer");
}

#[tokio::test]
async fn what_does_not_fit_into_one_answer_is_known_as_of_the_last() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    for _ in 0..REVOCATIONS_AT_ONCE {
        site.store.revoke(Bytes::new(), 3600 * SECOND).await.unwrap();
    }
    let asked = site.store.asked();
    site.advance(SECOND);
    assert_eq!(site.store.asked(), asked + 2);
    assert!(browser.phone(&site).await.is_some());
}

#[tokio::test]
async fn a_server_that_stops_reads_no_second_page() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let fresh = site.twin();
    for _ in 0..2 * REVOCATIONS_AT_ONCE {
        site.store.revoke(Bytes::new(), 3600 * SECOND).await.unwrap();
    }
    fresh.gate.stop_waiting();
    let asked = site.store.asked();
    browser.go(&fresh, "GET", "/account/", &[]).await;
    assert_eq!(site.store.asked(), asked + 1);
}

#[tokio::test]
async fn whoever_gives_up_asking_leaves_the_turn_to_others() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.advance(SECOND);
    let request = || browser.request("GET", "/", &[]);
    drop(site.send(request()));
    let asked = now(site.send(request())).expect("the store answers at once");
    assert_eq!(asked.summary(), "passed known");
    assert!(browser.phone(&site).await.is_some());
}

#[tokio::test]
async fn without_any_grace_a_store_that_answers_keeps_nobody_out() {
    let site = Site::with(|sessions| sessions.revocation_grace(Duration::ZERO));
    let mut browser = site.signed_in().await;
    for _ in 0..20 {
        site.advance(Duration::from_millis(70));
        assert!(browser.phone(&site).await.is_some());
    }
    site.store.set_down(true);
    site.advance(SECOND);
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "503");
}
