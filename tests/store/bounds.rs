//! Promises about how much a store keeps.

use std::sync::Arc;

use tokio::task::JoinSet;
use truegate::store::{LoginState, StoreError};

use crate::site::{LONG, SHORT, Site, browser, login, owner, request_id};

pub async fn ten_thousand_logins_fill_a_store_and_go_on(site: fn(usize) -> Site) {
    let site = site(10_000);
    let first = browser();
    site.one.open(&request_id(0), &first, owner(&request_id(0)), LONG).await.unwrap();

    // More than there are places, from both gateways at once.
    let mut lanes = JoinSet::new();
    for lane in 0..50 {
        let store = Arc::clone(if lane % 2 == 0 { &site.one } else { &site.other });
        lanes.spawn(async move {
            let mut opened = 0;
            for number in 0..210 {
                match store
                    .open(
                        &request_id(1 + lane * 1000 + number),
                        &browser(),
                        owner(&request_id(1 + lane * 1000 + number)),
                        LONG,
                    )
                    .await
                {
                    Ok(()) => opened += 1,
                    refused => assert_eq!(refused, Err(StoreError::Full)),
                }
            }
            opened
        });
    }
    let opened: usize = lanes.join_all().await.into_iter().sum();

    assert_eq!(1 + opened, 10_000);
    assert_eq!(
        site.one.open(&request_id(100_000), &browser(), owner(&request_id(100_000)), LONG).await,
        Err(StoreError::Full)
    );
    assert_eq!(site.one.time_left(&request_id(100_000)).await, Ok(None));
    assert_eq!(site.one.state(&first, None).await, Ok(login(&request_id(0), LoginState::Pending)));
    assert_eq!(site.other.advance(&request_id(0), LoginState::Refused).await, Ok(true));
}

pub async fn a_login_that_ended_keeps_its_place(site: fn(usize) -> Site) {
    let site = site(1);
    site.one.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    assert_eq!(site.one.advance(&request_id(1), LoginState::Refused).await, Ok(true));

    assert_eq!(site.one.open(&request_id(2), &browser(), owner(&request_id(2)), LONG).await, Err(StoreError::Full));
}

pub async fn expired_logins_make_room(site: fn(usize) -> Site) {
    let (site, newcomer) = (site(3), browser());
    site.one.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await.unwrap();
    site.one.open(&request_id(2), &browser(), owner(&request_id(2)), SHORT).await.unwrap();
    site.one.open(&request_id(3), &browser(), owner(&request_id(3)), SHORT).await.unwrap();

    let mut waiting = vec![request_id(5), request_id(4)];
    site.once_short_has_passed(async || {
        while let Some(request_id) = waiting.pop() {
            if site.one.open(&request_id, &newcomer, owner(&request_id), LONG).await.is_err() {
                waiting.push(request_id);
                return false;
            }
        }
        true
    })
    .await;
    assert_eq!(site.one.open(&request_id(6), &newcomer, owner(&request_id(6)), LONG).await, Err(StoreError::Full));
}

pub async fn a_browser_makes_room_for_itself_in_a_full_store(site: fn(usize) -> Site) {
    let (site, first) = (site(6), browser());
    site.one.open(&request_id(100), &browser(), owner(&request_id(100)), LONG).await.unwrap();
    for number in 0..6 {
        site.one.open(&request_id(number), &first, owner(&request_id(number)), LONG).await.unwrap();
    }

    assert_eq!(site.one.time_left(&request_id(0)).await, Ok(None));
    assert!(site.one.time_left(&request_id(100)).await.unwrap().is_some());
    assert_eq!(site.one.open(&request_id(101), &browser(), owner(&request_id(101)), LONG).await, Err(StoreError::Full));
}
