//! A gateway stops while it verifies a callback that it has answered.

use truegate::simulator::{Call, Fault};

use crate::{
    site::{Site, again, ended, phone, profile, until_verified, visitor},
    support::{
        raw::{exchange, get},
        redis::{Redis, until},
        visitor::json,
    },
};

#[tokio::test]
async fn a_stop_lets_a_verification_end() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    site.truecaller.plan([Fault::Held]);
    assert_eq!(site.call(&a, Call::grant().profile(profile(5)), &request_id).await.1, 204);
    site.truecaller.wait_for_fetches(1).await;

    a.signal("TERM");
    until(async || exchange(a.admin(), get("/readyz", "")).await.is_some_and(|ready| ready.status() == 503)).await;
    assert_eq!(browser.via(b.address()).state_after(&request_id, "opened").await, "pending");
    site.truecaller.release();

    let (status, log) = ended(a).await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("cut off")), "{log:#?}");
    until_verified(&redis, &request_id).await;
    assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
    assert_eq!(json(&again(async || browser.get("/.truegate/me").await).await)["phone"], phone(5));
    assert_eq!(site.truecaller.fetches(), 1);
}

#[tokio::test]
async fn a_verification_beyond_the_grace_is_cut_off_and_leaves_the_login_pending() {
    let redis = Redis::start();
    let mut site = Site::on(&redis).await;
    site.more = "shutdown_grace: 100ms\n".to_owned();
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    site.truecaller.plan([Fault::Held]);
    site.call(&a, Call::grant().profile(profile(5)), &request_id).await;
    site.truecaller.wait_for_fetches(1).await;

    a.signal("TERM");
    let (status, log) = ended(a).await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("cut off")), "{log:#?}");
    assert_eq!(browser.via(b.address()).state_after(&request_id, "opened").await, "pending");
}
