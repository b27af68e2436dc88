//! Promises about the logins that browsers wait for.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use truegate::{
    callback::RequestId,
    session::BrowserId,
    store::{Cursor, Login, LoginState, RedisStore, Store, StoreFuture, WATCHED_AT_ONCE, WatchedLogin},
};

use crate::{
    site::{LONG, SHORT, Site, browser, owner, request_id},
    support::redis::Redis,
};

fn seen(browser: &BrowserId, asked: Option<usize>, found: Option<(usize, &'static str)>) -> WatchedLogin {
    let found = found.map(|(number, word)| (request_id(number), word));
    WatchedLogin { browser: browser.clone(), asked: asked.map(request_id), found }
}

/// What has moved, by the store's own method and by the provided one.
async fn moved(store: &Arc<dyn Store>, seen: &[WatchedLogin]) -> Vec<usize> {
    let moved = store.moved(seen).await.unwrap();
    assert_eq!(Plain(store.clone()).moved(seen).await.unwrap(), moved);
    moved
}

pub async fn what_has_moved_is_told_by_its_place(site: fn(usize) -> Site) {
    let (site, first, second, idle) = (site(10), browser(), browser(), browser());
    for number in 1..=3 {
        let browser = if number == 3 { &second } else { &first };
        site.one.open(&request_id(number), browser, owner(&request_id(number)), LONG).await.unwrap();
    }
    let waiting = [
        seen(&first, Some(1), Some((1, "pending"))),
        seen(&first, Some(2), Some((2, "pending"))),
        seen(&first, None, Some((2, "pending"))),
        seen(&second, Some(3), Some((3, "pending"))),
        seen(&second, None, Some((3, "pending"))),
        seen(&second, Some(1), None),
        seen(&idle, None, None),
        seen(&idle, Some(9), None),
    ];
    assert_eq!(moved(&site.other, &waiting).await, NONE);
    assert_eq!(moved(&site.other, &[]).await, NONE);

    site.one.advance(&request_id(2), LoginState::Opened).await.unwrap();
    assert_eq!(moved(&site.other, &waiting).await, [1, 2]);
    site.one.advance(&request_id(3), LoginState::Verified(Bytes::from_static(b"sealed"))).await.unwrap();
    assert_eq!(moved(&site.other, &waiting).await, [1, 2, 3, 4]);
    site.one.open(&request_id(4), &idle, owner(&request_id(4)), LONG).await.unwrap();
    assert_eq!(moved(&site.other, &waiting).await, [1, 2, 3, 4, 6], "the first of a browser is its newest");
    site.one.open(&request_id(5), &first, owner(&request_id(5)), LONG).await.unwrap();
    let before = seen(&first, None, Some((2, "opened")));
    assert_eq!(moved(&site.other, &[before]).await, [0], "a newer one is another");
    let after = [seen(&first, None, Some((5, "pending"))), seen(&second, None, Some((3, "verified")))];
    assert_eq!(moved(&site.other, &after).await, NONE);
}

pub async fn a_login_that_has_expired_has_moved(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    site.one.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();
    site.one.open(&request_id(2), &browser, owner(&request_id(2)), SHORT).await.unwrap();
    let waiting = [seen(&browser, Some(2), Some((2, "pending"))), seen(&browser, None, Some((2, "pending")))];
    // Asked in two ways in a row, a store could let the login expire between them.
    site.once_short_has_passed(async || site.other.moved(&waiting).await.unwrap() == [0, 1]).await;
    assert_eq!(moved(&site.other, &waiting).await, [0, 1]);
    assert_eq!(moved(&site.other, &[seen(&browser, None, Some((1, "pending")))]).await, NONE);
}

pub async fn a_login_that_made_room_has_moved(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    for number in 0..6 {
        site.one.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
    }
    let waiting = [seen(&browser, Some(0), Some((0, "pending"))), seen(&browser, Some(1), Some((1, "pending")))];
    assert_eq!(moved(&site.other, &waiting).await, [0]);
}

pub async fn of_as_many_as_are_asked_about_at_once_each_is_told(site: fn(usize) -> Site) {
    let site = site(WATCHED_AT_ONCE);
    let mut waiting = Vec::new();
    for number in 0..WATCHED_AT_ONCE {
        let browser = browser();
        site.one.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
        waiting.push(seen(&browser, (number % 2 == 0).then_some(number), Some((number, "pending"))));
    }
    assert_eq!(site.other.moved(&waiting).await.unwrap(), NONE);
    let some = [0, 1, 998, WATCHED_AT_ONCE - 1];
    for number in some {
        site.one.advance(&request_id(number), LoginState::Refused).await.unwrap();
    }
    assert_eq!(site.other.moved(&waiting).await.unwrap(), some);
}

#[tokio::test]
async fn two_thousand_who_wait_never_keep_the_server_busy() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), WATCHED_AT_ONCE).unwrap();
    let mut waiting = Vec::new();
    for number in 0..WATCHED_AT_ONCE {
        let browser = browser();
        store.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
        waiting.push(seen(&browser, Some(number), Some((number, "pending"))));
    }
    let longest = Duration::from_millis(250).as_micros().to_string();
    server.command(&["CONFIG", "SET", "slowlog-log-slower-than", &longest]);
    server.command(&["SLOWLOG", "RESET"]);
    let asked = server.statistic("commandstats", "cmdstat_evalsha:calls");
    store.moved(&waiting).await.unwrap();
    for _ in 0..10 {
        assert_eq!(store.moved(&waiting).await.unwrap(), NONE);
    }
    // The first one may find that the server does not know the script yet.
    assert!(server.statistic("commandstats", "cmdstat_evalsha:calls") <= asked + 12);
    // A busy machine holds up one or two of the answers; so many logins would slow down all of them.
    let slow: usize = server.command(&["SLOWLOG", "LEN"]).parse().unwrap();
    assert!(slow < 4, "{}", server.command(&["SLOWLOG", "GET"]));
}

#[tokio::test]
async fn a_login_that_became_junk_has_moved() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url(), 10).unwrap();
    let (login, browser) = (format!("{{truegate}}:login:{}", request_id(1).expose()), browser());
    let list = format!("{{truegate}}:browser:{}", browser.expose());
    let waiting = [seen(&browser, Some(1), Some((1, "pending"))), seen(&browser, None, Some((1, "pending")))];
    for (spoil, expected) in [
        (&["SET", &login, "junk", "EX", "60"] as &[&str], &[0, 1][..]),
        (&["HSET", &login, "state", "junk"], &[0, 1]),
        (&["HSET", &login, "browser", "junk"], &[0, 1]),
        (&["HDEL", &login, "owner"], &[0, 1]),
        (&["SET", &list, "junk"], &[1]),
        (&["HSET", &list, "junk", "junk"], &[1]),
        (&["FLUSHALL"], &[0, 1]),
    ] {
        server.command(&["FLUSHALL"]);
        store.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();
        assert_eq!(store.moved(&waiting).await.unwrap(), NONE);
        if spoil[0] != "FLUSHALL" && spoil[0] != "HDEL" && spoil[1] == list {
            server.command(&["DEL", &list]);
        }
        server.command(spoil);
        assert_eq!(store.moved(&waiting).await.unwrap(), expected, "{spoil:?}");
    }
}

/// A store that knows no batches.
struct Plain(Arc<dyn Store>);

impl Store for Plain {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        self.0.open(request_id, browser, owner, lifetime)
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        self.0.time_left(request_id)
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        self.0.advance(request_id, to)
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        self.0.state(browser, request_id)
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        self.0.revoke(revocation, lifetime)
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        self.0.revocations(after)
    }

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        self.0.time()
    }
}

const NONE: [usize; 0] = [];
