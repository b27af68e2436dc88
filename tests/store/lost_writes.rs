//! When Redis goes on without the last revocations that it had acknowledged, as after a failover.

use bytes::Bytes;
use truegate::store::{Cursor, REVOCATIONS_AT_ONCE, RedisStore, Store};

use crate::{
    site::LONG,
    support::redis::{Redis, cluster::Cluster, sentinel::Watched, until},
};

#[tokio::test]
async fn one_server_hides_no_revocation_behind_one_that_it_lost() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    no_revocation_is_hidden_behind_a_lost_one(&store, &server).await;
}

#[tokio::test]
async fn a_master_hides_no_revocation_behind_one_that_it_lost() {
    let watched = Watched::start();
    let store = RedisStore::sentinel(&watched.urls(), "mymaster", 10).unwrap();
    no_revocation_is_hidden_behind_a_lost_one(&store, &watched.servers[0]).await;
}

#[tokio::test]
async fn a_cluster_hides_no_revocation_behind_one_that_it_lost() {
    let cluster = Cluster::start();
    let store = RedisStore::cluster(&cluster.urls(), 10).unwrap();
    no_revocation_is_hidden_behind_a_lost_one(&store, &cluster.nodes[cluster.owner(KEY)]).await;
}

/// The ids of what came after the loss are lower than the one that the reader knows, equal to it, or higher.
async fn no_revocation_is_hidden_behind_a_lost_one(store: &RedisStore, server: &Redis) {
    for id in ["5-5", "5-9", "6-1"] {
        server.command(&["DEL", KEY]);
        add(server, "5-1", "kept");
        let past = Past::keep(server);
        add(server, "5-9", "lost");
        let (seen, cursor) = store.revocations(&Cursor::default()).await.unwrap();
        assert_eq!(seen, ["kept", "lost"]);

        past.bring_back();
        add(server, id, "acknowledged");
        let (seen, cursor) = store.revocations(&cursor).await.unwrap();
        assert_eq!(seen, ["kept", "acknowledged"], "{id}");
        assert_eq!(store.revocations(&cursor).await, Ok((vec![], cursor.clone())), "{id}");
        store.revoke(Bytes::from_static(b"next"), LONG).await.unwrap();
        assert_eq!(store.revocations(&cursor).await.unwrap().0, ["next"], "{id}");
    }
}

#[tokio::test]
async fn what_is_read_again_comes_in_pages() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let kept = 2 * REVOCATIONS_AT_ONCE + 10;
    let add_many = "for number = 1, ARGV[1] do \
                    redis.call('XADD', KEYS[1], '5-' .. number, 'generation', '5.1', 'until', ARGV[2], 'sealed', number) end";
    server.command(&["EVAL", add_many, "1", KEY, &kept.to_string(), END]);
    let past = Past::keep(&server);
    add(&server, "7-1", "lost");
    let mut cursor = Cursor::default();
    for _ in 0..3 {
        cursor = store.revocations(&cursor).await.unwrap().1;
    }
    assert_eq!(store.revocations(&cursor).await, Ok((vec![], cursor.clone())));

    past.bring_back();
    add(&server, "6-1", "acknowledged");
    let (mut seen, mut lengths) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (page, next) = store.revocations(&cursor).await.unwrap();
        lengths.push(page.len());
        seen.extend(page);
        cursor = next;
    }
    assert_eq!(lengths, [REVOCATIONS_AT_ONCE, REVOCATIONS_AT_ONCE, 11, 0]);
    let all = (1..=kept).map(|number| number.to_string()).chain(["acknowledged".to_owned()]);
    assert_eq!(seen, all.collect::<Vec<_>>());
}

/// Two gateways are at two masters for a while, until the Sentinels decide for one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_followed_the_wrong_master_learns_what_the_right_one_took() {
    let (watched, new) = (Watched::start(), Redis::start());
    let new_port = new.port().to_string();
    let gateway = RedisStore::sentinel(&watched.urls(), "mymaster", 10).unwrap();
    gateway.revoke(Bytes::from_static(b"at both"), LONG).await.unwrap();
    let copied = watched.servers[0].command(&["MIGRATE", "127.0.0.1", &new_port, KEY, "0", "1000", "COPY"]);
    assert_eq!(copied, "OK");

    let other_gateway = RedisStore::new(&new.url(), 10).unwrap();
    other_gateway.revoke(Bytes::from_static(b"at the new one"), LONG).await.unwrap();
    gateway.revoke(Bytes::from_static(b"at the old one"), LONG).await.unwrap();
    let (seen, cursor) = gateway.revocations(&Cursor::default()).await.unwrap();
    assert_eq!(seen, ["at both", "at the old one"]);

    let sentinel = &watched.sentinels[0];
    sentinel.command(&["SENTINEL", "REMOVE", "mymaster"]);
    sentinel.command(&["SENTINEL", "MONITOR", "mymaster", "127.0.0.1", &new_port, "1"]);
    let learns =
        async || gateway.revocations(&cursor).await.is_ok_and(|(seen, _)| seen == ["at both", "at the new one"]);
    until(learns).await;
}

#[tokio::test]
async fn a_question_is_one_command_unless_its_cursor_is_gone() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let ask = async |cursor: &Cursor, commands| {
        server.command(&["CONFIG", "RESETSTAT"]);
        let answer = store.revocations(cursor).await.unwrap();
        assert_eq!(server.statistic("commandstats", "cmdstat_xrange:calls"), commands, "{answer:?}");
        answer
    };
    let none = Vec::<Bytes>::new();
    server.command(&["XADD", KEY, "5-1", "generation", "5.1", "until", "1", "sealed", "expired"]);
    let (_, cursor) = ask(&Cursor::default(), 1).await;

    // The next revocation trims what has expired.
    store.revoke(Bytes::from_static(b"new"), LONG).await.unwrap();
    let (seen, cursor) = ask(&cursor, 2).await;
    assert_eq!(seen, ["new"]);
    assert_eq!(ask(&cursor, 1).await, (none.clone(), cursor.clone()));

    // Without revocations for a lifetime, the whole stream expires.
    server.command(&["DEL", KEY]);
    let (seen, cursor) = ask(&cursor, 2).await;
    assert_eq!(seen, none);
    assert_eq!(ask(&cursor, 1).await, (none, cursor));
}

/// What a server knew of revocations at some time.
struct Past<'a>(&'a Redis);

impl<'a> Past<'a> {
    fn keep(server: &'a Redis) -> Self {
        assert_eq!(server.command(&["COPY", KEY, PAST_KEY, "REPLACE"]), "1");
        Self(server)
    }

    fn bring_back(self) {
        assert_eq!(self.0.command(&["COPY", PAST_KEY, KEY, "REPLACE"]), "1");
    }
}

fn add(server: &Redis, id: &str, sealed: &str) {
    let added = server.command(&["XADD", KEY, id, "generation", "5.1", "until", END, "sealed", sealed]);
    assert_eq!(added, id);
}

const KEY: &str = "{truegate}:revocations";

/// In the same slot of a cluster.
const PAST_KEY: &str = "{truegate}:past";

/// In milliseconds since the Unix epoch; far away.
const END: &str = "9999999999999";
