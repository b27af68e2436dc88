//! Promises about revocations.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinSet;
use truegate::store::{Cursor, REVOCATIONS_AT_ONCE};

use crate::site::{LONG, SHORT, Site};

pub async fn revocations_come_in_order_after_a_cursor(site: fn(usize) -> Site) {
    let site = site(10);
    let (none, start) = site.other.revocations(&Cursor::default()).await.unwrap();
    assert!(none.is_empty());

    for sealed in ["one", "two", ""] {
        site.one.revoke(Bytes::from(sealed), LONG).await.unwrap();
    }
    for from in [&start, &Cursor::default()] {
        assert_eq!(site.other.revocations(from).await.unwrap().0, ["one", "two", ""]);
    }

    let (_, cursor) = site.other.revocations(&start).await.unwrap();
    assert_eq!(site.other.revocations(&cursor).await.unwrap(), (vec![], cursor.clone()));
    site.other.revoke(Bytes::from_static(b"\0\xff\r\n"), LONG).await.unwrap();
    let (later, end) = site.one.revocations(&cursor).await.unwrap();
    assert_eq!(later, [Bytes::from_static(b"\0\xff\r\n")]);
    assert_ne!(end, cursor);
}

pub async fn a_cursor_that_no_store_gave_is_at_the_beginning(site: fn(usize) -> Site) {
    let site = site(10);
    site.one.revoke(Bytes::from_static(b"one"), LONG).await.unwrap();

    for name in ["", " ", "-", "+", "0-0", "7.7 9999999999999-0", "no cursor"] {
        assert_eq!(site.one.revocations(&Cursor::new(name)).await.unwrap().0, ["one"], "{name}");
    }
}

pub async fn two_hundred_revocations_at_once_come_once_each(site: fn(usize) -> Site) {
    let site = site(10);
    let mut revocations = JoinSet::new();
    for number in 0..200_u8 {
        let store = Arc::clone(if number % 2 == 0 { &site.one } else { &site.other });
        revocations.spawn(async move { store.revoke(Bytes::from(vec![number]), LONG).await.unwrap() });
    }

    // Whoever reads along misses none.
    let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
    while seen.len() < 200 {
        let (later, next) = site.one.revocations(&cursor).await.unwrap();
        seen.extend(later);
        cursor = next;
    }
    revocations.join_all().await;
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 200);
    assert_eq!(site.other.revocations(&Cursor::default()).await.unwrap().0, seen);
}

pub async fn more_than_fit_at_once_come_in_order_and_once_each(site: fn(usize) -> Site) {
    let site = site(10);
    let mut numbers = 0..;
    let mut revoke = async |count| {
        for number in numbers.by_ref().take(count) {
            site.one.revoke(Bytes::from(number.to_string()), LONG).await.unwrap();
        }
    };
    revoke(2 * REVOCATIONS_AT_ONCE + 10).await;

    // More come while they are read, until they come no more.
    let (mut seen, mut lengths, mut cursor) = (Vec::new(), Vec::new(), Cursor::default());
    for more in [0, 5, REVOCATIONS_AT_ONCE, 0, 0, 0] {
        revoke(more).await;
        let (later, next) = site.other.revocations(&cursor).await.unwrap();
        assert_eq!(later.is_empty(), next == cursor, "a cursor moves on with each revocation, and only then");
        lengths.push(later.len());
        seen.extend(later);
        cursor = next;
    }

    // Whoever gets fewer than fit at once knows all.
    assert_eq!(lengths, [REVOCATIONS_AT_ONCE, REVOCATIONS_AT_ONCE, REVOCATIONS_AT_ONCE, 15, 0, 0]);
    let all = (0..3 * REVOCATIONS_AT_ONCE + 15).map(|number| number.to_string());
    assert_eq!(seen, all.collect::<Vec<_>>());
}

pub async fn as_many_as_fit_at_once_are_followed_by_none(site: fn(usize) -> Site) {
    let site = site(10);
    for _ in 0..REVOCATIONS_AT_ONCE {
        site.one.revoke(Bytes::from_static(b"sealed"), LONG).await.unwrap();
    }

    let (all, cursor) = site.one.revocations(&Cursor::default()).await.unwrap();
    assert_eq!(all.len(), REVOCATIONS_AT_ONCE);
    assert_eq!(site.other.revocations(&cursor).await.unwrap(), (vec![], cursor.clone()));
    site.one.revoke(Bytes::from_static(b"next"), LONG).await.unwrap();
    assert_eq!(site.other.revocations(&cursor).await.unwrap().0, ["next"]);
}

pub async fn a_revocation_is_gone_after_its_lifetime(site: fn(usize) -> Site) {
    let site = site(10);
    site.one.revoke(Bytes::from_static(b"short"), SHORT).await.unwrap();
    let (_, cursor) = site.one.revocations(&Cursor::default()).await.unwrap();

    let none = async || site.one.revocations(&Cursor::default()).await.unwrap().0.is_empty();
    site.once_short_has_passed(none).await;
    assert!(site.one.revocations(&cursor).await.unwrap().0.is_empty());

    site.one.revoke(Bytes::from_static(b"next"), LONG).await.unwrap();
    assert_eq!(site.one.revocations(&cursor).await.unwrap().0, ["next"]);
}

pub async fn all_gateways_get_the_time_of_one_clock(site: fn(usize) -> Site) {
    let site = site(10);
    let mut before = site.one.time().await.unwrap();
    for store in [&site.other, &site.one, &site.other] {
        let now = store.time().await.unwrap();
        assert!(now >= before, "{now:?} after {before:?}");
        before = now;
    }
}

pub async fn a_short_revocation_does_not_end_a_long_one(site: fn(usize) -> Site) {
    let site = site(10);
    for (sealed, lifetime) in [("short", SHORT), ("long", LONG), ("short", SHORT)] {
        site.one.revoke(Bytes::from(sealed), lifetime).await.unwrap();
    }

    // A store may keep some longer than it must, but not all.
    let kept = async || site.one.revocations(&Cursor::default()).await.unwrap().0;
    site.once_short_has_passed(async || {
        site.other.revoke(Bytes::from_static(b"next"), LONG).await.unwrap();
        kept().await.first().is_some_and(|first| first == "long")
    })
    .await;
    assert!(kept().await.contains(&Bytes::from_static(b"next")));
}
