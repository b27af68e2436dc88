use futures_util::FutureExt;

use super::*;
use crate::clock::ManualClock;

const LIFETIME: Duration = Duration::from_secs(180);

#[test]
fn nothing_is_left_of_ten_thousand_logins_that_expired() {
    let (store, clock) = store();
    for number in 0..10_000 {
        let browser = browser(number / 4);
        store.open(&request_id(number), &browser, Bytes::new(), LIFETIME).now_or_never().unwrap().unwrap();
    }
    assert!(store.contents().0.logins.room() >= 20_000);

    clock.advance(LIFETIME);
    assert_eq!(store.contents().0.logins.room(), 0);
}

#[test]
fn nothing_is_left_of_revocations_whose_lifetime_has_passed() {
    let (store, clock) = store();
    for number in 0..100 {
        store
            .revoke(Bytes::from_static(b"sealed"), LIFETIME + Duration::from_secs(number))
            .now_or_never()
            .unwrap()
            .unwrap();
    }
    clock.advance(LIFETIME + Duration::from_secs(49));
    assert_eq!(kept_revocations(&store), 50);

    clock.advance(Duration::from_secs(50));
    assert_eq!(kept_revocations(&store), 0);
    assert_eq!(store.contents().0.revocations.kept.capacity(), 0);
}

#[test]
fn a_reader_behind_what_was_dropped_goes_on_with_the_next() {
    let (store, clock) = store();
    let revoke = |sealed, lifetime| store.revoke(Bytes::from_static(sealed), lifetime).now_or_never().unwrap().unwrap();
    let after = |cursor: &Cursor| store.revocations(cursor).now_or_never().unwrap().unwrap();
    revoke(b"one", LIFETIME);
    let (_, behind_one) = after(&Cursor::default());
    revoke(b"two", LIFETIME);
    revoke(b"three", 2 * LIFETIME);
    clock.advance(LIFETIME);
    assert_eq!(kept_revocations(&store), 1);
    let (later, end) = after(&behind_one);
    assert_eq!(later, ["three"]);
    assert_eq!(after(&Cursor::default()), (later, end.clone()));
    assert_eq!(after(&end), (vec![], end.clone()));

    clock.advance(LIFETIME);
    assert_eq!(after(&behind_one), (vec![], end.clone()));
    revoke(b"four", LIFETIME);
    assert_eq!(after(&end).0, ["four"]);
}

#[test]
fn a_lifetime_without_end_is_no_fault() {
    let (store, _) = store();
    store.open(&request_id(1), &browser(1), Bytes::new(), Duration::MAX).now_or_never().unwrap().unwrap();
    store.revoke(Bytes::new(), Duration::MAX).now_or_never().unwrap().unwrap();
    assert!(store.time_left(&request_id(1)).now_or_never().unwrap().unwrap().is_some());
}

#[test]
fn debug_shows_nothing_of_what_is_kept() {
    let (store, _) = store();
    store.open(&request_id(1), &browser(1), Bytes::new(), LIFETIME).now_or_never().unwrap().unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { max_pending: 10000, .. }");
}

fn store() -> (MemoryStore, ManualClock) {
    let clock = ManualClock::default();
    (MemoryStore::new(10_000).clock(clock.clone()), clock)
}

fn kept_revocations(store: &MemoryStore) -> usize {
    store.contents().0.revocations.kept.len()
}

fn request_id(number: u64) -> RequestId {
    RequestId::parse(&format!("{number:022}")).unwrap()
}

fn browser(number: u64) -> BrowserId {
    BrowserId::parse(&format!("{number:022}")).unwrap()
}
