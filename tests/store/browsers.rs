//! Promises about the logins of a browser.

use truegate::store::LoginState;

use crate::site::{LONG, SHORT, Site, browser, login, owner, request_id};

pub async fn another_browser_learns_nothing(site: fn(usize) -> Site) {
    let (site, first, second, request_id) = (site(10), browser(), browser(), request_id(1));
    site.one.open(&request_id, &first, owner(&request_id), LONG).await.unwrap();

    assert_eq!(site.one.state(&second, Some(&request_id)).await, Ok(None));
    assert_eq!(site.one.state(&second, None).await, Ok(None));
    assert_eq!(site.other.state(&first, Some(&request_id)).await, Ok(login(&request_id, LoginState::Pending)));
}

pub async fn without_a_request_id_the_newest_login_is_meant(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    for (number, state) in [LoginState::Refused, LoginState::Opened, LoginState::AnotherNumber].into_iter().enumerate()
    {
        site.one.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
        assert_eq!(site.other.state(&browser, None).await, Ok(login(&request_id(number), LoginState::Pending)));
        site.one.advance(&request_id(number), state.clone()).await.unwrap();
        assert_eq!(site.other.state(&browser, None).await, Ok(login(&request_id(number), state)));
    }
}

pub async fn when_the_newest_login_expires_the_one_before_is_the_newest(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    site.one.open(&request_id(1), &browser, owner(&request_id(1)), LONG).await.unwrap();
    site.one.advance(&request_id(1), LoginState::Refused).await.unwrap();
    site.one.open(&request_id(2), &browser, owner(&request_id(2)), SHORT).await.unwrap();

    site.once_short_has_passed(async || {
        site.one.state(&browser, None).await == Ok(login(&request_id(1), LoginState::Refused))
    })
    .await;
}

pub async fn of_six_logins_the_oldest_makes_room(site: fn(usize) -> Site) {
    let (site, first, second) = (site(10), browser(), browser());
    site.one.open(&request_id(100), &second, owner(&request_id(100)), LONG).await.unwrap();
    for number in 0..6 {
        site.one.open(&request_id(number), &first, owner(&request_id(number)), LONG).await.unwrap();
    }

    assert_eq!(site.other.state(&first, Some(&request_id(0))).await, Ok(None));
    assert_eq!(site.other.time_left(&request_id(0)).await, Ok(None));
    assert_eq!(site.other.advance(&request_id(0), LoginState::Opened).await, Ok(false));
    for number in 1..6 {
        assert_eq!(
            site.other.state(&first, Some(&request_id(number))).await,
            Ok(login(&request_id(number), LoginState::Pending)),
            "{number}"
        );
    }
    assert_eq!(site.other.state(&second, None).await, Ok(login(&request_id(100), LoginState::Pending)));
}

pub async fn expired_logins_are_none_of_the_five(site: fn(usize) -> Site) {
    let (site, browser) = (site(10), browser());
    site.one.open(&request_id(0), &browser, owner(&request_id(0)), LONG).await.unwrap();
    for number in 1..5 {
        site.one.open(&request_id(number), &browser, owner(&request_id(number)), SHORT).await.unwrap();
    }
    site.once_short_has_passed(async || site.one.time_left(&request_id(4)).await.unwrap().is_none()).await;

    for number in 5..9 {
        site.one.open(&request_id(number), &browser, owner(&request_id(number)), LONG).await.unwrap();
    }
    for number in [0, 5, 6, 7, 8] {
        assert_eq!(
            site.one.state(&browser, Some(&request_id(number))).await,
            Ok(login(&request_id(number), LoginState::Pending)),
            "{number}"
        );
    }
}
