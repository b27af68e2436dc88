//! A gateway dies in the middle of a login.

use truegate::simulator::{Call, Fault};

use crate::{
    site::{CALLBACK, Site, again, kept_state, phone, profile, visitor},
    support::{
        raw::{exchange, post},
        redis::Redis,
        visitor::json,
    },
};

#[tokio::test]
async fn a_login_that_was_started_is_finished_by_another_gateway() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    a.signal("KILL");
    a.wait();

    assert_eq!(site.call(&b, Call::grant().profile(profile(3)), &request_id).await.1, 204);
    assert_eq!(browser.via(b.address()).state_after(&request_id, "pending").await, "verified");
    assert_eq!(json(&again(async || browser.get("/.truegate/me").await).await)["phone"], phone(3));
}

#[tokio::test]
async fn a_verification_that_was_cut_short_is_made_good_by_the_next_callback() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    site.truecaller.plan([Fault::Held]);
    let (callback, status) = site.call(&a, Call::grant().profile(profile(3)), &request_id).await;
    assert_eq!(status, 204);
    site.truecaller.wait_for_fetches(1).await;
    a.signal("KILL");
    a.wait();
    browser.via(b.address());
    assert_eq!(browser.state_after(&request_id, "opened").await, "pending", "nothing is half done");
    assert_eq!(kept_state(&redis, &request_id), "pending");

    let answer = exchange(b.address(), post(CALLBACK, &callback)).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
    assert_eq!(json(&again(async || browser.get("/.truegate/me").await).await)["phone"], phone(3));
    assert_eq!(site.truecaller.fetches(), 2);
}
