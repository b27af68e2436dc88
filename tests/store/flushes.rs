//! When Redis forgets.

use bytes::Bytes;
use truegate::store::{Cursor, LoginState, RedisStore, Store};

use crate::{
    site::{LONG, browser, login, owner, request_id},
    support::redis::Redis,
};

#[tokio::test]
async fn what_is_flushed_is_forgotten_and_nothing_else_fails() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 1).unwrap();
    store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    store.revoke(Bytes::from_static(b"lost"), LONG).await.unwrap();
    let (_, cursor) = store.revocations(&Cursor::default()).await.unwrap();

    assert_eq!(server.command(&["FLUSHALL"]), "OK");
    assert_eq!(store.time_left(&request_id(1)).await, Ok(None));
    assert_eq!(store.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await, Ok(()));
    assert_eq!(store.revocations(&cursor).await, Ok((vec![], Cursor::default())));
    store.revoke(Bytes::from_static(b"new"), LONG).await.unwrap();
    assert_eq!(store.revocations(&cursor).await.unwrap().0, ["new"]);
}

#[tokio::test]
async fn a_stream_that_was_begun_anew_with_a_slow_clock_is_read_whole() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 1).unwrap();
    store.revoke(Bytes::from_static(b"known"), LONG).await.unwrap();
    let (_, cursor) = store.revocations(&Cursor::default()).await.unwrap();

    // What a server writes that lost its memory, and whose clock went back.
    let (key, end) = ("{truegate}:revocations", "9999999999999");
    server.command(&["DEL", key]);
    server.command(&["XADD", key, "1-1", "generation", "1.1", "until", end, "sealed", "new"]);
    store.revoke(Bytes::from_static(b"newer"), LONG).await.unwrap();
    assert_eq!(store.revocations(&cursor).await.unwrap().0, ["new", "newer"]);
}

#[tokio::test]
async fn a_stream_that_was_begun_anew_is_read_whole_even_if_it_has_the_id_of_the_place() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 1).unwrap();
    let (key, end) = ("{truegate}:revocations", "9999999999999");
    server.command(&["XADD", key, "5-1", "generation", "5.1", "until", end, "sealed", "known"]);
    let (known, cursor) = store.revocations(&Cursor::default()).await.unwrap();
    assert_eq!(known, ["known"]);

    server.command(&["DEL", key]);
    for (id, sealed) in [("5-1", "new"), ("5-2", "newer")] {
        server.command(&["XADD", key, id, "generation", "1.1", "until", end, "sealed", sealed]);
    }
    let (new, cursor) = store.revocations(&cursor).await.unwrap();
    assert_eq!(new, ["new", "newer"]);
    assert_eq!(store.revocations(&cursor).await, Ok((vec![], cursor.clone())));
}

#[tokio::test]
async fn scripts_that_are_flushed_come_back() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    all_works(&store, 1).await;
    assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
    all_works(&store, 2).await;
}

#[tokio::test]
async fn each_method_is_one_round_trip() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    all_works(&store, 1).await;
    server.command(&["CONFIG", "RESETSTAT"]);
    all_works(&store, 2).await;

    // The one that reads revocations is a command. The script that revokes uses this command twice.
    assert_eq!(server.statistic("commandstats", "cmdstat_evalsha:calls"), 5);
    assert_eq!(server.statistic("commandstats", "cmdstat_xrange:calls"), 2 + 1);
    assert!(!server.command(&["INFO", "commandstats"]).contains("cmdstat_script"));
}

async fn all_works(store: &RedisStore, number: usize) {
    let (browser, request_id) = (browser(), request_id(number));
    store.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();
    assert!(store.time_left(&request_id).await.unwrap().is_some());
    assert_eq!(store.advance(&request_id, LoginState::Opened).await, Ok(true));
    assert_eq!(store.state(&browser, None).await, Ok(login(&request_id, LoginState::Opened)));
    store.revoke(Bytes::from_static(b"sealed"), LONG).await.unwrap();
    assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0.len(), number);
}
