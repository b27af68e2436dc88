//! When Sentinels watch Redis: who the master is, and what happens when that changes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use truegate::{
    cause::Cause,
    clock::ManualClock,
    store::{Cursor, LoginState, RedisStore, Store},
};

use crate::{
    failures::{all_is_unavailable, recovers},
    lanes::Crowd,
    site::{LONG, browser, login, owner, request_id},
    support::redis::{Redis, relay::Relay, sentinel::Watched, until},
};

fn store_on(watched: &Watched) -> RedisStore {
    RedisStore::sentinel(&watched.urls(), "mymaster", 100_000).unwrap()
}

/// What the replicas had when the master died is there afterwards, and nothing else was ever acknowledged as ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_and_keeps_what_was_copied() {
    let mut watched = Watched::start_with_replicas();
    let store = store_on(&watched);
    let browsers: Vec<_> = (0..20).map(|_| browser()).collect();
    for (number, browser) in browsers.iter().enumerate() {
        store.open(&request_id(number), browser, owner(&request_id(number)), LONG).await.unwrap();
        assert_eq!(store.advance(&request_id(number), LoginState::Opened).await, Ok(true));
    }
    store.revoke(Bytes::from_static(b"logout"), LONG).await.unwrap();
    watched.replicate();

    watched.servers[0].kill();
    watched.sentinels[0].kill();
    let causes = all_is_unavailable(&store).await;
    assert!(causes.is_subset(&HashSet::from([Cause::Closed, Cause::Connect])), "{causes:?}");
    until(async || store.open(&request_id(100), &browser(), owner(&request_id(100)), LONG).await.is_ok()).await;
    for (number, browser) in browsers.iter().enumerate() {
        assert_eq!(store.state(browser, None).await, Ok(login(&request_id(number), LoginState::Opened)));
        assert_eq!(store.advance(&request_id(number), LoginState::Refused).await, Ok(true));
    }
    assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["logout"]);
    assert!(watched.master(1).is_some_and(|master| master != 0));
}

/// Sentinel does not make the old master wait, so what it acknowledges in the moment of the switch is lost. Nothing else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_switch_in_the_middle_of_logins_loses_only_what_was_not_copied() {
    let watched = Watched::start_with_replicas();
    let store = Arc::new(store_on(&watched));
    let before = Crowd::start(&store);
    until(async || before.logins() > 50).await;
    before.end(&store).await;
    watched.replicate();

    let meanwhile = Crowd::start_at(&store, 1_000_000);
    until(async || watched.sentinels[0].command(&["SENTINEL", "FAILOVER", "mymaster"]).starts_with("OK")).await;
    until(async || watched.master(0).is_some_and(|master| master != 0)).await;
    recovers(&store).await;
    let switched = meanwhile.logins();
    until(async || meanwhile.logins() > switched + 50).await;
    assert!(meanwhile.stop().await.len() > 50);

    let after = Crowd::start_at(&store, 2_000_000);
    until(async || after.logins() > 50).await;
    after.end(&store).await;
    for number in 0..3 {
        assert_eq!(store.time_left(&request_id(number)).await, Ok(None), "what ended before the switch has ended");
        let again = store.open(&request_id(number), &browser(), owner(&request_id(number)), LONG).await;
        assert_eq!(again, Err(Cause::Data.into()), "and is kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_still_is_left_and_does_not_come_back() {
    let watched = Watched::start_with_replicas();
    let store = store_on(&watched);
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    watched.replicate();

    watched.servers[0].signal("STOP");
    assert_eq!(store.time_left(&request_id(1)).await, Err(Cause::Timeout.into()));
    all_is_unavailable(&store).await;
    until(async || store.time_left(&request_id(1)).await.is_ok()).await;
    watched.servers[0].signal("CONT");
    store.revoke(Bytes::from_static(b"after"), LONG).await.unwrap();
    assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["after"]);
}

/// As when a gateway is cut off from the rest together with a master that has been replaced: the master still answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_the_sentinels_no_longer_name_is_left_although_it_answers() {
    let (watched, other) = (Watched::start(), Redis::start());
    let store = store_on(&watched);
    store.revoke(Bytes::from_static(b"at the old master"), LONG).await.unwrap();

    let sentinel = &watched.sentinels[0];
    sentinel.command(&["SENTINEL", "REMOVE", "mymaster"]);
    sentinel.command(&["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", &other.port().to_string(), "1"]);
    other.command(&[
        "XADD", "{truegate}:revocations", "1-1", "generation", "1.1", "until", "9999999999999", "sealed", "new",
    ]);
    until(async || store.revocations(&Cursor::default()).await.is_ok_and(|(revoked, _)| revoked == ["new"])).await;
    store.revoke(Bytes::from_static(b"newer"), LONG).await.unwrap();
    assert_eq!(other.command(&["XLEN", "{truegate}:revocations"]), "2");
}

#[tokio::test]
async fn a_demoted_master_is_not_written_to() {
    let watched = Watched::start();
    let store = store_on(&watched);
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    // It refuses to write, and answers questions.
    watched.servers[0].command(&["REPLICAOF", "127.0.0.1", "1"]);
    let opened = store.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await;
    assert_eq!(opened, Err(Cause::ReadOnly.into()));
    until(async || store.time_left(&request_id(1)).await == Err(Cause::ReadOnly.into())).await;
    watched.servers[0].command(&["REPLICAOF", "NO", "ONE"]);
    recovers(&store).await;
}

#[tokio::test]
async fn master_and_sentinels_have_passwords_of_their_own() {
    let watched = Watched::start_with_passwords("s3cr3t", "0ther");
    let url = |password: &str| [watched.sentinels[0].url().replace("//", &format!("//:{password}@"))];
    let store = RedisStore::sentinel(&url("0ther"), "redis://:s3cr3t@mymaster", 10).unwrap();
    recovers(&store).await;
    for (sentinel, master) in [("wrong", "s3cr3t"), ("0ther", "wrong")] {
        let master = format!("redis://:{master}@mymaster");
        let store = RedisStore::sentinel(&url(sentinel), &master, 10).unwrap();
        assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Auth]));
    }
}

#[tokio::test]
async fn sentinels_that_do_not_help_are_said_to_be_the_cause() {
    let mut watched = Watched::start();
    let unknown = RedisStore::sentinel(&watched.urls(), "another", 10).unwrap();
    assert_eq!(all_is_unavailable(&unknown).await, HashSet::from([Cause::Protocol]));
    let plain = RedisStore::sentinel(&[watched.servers[0].url()], "mymaster", 10).unwrap();
    assert_eq!(all_is_unavailable(&plain).await, HashSet::from([Cause::Protocol]));

    let store = store_on(&watched);
    watched.sentinels[0].kill();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Connect]));
}

#[tokio::test]
async fn a_sentinel_that_is_gone_is_asked_once_for_many_calls() {
    let (mut watched, clock) = (Watched::start(), ManualClock::default());
    let relay = Relay::to_port(watched.sentinels[0].port());
    let store = RedisStore::sentinel(&[relay.url()], "mymaster", 10).unwrap().clock(clock.clone());
    watched.sentinels[0].kill();
    for asked in 1..=2 {
        for _ in 0..20 {
            all_is_unavailable(&store).await;
        }
        assert_eq!(relay.connections(), asked, "all other calls fail at once");
        clock.advance(PAUSE);
    }
}

#[tokio::test]
async fn a_store_that_knows_the_master_needs_no_sentinel() {
    let mut watched = Watched::start();
    let relay = Relay::to_port(watched.sentinels[0].port());
    let store = RedisStore::sentinel(&[relay.url()], "mymaster", 10).unwrap();
    store.revoke(Bytes::from_static(b"one"), LONG).await.unwrap();
    watched.sentinels[0].kill();
    let before = relay.connections();
    until(async || {
        assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["one"]);
        relay.connections() >= before + 2
    })
    .await;
}

/// More than the pause after an attempt to connect.
const PAUSE: Duration = Duration::from_secs(1);
