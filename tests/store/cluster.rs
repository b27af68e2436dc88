//! When servers of a cluster fail, and when slots move.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use truegate::{
    cause::Cause,
    clock::ManualClock,
    store::{Cursor, LoginState, RedisStore, Store, WatchedLogin},
};

use crate::{
    failures::all_is_unavailable,
    lanes::Crowd,
    site::{LONG, browser, login, owner, request_id},
    support::redis::{Redis, cluster::Cluster, parrot::Parrot, relay::Relay, until},
};

#[tokio::test]
async fn logins_are_spread_and_all_else_is_in_one_slot() {
    let cluster = Cluster::start();
    let store = RedisStore::cluster(&cluster.urls(), 1000).unwrap();
    for number in 0..100 {
        store.open(&request_id(number), &browser(), owner(&request_id(number)), LONG).await.unwrap();
    }
    store.revoke(Bytes::from_static(b"sealed"), LONG).await.unwrap();

    let mut shared = Vec::new();
    for node in &cluster.nodes {
        let (alone, others): (Vec<_>, Vec<_>) = node.keys().into_iter().partition(|key| key.starts_with("truegate:"));
        assert!(alone.len() > 20, "each node has its share: {}", alone.len());
        shared.extend(others);
    }
    shared.sort_unstable();
    assert_eq!(shared, ["{truegate}:logins", "{truegate}:revocations"]);
}

#[tokio::test]
async fn one_server_is_enough_to_find_the_cluster() {
    let cluster = Cluster::start();
    let store = RedisStore::cluster(&cluster.urls()[1..2], 1000).unwrap();
    for number in 0..20 {
        store.open(&request_id(number), &browser(), owner(&request_id(number)), LONG).await.unwrap();
    }
}

#[tokio::test]
async fn a_cluster_asks_each_connection_for_the_password() {
    let cluster = Cluster::start_with_password("s3cr3t");
    let urls =
        |password: &str| -> Vec<_> { cluster.nodes.iter().map(|node| node.url_with_password(password)).collect() };
    let store = RedisStore::cluster(&urls("s3cr3t"), 10).unwrap();
    for number in 0..10 {
        store.open(&request_id(number), &browser(), owner(&request_id(number)), LONG).await.unwrap();
    }
    for wrong in [urls("wrong"), cluster.urls()] {
        let store = RedisStore::cluster(&wrong, 10).unwrap();
        assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Auth]));
    }
}

/// A switch of roles that the servers agree on loses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_switch_in_the_middle_of_logins_loses_nothing() {
    let cluster = Cluster::start_with_replicas();
    let store = Arc::new(RedisStore::cluster(&cluster.urls(), 100_000).unwrap());
    let crowd = Crowd::start(&store);
    until(async || crowd.logins() > 50).await;
    for replica in 3..6 {
        assert_eq!(cluster.nodes[replica].command(&["CLUSTER", "FAILOVER"]), "OK");
        until(async || cluster.is_master(replica)).await;
    }
    let switched = crowd.logins();
    until(async || crowd.logins() > switched + 50).await;
    crowd.end(&store).await;
}

/// What had been copied when the master died is there when its replica takes over. Other logins go on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_by_its_replica_and_the_others_go_on() {
    let mut cluster = Cluster::start_with_replicas();
    let store = RedisStore::cluster(&cluster.urls(), 1000).unwrap();
    let browsers: Vec<_> = (0..60).map(|_| browser()).collect();
    for (number, browser) in browsers.iter().enumerate() {
        store.open(&request_id(number), browser, owner(&request_id(number)), LONG).await.unwrap();
        assert_eq!(store.advance(&request_id(number), LoginState::Opened).await, Ok(true));
    }
    store.revoke(Bytes::from_static(b"logout"), LONG).await.unwrap();
    for number in 0..3 {
        until(async || cluster.nodes[number + 3].keys().len() == cluster.nodes[number].keys().len()).await;
    }

    let dead = cluster.owner("{truegate}:revocations");
    let (lost, kept): (Vec<_>, Vec<_>) = (0..60).partition(|number| cluster.owner(&key(*number)) == dead);
    cluster.nodes[dead].kill();
    assert!(!lost.is_empty() && !kept.is_empty());
    for number in &kept {
        let found = store.state(&browsers[*number], Some(&request_id(*number))).await;
        assert_eq!(found, Ok(login(&request_id(*number), LoginState::Opened)), "its master lives");
    }
    for number in &lost {
        until(async || store.state(&browsers[*number], Some(&request_id(*number))).await.is_ok()).await;
        assert_eq!(store.advance(&request_id(*number), LoginState::Refused).await, Ok(true));
        let found = store.state(&browsers[*number], Some(&request_id(*number))).await;
        assert_eq!(found, Ok(login(&request_id(*number), LoginState::Refused)));
    }
    assert!(cluster.is_master(dead + 3));
    assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["logout"]);
    store.open(&request_id(100), &browser(), owner(&request_id(100)), LONG).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_still_holds_up_nobody_else_and_is_replaced() {
    let cluster = Cluster::start_with_replicas();
    let store = RedisStore::cluster(&cluster.urls(), 1000).unwrap();
    let browser = browser();
    for number in 0..30 {
        store.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
    }
    let dead = cluster.owner(&key(0));
    let alive = (0..30).find(|number| cluster.owner(&key(*number)) != dead).unwrap();
    until(async || cluster.nodes[dead + 3].keys().len() == cluster.nodes[dead].keys().len()).await;

    cluster.nodes[dead].signal("STOP");
    assert_eq!(store.time_left(&request_id(0)).await, Err(Cause::Timeout.into()));
    assert!(store.time_left(&request_id(alive)).await.is_ok());
    until(async || store.time_left(&request_id(0)).await.is_ok()).await;
    assert!(cluster.is_master(dead + 3));
    cluster.nodes[dead].signal("CONT");
    until(async || !cluster.is_master(dead)).await;
    assert!(store.time_left(&request_id(0)).await.is_ok(), "it is not asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_gone_is_unavailable_and_found_again() {
    let mut cluster = Cluster::start();
    let store = RedisStore::cluster(&cluster.urls(), 1000).unwrap();
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    cluster.nodes.iter_mut().for_each(Redis::kill);

    let causes = all_is_unavailable(&store).await;
    assert!(causes.is_subset(&HashSet::from([Cause::Closed, Cause::Connect])), "{causes:?}");
    until(async || all_is_unavailable(&store).await == HashSet::from([Cause::Connect])).await;

    cluster.nodes.iter_mut().for_each(Redis::restart);
    until(async || store.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await.is_ok()).await;
}

#[tokio::test]
async fn a_cluster_that_is_gone_is_asked_once_for_many_calls() {
    let (gone, clock) = (Redis::stopped(), ManualClock::default());
    let relay = Relay::to(&gone);
    let store = RedisStore::cluster(&[relay.url()], 10).unwrap().clock(clock.clone());
    for asked in 1..=2 {
        for _ in 0..20 {
            all_is_unavailable(&store).await;
        }
        assert_eq!(relay.connections(), asked, "all other calls fail at once");
        clock.advance(PAUSE);
    }
}

/// A slot moves key by key. Each login is where its keys are, and a new one is where the slot goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_in_the_middle_of_a_login_loses_nothing() {
    let cluster = Cluster::start();
    let store = Arc::new(RedisStore::cluster(&cluster.urls(), 100_000).unwrap());
    let (browser, crowd) = (browser(), Crowd::start_at(&store, 1_000_000));
    for number in 1..=2 {
        store.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
    }
    store.revoke(Bytes::from_static(b"before"), LONG).await.unwrap();

    let list = format!("truegate:browser:{{{}}}", browser.expose());
    let moving = [key(1), key(2), key(3), list, "{truegate}:logins".to_owned()];
    let moves: Vec<_> = moving.iter().map(|key| Move::of(&cluster, key)).collect();
    moves.iter().for_each(Move::begin);
    store.open(&request_id(3), &browser, owner(&request_id(3)), LONG).await.unwrap();
    store.revoke(Bytes::from_static(b"meanwhile"), LONG).await.unwrap();
    for step in &moves {
        let before = crowd.logins();
        step.take_keys();
        until(async || crowd.logins() > before + 10).await;
        assert_eq!(store.advance(&request_id(4), LoginState::Opened).await, Ok(false));
        for number in 1..=3 {
            let found = store.state(&browser, Some(&request_id(number))).await;
            assert_eq!(found, Ok(login(&request_id(number), LoginState::Pending)), "{number}");
        }
        assert_eq!(store.state(&browser, None).await, Ok(login(&request_id(3), LoginState::Pending)));
    }
    assert_eq!(store.advance(&request_id(1), LoginState::Opened).await, Ok(true));
    moves.iter().for_each(Move::end);
    assert_eq!(store.advance(&request_id(1), LoginState::Refused).await, Ok(true));
    let found = Some((request_id(3), "pending"));
    let waiting = [WatchedLogin { browser: browser.clone(), asked: None, found }];
    assert_eq!(store.moved(&waiting).await, Ok(vec![]));
    assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["before", "meanwhile"]);
    store.open(&request_id(5), &browser, owner(&request_id(5)), LONG).await.unwrap();
    crowd.end(&store).await;
}

#[tokio::test]
async fn servers_that_are_no_cluster_are_said_to_be_the_cause() {
    let plain = Redis::start();
    let loading = Parrot::saying("-LOADING Redis is loading the dataset in memory");
    let down = Parrot::saying("-CLUSTERDOWN The cluster is down");
    for (url, cause) in
        [(plain.url(), Cause::Protocol), (loading.url(), Cause::ServerError), (down.url(), Cause::ServerError)]
    {
        let store = RedisStore::cluster(&[url], 10).unwrap();
        assert_eq!(all_is_unavailable(&store).await, HashSet::from([cause]));
    }
}

/// A slot that goes to the next node.
struct Move<'a> {
    cluster: &'a Cluster,
    slot: String,
    from: usize,
    to: usize,
}

impl<'a> Move<'a> {
    fn of(cluster: &'a Cluster, key: &str) -> Self {
        let from = cluster.owner(key);
        Self { cluster, slot: cluster.nodes[0].command(&["CLUSTER", "KEYSLOT", key]), from, to: (from + 1) % 3 }
    }

    fn begin(&self) {
        self.set(self.to, "IMPORTING", self.from);
        self.set(self.from, "MIGRATING", self.to);
    }

    fn take_keys(&self) {
        let (from, to) = (&self.cluster.nodes[self.from], self.cluster.nodes[self.to].port().to_string());
        for key in from.command(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "100"]).lines().filter(|key| !key.is_empty())
        {
            assert_eq!(from.command(&["MIGRATE", "127.0.0.1", &to, key, "0", "1000"]), "OK", "{key}");
        }
    }

    fn end(&self) {
        for number in [self.to, self.from, 3 - self.to - self.from] {
            self.set(number, "NODE", self.to);
        }
    }

    fn set(&self, at: usize, word: &str, node: usize) {
        let id = self.cluster.id(node);
        assert_eq!(self.cluster.nodes[at].command(&["CLUSTER", "SETSLOT", &self.slot, word, &id]), "OK");
    }
}

fn key(number: usize) -> String {
    format!("truegate:login:{{{}}}", request_id(number).expose())
}

/// More than the pause after an attempt to connect.
const PAUSE: Duration = Duration::from_secs(1);
