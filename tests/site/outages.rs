//! Redis is away: what holds meanwhile, and how soon all is well when it is back.

use truegate::clock::{Clock as _, SystemClock};

use crate::{
    away::{Scene, assert_recovered},
    site::{Site, again, asked, asked_for_logouts, visitor},
    support::{
        edge::sessions::Store,
        redis::{Redis, relay::Relay, until},
    },
};

#[tokio::test]
async fn a_server_that_died_costs_no_session_and_what_it_kept_goes_on() {
    let mut redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut scene = Scene::of(Site::on(&redis).await).await;

    let heard = scene.hears(&redis).await;
    scene.goes_on_for_the_grace(heard, || redis.kill()).await;
    scene.is_away().await;

    redis.restart();
    scene.is_back().await;
    scene.finishes_the_login().await;
}

#[tokio::test]
async fn a_server_that_stands_still_holds_up_nobody_and_is_not_stormed() {
    let redis = Redis::start();
    let mut scene = Scene::of(Site::on(&redis).await).await;
    let heard = scene.hears(&redis).await;
    let questions = || asked(&redis) + asked_for_logouts(&redis);
    let (connections, before) = (connections(&redis), questions());

    let stopped = SystemClock.now();
    scene.goes_on_for_the_grace(heard, || redis.signal("STOP")).await;
    scene.is_away().await;

    redis.signal("CONT");
    scene.is_back().await;
    let tries = 2 * (SystemClock.now() - stopped).as_secs() + 2;
    let connected = self::connections(&redis) - connections;
    // Those of the test itself: each question about the server is one.
    assert!(connected <= tries + 4, "{connected} connections, {tries} at most");
    assert!(questions() - before < 20 * tries, "{} questions", questions() - before);
    scene.finishes_the_login().await;
}

#[tokio::test]
async fn a_server_that_is_slow_is_away_until_it_is_fast() {
    let redis = Redis::start();
    let relay = Relay::to(&redis);
    let mut scene = Scene::of(Site::keeping(Store::Redis(relay.url())).await).await;

    let heard = scene.hears(&redis).await;
    scene.goes_on_for_the_grace(heard, || relay.set_slow(true)).await;
    scene.is_away().await;

    relay.set_slow(false);
    scene.is_back().await;
    scene.finishes_the_login().await;
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_costs_nothing_who_only_reads_pages() {
    let redis = Redis::start();
    let relay = Relay::to(&redis);
    let site = Site::keeping(Store::Redis(relay.url())).await;
    let gateway = site.gateway();
    let mut known = site.signed_in(&gateway, 1).await;

    relay.lose_connections();
    let (lost, questions) = (SystemClock.now(), asked_for_logouts(&redis));
    until(async || {
        assert_eq!(known.get("/account/").await.status(), 200);
        asked_for_logouts(&redis) > questions
    })
    .await;
    assert_recovered(lost);
}

#[tokio::test]
async fn what_redis_forgets_is_forgotten_by_who_did_not_hear_it() {
    let mut redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    let (mut browser, mut known) = (site.signed_in(&gateway, 1).await, site.signed_in(&gateway, 2).await);
    let mut starting = visitor(&gateway);
    let request_id = starting.start_login().await;
    let mut thief = browser.clone();
    browser.post("/.truegate/logout", "").await;

    redis.kill();
    redis.restart();
    until(async || starting.clone().post("/.truegate/login", "").await.status() == 201).await;

    assert_eq!(starting.state_after(&request_id, "pending").await, "expired", "it must be started again");
    assert_eq!(known.get("/account/").await.status(), 200, "nobody is logged out");
    assert_eq!(thief.clone().get("/account/").await.status(), 401, "who heard of the logout remembers it");
    let fresh = site.gateway();
    thief.via(fresh.address());
    let answer = again(async || thief.get("/account/").await).await;
    assert_eq!(answer.status(), 200, "as the documentation warns");
    assert_eq!(known.post("/.truegate/logout", "").await.status(), 204);
    until(async || known.clone().via(fresh.address()).get("/account/").await.status() == 401).await;
}

fn connections(redis: &Redis) -> u64 {
    redis.statistic("stats", "total_connections_received")
}
