//! When Redis refuses.

use truegate::{
    clock::{Clock, SystemClock},
    store::{OpenError, Place, RedisStore, State, Store, StoreError},
};

use crate::{
    failures::{all_is_unavailable, recovers},
    site::{LONG, browser, login, nonce, owner},
    support::redis::{Redis, parrot::Parrot, until},
};

#[tokio::test]
async fn a_wrong_password_is_unavailable_and_no_storm() {
    let server = Redis::start_with_password("s3cr3t");
    let store = RedisStore::new(&server.url_with_password("wrong"), 10).unwrap();
    let start = SystemClock.now();
    for _ in 0..100 {
        all_is_unavailable(&store).await;
    }
    let turns = (SystemClock.now() - start).as_millis() / 500;

    let attempts = u128::from(server.statistic_with_password("s3cr3t", "stats", "total_connections_received")) - 1;
    assert!(attempts <= turns + 1, "{attempts} attempts in {turns} turns");
    server.command(&["-a", "s3cr3t", "CONFIG", "SET", "requirepass", "wrong"]);
    recovers(&store).await;
}

#[tokio::test]
async fn a_password_opens_and_none_does_not() {
    let server = Redis::start_with_password("p@ss/w:rd");
    let store = RedisStore::new(&server.url_with_password("p%40ss%2Fw%3Ard"), 10).unwrap();
    assert_eq!(store.open(&nonce(1), &browser(), owner(&nonce(1)), LONG).await, Ok(()));

    all_is_unavailable(&RedisStore::new(&server.url(), 10).unwrap()).await;
}

#[tokio::test]
async fn a_server_without_memory_or_rights_to_write_still_answers_questions() {
    let server = Redis::start();
    let (store, first) = (RedisStore::new(&server.url(), 10).unwrap(), browser());
    store.open(&nonce(1), &first, owner(&nonce(1)), LONG).await.unwrap();

    for (refuse, allow) in [
        (vec!["CONFIG", "SET", "maxmemory", "1"], vec!["CONFIG", "SET", "maxmemory", "0"]),
        (vec!["REPLICAOF", "127.0.0.1", "1"], vec!["REPLICAOF", "NO", "ONE"]),
    ] {
        assert_eq!(server.command(&refuse), "OK");
        assert_eq!(store.open(&nonce(2), &browser(), owner(&nonce(2)), LONG).await, Err(OpenError::Unavailable));
        until(async || store.state(&first, None).await == Ok(login(&nonce(1), State::Pending))).await;
        assert_eq!(server.command(&allow), "OK");
        recovers(&store).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_command_is_unavailable() {
    for line in [
        "-LOADING Redis is loading the dataset in memory",
        "-MOVED 3999 127.0.0.1:6381",
        "-NOAUTH Authentication required.",
        "-NOPERM this user has no permissions",
        "-NOSCRIPT No matching script.",
        "-READONLY You can't write against a read only replica.",
        "-MASTERDOWN Link with MASTER is down",
        "-BUSY Redis is busy running a script",
        "+OK",
        ":-7",
        "$-1",
        "*0",
        "HTTP/1.1 400 Bad Request",
    ] {
        let store = RedisStore::new(&Parrot::saying(line).url(), 10).unwrap();
        assert_eq!(
            store.open(&nonce(1), &browser(), owner(&nonce(1)), LONG).await,
            Err(OpenError::Unavailable),
            "{line}"
        );
        assert_eq!(store.revocations(&Place::default()).await, Err(StoreError::Unavailable), "{line}");
    }
}
