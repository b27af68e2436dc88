//! When Redis refuses.

use std::{collections::HashSet, io::Read, net::TcpListener, sync::Arc, thread};

use bytes::Bytes;
use tokio::task::JoinSet;
use truegate::{
    cause::Cause,
    clock::{Clock, SystemClock},
    store::{Cursor, LoginState, RedisStore, Store, WatchedLogin},
};

use crate::{
    failures::{all_is_unavailable, recovers},
    site::{LONG, browser, login, owner, request_id},
    support::redis::{Redis, cluster::Cluster, parrot::Parrot, sentinel::Watched, until},
};

#[tokio::test]
async fn a_wrong_password_is_unavailable_and_no_storm() {
    let server = Redis::start_with_password("s3cr3t");
    let store = RedisStore::new(&server.url_with_password("wrong"), 10).unwrap();
    let start = SystemClock.now();
    for _ in 0..100 {
        assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Auth]));
    }
    let turns = (SystemClock.now() - start).as_millis() / 250;

    let attempts = u128::from(server.statistic_with_password("s3cr3t", "stats", "total_connections_received")) - 1;
    assert!(attempts <= turns + 1, "{attempts} attempts in {turns} turns");
    server.command(&["-a", "s3cr3t", "CONFIG", "SET", "requirepass", "wrong"]);
    recovers(&store).await;
}

#[tokio::test]
async fn a_password_opens_and_none_does_not() {
    let server = Redis::start_with_password("p@ss/w:rd");
    let store = RedisStore::new(&server.url_with_password("p%40ss%2Fw%3Ard"), 10).unwrap();
    assert_eq!(store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await, Ok(()));

    let store = RedisStore::new(&server.url(), 10).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Auth]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_server_refuses_one_question_and_hangs_up_all_that_wait_hear_why() {
    let parrot = Parrot::hanging_up("-NOAUTH Authentication required.", 20);
    let store = Arc::new(RedisStore::new(&parrot.url(), 10).unwrap());
    let mut asking = JoinSet::new();
    for number in 0..20 {
        let store = Arc::clone(&store);
        asking.spawn(async move { store.time_left(&request_id(number)).await });
    }
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap(), Err(Cause::Auth.into()));
    }
}

#[tokio::test]
async fn a_server_without_memory_or_rights_to_write_still_answers_questions() {
    let server = Redis::start();
    let (store, first) = (RedisStore::new(&server.url(), 10).unwrap(), browser());
    store.open(&request_id(1), &first, owner(&request_id(1)), LONG).await.unwrap();

    for (refuse, allow, cause) in [
        (vec!["CONFIG", "SET", "maxmemory", "1"], vec!["CONFIG", "SET", "maxmemory", "0"], Cause::Full),
        (vec!["REPLICAOF", "127.0.0.1", "1"], vec!["REPLICAOF", "NO", "ONE"], Cause::ReadOnly),
    ] {
        assert_eq!(server.command(&refuse), "OK");
        let opened = store.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await;
        assert_eq!(opened, Err(cause.into()));
        until(async || store.state(&first, None).await == Ok(login(&request_id(1), LoginState::Pending))).await;
        assert_eq!(server.command(&allow), "OK");
        recovers(&store).await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_command_is_unavailable() {
    for (line, cause) in [
        ("-LOADING Redis is loading the dataset in memory", Cause::ServerError),
        ("-MOVED 3999 127.0.0.1:6381", Cause::Protocol),
        ("-NOAUTH Authentication required.", Cause::Auth),
        ("-NOPERM this user has no permissions", Cause::Auth),
        ("-NOSCRIPT No matching script.", Cause::Protocol),
        ("-READONLY You can't write against a read only replica.", Cause::ReadOnly),
        ("-MASTERDOWN Link with MASTER is down", Cause::ServerError),
        ("-BUSY Redis is busy running a script", Cause::ServerError),
        ("-ERR max number of clients reached", Cause::Full),
        ("+OK", Cause::Protocol),
        (":-7", Cause::Protocol),
        ("$-1", Cause::Protocol),
        ("*1\r\n*0", Cause::Protocol),
        ("HTTP/1.1 400 Bad Request", Cause::Protocol),
    ] {
        let store = RedisStore::new(&Parrot::saying(line).url(), 10).unwrap();
        let opened = store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await;
        assert_eq!(opened, Err(cause.into()), "{line}");
        let heard = store.revocations(&Cursor::default()).await;
        assert_eq!(heard, Err(cause.into()), "{line}");
    }
}

/// The rights that `docs/sessions.md` names.
#[tokio::test]
async fn the_documented_rights_are_enough() {
    let rights = "~{truegate}:* ~truegate:* -@all +@read +@write +@scripting +@connection +time -@dangerous";
    let grant = |server: &Redis, more: &str| {
        let words = ["ACL", "SETUSER", "gateway", "on", ">s3cr3t"].into_iter();
        let rights = rights.split(' ').chain(more.split_ascii_whitespace());
        assert_eq!(server.command(&words.chain(rights).collect::<Vec<_>>()), "OK");
    };
    let login = |url: &str| url.replace("redis://", "redis://gateway:s3cr3t@");

    let (server, watched, cluster) = (Redis::start(), Watched::start(), Cluster::start());
    grant(&server, "");
    grant(&watched.servers[0], "+role");
    cluster.nodes.iter().for_each(|node| grant(node, "+cluster|slots"));
    let urls: Vec<_> = cluster.urls().iter().map(|url| login(url)).collect();
    for store in [
        RedisStore::new(&login(&server.url()), 100).unwrap(),
        RedisStore::sentinel(&watched.urls(), &login("redis://mymaster"), 100).unwrap(),
        RedisStore::cluster(&urls, 100).unwrap(),
    ] {
        let browser = browser();
        for number in 0..6 {
            store.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
        }
        let found = Some((request_id(5), "pending"));
        let waiting = [WatchedLogin { browser: browser.clone(), asked: None, found }];
        assert_eq!(store.moved(&waiting).await, Ok(vec![]));
        assert!(store.time_left(&request_id(5)).await.unwrap().is_some());
        assert_eq!(store.advance(&request_id(5), LoginState::Refused).await, Ok(true));
        assert_eq!(store.state(&browser, None).await, Ok(self::login(&request_id(5), LoginState::Refused)));
        store.revoke(Bytes::from_static(b"sealed"), LONG).await.unwrap();
        assert_eq!(store.revocations(&Cursor::default()).await.unwrap().0, ["sealed"]);
    }
}

/// No DNS server is asked for a label of more than 63 letters.
#[tokio::test]
async fn a_name_that_nobody_knows_is_said_to_be_the_cause() {
    let store = RedisStore::new(&format!("redis://{}.invalid", "a".repeat(64)), 10).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Dns]));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_said_to_be_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = RedisStore::new(&format!("redis://{}", listener.local_addr().unwrap()), 10).unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| drop(stream.unwrap().read(&mut [0; 1]))));
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Closed]));
}

/// Some servers repeat what they were asked, and that is a secret.
#[tokio::test]
async fn an_error_tells_its_cause_and_nothing_that_the_server_says() {
    let parrot = Parrot::saying("-ERR unknown command, with args beginning with: 's3cr3t'");
    let failed = RedisStore::new(&parrot.url(), 10).unwrap().time_left(&request_id(1)).await.unwrap_err();
    let mut next: Option<&dyn std::error::Error> = Some(&failed);
    let mut chain = String::new();
    while let Some(error) = next {
        chain += &format!("{error} {error:?}\n");
        next = error.source();
    }
    assert!(chain.contains("protocol") && !chain.contains("s3cr3t"), "{chain}");
}

#[tokio::test]
async fn an_error_keeps_the_error_that_it_was_found_in() {
    let failed = RedisStore::new(&Redis::stopped().url(), 10).unwrap().time_left(&request_id(1)).await.unwrap_err();
    let fault = std::error::Error::source(&failed).unwrap();
    let refused = fault.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
