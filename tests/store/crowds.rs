//! When Redis keeps very many revocations.

use std::time::Duration;

use bytes::Bytes;
use truegate::store::{Cursor, REVOCATIONS_AT_ONCE, RedisStore, Store};

use crate::{site::LONG, support::redis::Redis};

const STREAM: &str = "{truegate}:revocations";

#[tokio::test]
async fn two_hundred_thousand_revocations_never_keep_the_server_busy() {
    let server = crowded(200_000);
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let longest = Duration::from_millis(250).as_micros().to_string();
    server.command(&["CONFIG", "SET", "slowlog-log-slower-than", &longest]);
    server.command(&["SLOWLOG", "RESET"]);

    let seen = all(&store).await;

    // A busy machine holds up a few of two hundred answers; a long stream would slow down all of them.
    let slow: usize = server.command(&["SLOWLOG", "LEN"]).parse().unwrap();
    assert!(slow < 20, "{}", server.command(&["SLOWLOG", "GET"]));
    assert!(seen.len() == 200_000 && seen.iter().zip(1..).all(|(sealed, number)| *sealed == number.to_string()));
}

#[tokio::test]
async fn a_cursor_whose_revocation_is_gone_leads_to_all_that_are_left_and_to_no_more_at_once_than_fit() {
    let server = crowded(2 * REVOCATIONS_AT_ONCE + 1);
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let (_, cursor) = store.revocations(&Cursor::default()).await.unwrap();
    let id = cursor.name().split_once(' ').unwrap().0;
    assert_eq!(server.command(&["XDEL", STREAM, id]), "1");

    let (first, cursor) = store.revocations(&cursor).await.unwrap();
    assert_eq!((first.len(), &*first[0], &*first[999]), (REVOCATIONS_AT_ONCE, b"1".as_slice(), b"1001".as_slice()));
    let (rest, _) = store.revocations(&cursor).await.unwrap();
    assert_eq!((rest.len(), &*rest[0], &*rest[999]), (REVOCATIONS_AT_ONCE, b"1002".as_slice(), b"2001".as_slice()));
}

#[tokio::test]
async fn a_stream_that_was_begun_anew_between_two_questions_is_read_whole() {
    let server = crowded(REVOCATIONS_AT_ONCE + 1);
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let (_, cursor) = store.revocations(&Cursor::default()).await.unwrap();

    server.command(&["FLUSHALL"]);
    store.revoke(Bytes::from_static(b"new"), LONG).await.unwrap();
    assert_eq!(store.revocations(&cursor).await.unwrap().0, ["new"]);
}

/// A server that keeps so many revocations, numbered from one.
fn crowded(count: usize) -> Redis {
    let server = Redis::start();
    let fill = "for number = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'generation', '1.1', \
                'until', '9999999999999', 'sealed', number) end return redis.call('XLEN', KEYS[1])";
    assert_eq!(server.command(&["EVAL", fill, "1", STREAM, &count.to_string()]), count.to_string());
    server
}

/// What the store gives from its beginning, until it gives nothing.
async fn all(store: &RedisStore) -> Vec<Bytes> {
    let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let (later, next) = store.revocations(&cursor).await.unwrap();
        if later.is_empty() {
            return seen;
        }
        seen.extend(later);
        cursor = next;
    }
}
