//! When what Redis holds is not what the store wrote.

use std::time::Duration;

use bytes::Bytes;
use truegate::{
    cause::Cause,
    store::{Cursor, LoginState, RedisStore, Store, StoreError},
};

use crate::{
    site::{LONG, SHORT, browser, login, owner, request_id},
    support::redis::{Redis, until},
};

#[tokio::test]
async fn a_login_that_is_junk_is_as_if_it_never_was() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 100).unwrap();
    let key = format!("{{truegate}}:login:{}", request_id(1).expose());
    let (junk, whole) = (browser(), browser());
    store.open(&request_id(2), &whole, owner(&request_id(2)), LONG).await.unwrap();

    for spoil in [
        &["DEL", &key] as &[&str],
        &["EVAL", "redis.call('DEL', KEYS[1]); redis.call('RPUSH', KEYS[1], 'junk')", "1", &key],
        &["SET", &key, "junk", "EX", "60"],
        &["HSET", &key, "state", "junk"],
        &["HSET", &key, "browser", "junk"],
        &["HDEL", &key, "browser"],
        &["HDEL", &key, "owner"],
        &["HDEL", &key, "state"],
        &["HDEL", &key, "sealed"],
        &["PERSIST", &key],
    ] {
        server.command(&["DEL", &key]);
        store.open(&request_id(1), &junk, owner(&request_id(1)), LONG).await.unwrap();
        server.command(spoil);
        assert_eq!(store.state(&junk, Some(&request_id(1))).await, Ok(None), "{spoil:?}");
        assert_eq!(store.state(&junk, None).await, Ok(None), "{spoil:?}");
        if spoil[1..] != [key.as_str(), "browser", "junk"] {
            assert_eq!(store.time_left(&request_id(1)).await, Ok(None), "{spoil:?}");
            assert_eq!(store.advance(&request_id(1), LoginState::Opened).await, Ok(false), "{spoil:?}");
        }
        assert_eq!(store.state(&whole, None).await, Ok(login(&request_id(2), LoginState::Pending)), "{spoil:?}");
    }
}

#[tokio::test]
async fn a_browser_whose_list_is_junk_begins_anew() {
    let server = Redis::start();
    let (store, browser) = (RedisStore::new(&server.url(), 10).unwrap(), browser());
    let key = format!("{{truegate}}:browser:{}", browser.expose());
    for spoil in [&["SET", &key, "junk"] as &[&str], &["RPUSH", &key, "junk", ""], &["HSET", &key, "junk", "junk"]] {
        server.command(&["FLUSHALL"]);
        server.command(spoil);
        assert_eq!(store.state(&browser, None).await, Ok(None));
        assert_eq!(store.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await, Ok(()));
        assert_eq!(store.state(&browser, None).await, Ok(login(&request_id(1), LoginState::Pending)));
    }
}

#[tokio::test]
async fn without_the_ends_of_logins_none_opens_and_the_running_go_on() {
    let server = Redis::start();
    let (store, browser) = (RedisStore::new(&server.url(), 10).unwrap(), browser());
    store.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();
    server.command(&["SET", "{truegate}:logins", "junk"]);

    let opened = store.open(&request_id(2), &browser, owner(&request_id(2)), LONG).await;
    assert_eq!(opened, Err(Cause::Data.into()));
    assert_eq!(store.advance(&request_id(1), LoginState::Refused).await, Ok(true));
    assert_eq!(store.state(&browser, None).await, Ok(login(&request_id(1), LoginState::Refused)));

    server.command(&["DEL", "{truegate}:logins"]);
    assert_eq!(store.open(&request_id(2), &browser, owner(&request_id(2)), LONG).await, Ok(()));
}

#[tokio::test]
async fn revocations_that_are_junk_are_unavailable_and_logins_go_on() {
    let server = Redis::start();
    let (store, browser, key) = (RedisStore::new(&server.url(), 100).unwrap(), browser(), "{truegate}:revocations");
    store.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();
    for spoil in [
        &["SET", key, "junk"] as &[&str],
        &["RPUSH", key, "junk"],
        &["XADD", key, "*", "junk", "junk"],
        &["XADD", key, "*", "generation", "1.1", "until", "junk", "sealed", "junk"],
    ] {
        server.command(&["DEL", key]);
        server.command(spoil);
        let junk: StoreError = Cause::Data.into();
        assert_eq!(store.revocations(&Cursor::default()).await, Err(junk.clone()), "{spoil:?}");
        assert_eq!(store.revoke(Bytes::new(), LONG).await, Err(junk), "{spoil:?}");
        assert_eq!(store.state(&browser, None).await, Ok(login(&request_id(1), LoginState::Pending)), "{spoil:?}");
    }

    server.command(&["DEL", key]);
    assert_eq!(store.revoke(Bytes::new(), LONG).await, Ok(()));
}

#[tokio::test]
async fn nothing_is_left_in_redis_when_all_has_expired() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let browser = browser();
    for number in 0..7 {
        store.open(&request_id(number), &browser, owner(&request_id(number)), SHORT).await.unwrap();
    }
    store.revoke(Bytes::from_static(b"sealed"), SHORT).await.unwrap();
    assert!(!server.keys().is_empty());
    assert!(server.keys().iter().all(|key| key.starts_with("{truegate}:")), "{:?}", server.keys());

    until(async || server.keys().is_empty()).await;
}

#[tokio::test]
async fn old_revocations_are_trimmed_while_new_ones_come() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    for _ in 0..250 {
        store.revoke(Bytes::from_static(b"old"), Duration::from_millis(1)).await.unwrap();
    }

    until(async || {
        store.revoke(Bytes::from_static(b"new"), LONG).await.unwrap();
        !store.revocations(&Cursor::default()).await.unwrap().0.contains(&Bytes::from_static(b"old"))
    })
    .await;
}
