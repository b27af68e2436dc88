//! Promises about one login.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use truegate::{cause::Cause, store::LoginState};

use crate::site::{LONG, SHORT, Site, browser, login, owner, request_id};

pub async fn a_login_is_pending_at_first(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    site.one.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();

    assert_eq!(site.other.state(&browser, Some(&request_id)).await, Ok(login(&request_id, LoginState::Pending)));
    let left = site.other.time_left(&request_id).await.unwrap().unwrap();
    assert!(left <= LONG && left > LONG / 2, "{left:?}");
}

pub async fn a_login_moves_over_opened_to_each_end(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    for (number, end) in ends().into_iter().enumerate() {
        let request_id = request_id(number);
        site.one.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();

        assert_eq!(site.other.advance(&request_id, LoginState::Opened).await, Ok(true));
        assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(login(&request_id, LoginState::Opened)));
        assert!(site.one.time_left(&request_id).await.unwrap().is_some());

        assert_eq!(site.other.advance(&request_id, end.clone()).await, Ok(true));
        assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(login(&request_id, end)));
        assert_eq!(site.one.time_left(&request_id).await, Ok(None));
    }
}

pub async fn a_login_ends_once(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    for (number, end) in ends().into_iter().enumerate() {
        let request_id = request_id(number);
        site.one.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();
        assert_eq!(site.one.advance(&request_id, end.clone()).await, Ok(true));

        for late in ends().into_iter().chain([LoginState::Pending, LoginState::Opened]) {
            assert_eq!(site.other.advance(&request_id, late).await, Ok(false));
        }
        assert_eq!(site.other.state(&browser, Some(&request_id)).await, Ok(login(&request_id, end)));
    }
}

pub async fn a_login_does_not_go_back(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    site.one.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();

    assert_eq!(site.one.advance(&request_id, LoginState::Pending).await, Ok(false));
    assert_eq!(site.one.advance(&request_id, LoginState::Opened).await, Ok(true));
    assert_eq!(site.one.advance(&request_id, LoginState::Opened).await, Ok(false));
    assert_eq!(site.one.advance(&request_id, LoginState::Pending).await, Ok(false));
    assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(login(&request_id, LoginState::Opened)));
}

pub async fn of_two_hundred_ends_one_wins(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    site.one.open(&request_id, &browser, owner(&request_id), LONG).await.unwrap();

    let mut attempts = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(if number % 2 == 0 { &site.one } else { &site.other });
        let (request_id, end) = (request_id.clone(), LoginState::Verified(Bytes::from(number.to_string())));
        attempts.spawn(async move { store.advance(&request_id, end.clone()).await.unwrap().then_some(end) });
    }
    let winners: Vec<_> = attempts.join_all().await.into_iter().flatten().collect();

    let [winner] = winners.as_slice() else { panic!("{} winners", winners.len()) };
    assert_eq!(site.one.state(&browser, None).await, Ok(login(&request_id, winner.clone())));
}

pub async fn nothing_is_left_of_a_login_after_its_lifetime(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    site.one.open(&request_id, &browser, owner(&request_id), SHORT).await.unwrap();

    site.once_short_has_passed(async || site.other.time_left(&request_id).await.unwrap().is_none()).await;
    assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(None));
    assert_eq!(site.one.state(&browser, None).await, Ok(None));
    assert_eq!(site.one.advance(&request_id, LoginState::Opened).await, Ok(false));
    assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(None));
}

pub async fn moving_on_does_not_lengthen_a_login(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    site.one.open(&request_id, &browser, owner(&request_id), SHORT).await.unwrap();
    assert_eq!(site.one.advance(&request_id, LoginState::Opened).await, Ok(true));
    assert!(site.one.time_left(&request_id).await.unwrap().is_some_and(|left| left <= SHORT));
    assert_eq!(site.one.advance(&request_id, LoginState::Verified(Bytes::from_static(b"sealed"))).await, Ok(true));

    site.once_short_has_passed(async || site.other.state(&browser, Some(&request_id)).await.unwrap().is_none()).await;
}

pub async fn an_unknown_request_id_is_none(site: fn(usize) -> Site) {
    let (site, browser, request_id) = (site(10), browser(), request_id(1));
    assert_eq!(site.one.time_left(&request_id).await, Ok(None));
    assert_eq!(site.one.advance(&request_id, LoginState::Opened).await, Ok(false));
    assert_eq!(site.one.state(&browser, Some(&request_id)).await, Ok(None));
    assert_eq!(site.one.state(&browser, None).await, Ok(None));
}

pub async fn a_request_id_opens_once(site: fn(usize) -> Site) {
    let (site, first, second, request_id) = (site(10), browser(), browser(), request_id(1));
    site.one.open(&request_id, &first, owner(&request_id), LONG).await.unwrap();
    assert_eq!(site.one.advance(&request_id, LoginState::Refused).await, Ok(true));

    for browser in [&first, &second] {
        let owner = Bytes::from_static(b"another");
        assert_eq!(site.other.open(&request_id, browser, owner, LONG).await, Err(Cause::Data.into()));
    }
    assert_eq!(site.one.state(&first, Some(&request_id)).await, Ok(login(&request_id, LoginState::Refused)));
    assert_eq!(site.one.state(&second, None).await, Ok(None));
}

/// Every end; what is sealed may be any bytes.
fn ends() -> [LoginState; 5] {
    let sealed = Bytes::from_static(b"\0\r\n\xff sealed");
    [
        LoginState::Verified(sealed),
        LoginState::Verified(Bytes::new()),
        LoginState::Refused,
        LoginState::AnotherNumber,
        LoginState::Failed,
    ]
}
