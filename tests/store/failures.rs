//! When Redis is down, or silent.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use truegate::{
    cause::Cause,
    clock::{Clock, ManualClock, SystemClock},
    store::{Cursor, LoginState, RedisStore, Store, StoreError},
};

use crate::{
    site::{LONG, browser, login, owner, request_id},
    support::redis::{Redis, relay::Relay, until},
};

#[tokio::test]
async fn a_server_that_starts_late_is_found() {
    let mut server = Redis::stopped();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Connect]));

    server.restart();
    recovers(&store).await;
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again_and_forgets() {
    let mut server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();

    server.kill();
    let causes = all_is_unavailable(&store).await;
    assert!(causes.is_subset(&HashSet::from([Cause::Closed, Cause::Connect])), "{causes:?}");
    server.restart();
    recovers(&store).await;
    assert_eq!(store.time_left(&request_id(1)).await, Ok(None));
}

#[tokio::test]
async fn a_restart_that_nobody_saw_fails_no_call() {
    let mut server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();

    server.kill();
    server.restart();
    // More than the longest pause between two attempts. Meanwhile the runtime turns, and the end of the connection is seen.
    SystemClock.sleep_until(SystemClock.now() + Duration::from_millis(600)).await;
    assert_eq!(store.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_is_unavailable_in_time_and_right_afterwards() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 100).unwrap();
    let browsers: Vec<_> = (0..20).map(|_| browser()).collect();
    for (number, browser) in browsers.iter().enumerate() {
        store.open(&request_id(number), browser, owner(&request_id(number)), LONG).await.unwrap();
        let sealed = Bytes::from(number.to_string());
        assert_eq!(store.advance(&request_id(number), LoginState::Verified(sealed)).await, Ok(true));
    }

    server.signal("STOP");
    let start = SystemClock.now();
    futures_util::future::join_all(browsers.iter().map(|browser| async {
        assert_eq!(store.state(browser, None).await, Err(Cause::Timeout.into()));
    }))
    .await;
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Timeout]));
    let waited = SystemClock.now() - start;
    assert!(waited < 8 * DEADLINE + SLACK, "each of eight turns has a second: {waited:?}");

    server.signal("CONT");
    recovers(&store).await;
    for (number, browser) in browsers.iter().enumerate() {
        let sealed = Bytes::from(number.to_string());
        assert_eq!(store.state(browser, None).await, Ok(login(&request_id(number), LoginState::Verified(sealed))));
    }
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_is_given_up() {
    let server = Redis::start();
    let relay = Relay::to(&server);
    let (store, browser) = (RedisStore::new(&relay.url(), 10).unwrap(), browser());
    store.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();

    relay.lose_connections();
    assert_eq!(store.advance(&request_id(1), LoginState::Opened).await, Err(Cause::Timeout.into()));
    recovers(&store).await;
    assert_eq!(store.state(&browser, None).await, Ok(login(&request_id(1), LoginState::Pending)));
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_is_given_up_by_who_does_not_wait_for_long() {
    let server = Redis::start();
    let relay = Relay::to(&server);
    let store = RedisStore::new(&relay.url(), 10).unwrap();
    store.revoke(Bytes::from_static(b"sealed"), LONG).await.unwrap();

    relay.lose_connections();
    let (lost, start, soon) = (SystemClock.now(), Cursor::default(), Duration::from_millis(400));
    until(async || tokio::time::timeout(soon, store.revocations(&start)).await.is_ok_and(|heard| heard.is_ok())).await;
    let waited = SystemClock.now() - lost;
    assert!(waited < RECOVERY + SLACK, "{waited:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_not_taken_for_the_next() {
    let server = Redis::start();
    // By this clock no caller has waited for long, however busy the machine is.
    let store = RedisStore::new(&server.url(), 10).unwrap().clock(ManualClock::default());
    let (first, second) = (browser(), browser());
    store.open(&request_id(1), &first, owner(&request_id(1)), LONG).await.unwrap();
    store.open(&request_id(2), &second, owner(&request_id(2)), LONG).await.unwrap();
    assert_eq!(store.advance(&request_id(1), LoginState::Refused).await, Ok(true));

    server.signal("STOP");
    for _ in 0..3 {
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, store.state(&first, None)).await.is_err(), "the caller leaves");
    }
    server.signal("CONT");
    assert_eq!(store.state(&second, None).await, Ok(login(&request_id(2), LoginState::Pending)));
    assert_eq!(store.time_left(&request_id(1)).await, Ok(None));
    assert_eq!(server.statistic("stats", "total_connections_received"), 2, "one of the store, one of this question");
}

/// Each method says so, and within its deadline; gives the reasons.
pub async fn all_is_unavailable(store: &RedisStore) -> HashSet<Cause> {
    let (browser, request_id) = (browser(), request_id(1));
    let start = SystemClock.now();
    let answers: [Result<(), StoreError>; 6] = [
        store.open(&request_id, &browser, owner(&request_id), LONG).await,
        store.time_left(&request_id).await.map(drop),
        store.advance(&request_id, LoginState::Opened).await.map(drop),
        store.state(&browser, Some(&request_id)).await.map(drop),
        store.revoke(Bytes::new(), LONG).await,
        store.revocations(&Cursor::default()).await.map(drop),
    ];
    let waited = SystemClock.now() - start;
    assert!(waited < 6 * DEADLINE + SLACK, "{waited:?}");
    let cause = |answer: Result<(), StoreError>| match answer {
        Err(StoreError::Unavailable(fault)) => fault.cause(),
        other => panic!("{other:?}"),
    };
    answers.into_iter().map(cause).collect()
}

/// All is well again in time.
pub async fn recovers(store: &RedisStore) {
    let start = SystemClock.now();
    until(async || store.revoke(Bytes::from_static(b"probe"), LONG).await.is_ok()).await;
    let waited = SystemClock.now() - start;
    assert!(waited < RECOVERY + SLACK, "{waited:?}");
}

/// What a call may take, by the store's documentation.
const DEADLINE: Duration = Duration::from_secs(1);

/// Within which the store works again after its server does.
const RECOVERY: Duration = Duration::from_secs(2);

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);
