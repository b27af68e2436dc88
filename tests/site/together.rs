//! Gateways on one Redis are one.

use std::time::Duration;

use truegate::{
    clock::{Clock as _, SystemClock},
    simulator::Call,
};

use crate::{
    site::{Site, again, asked, phone, profile, visitor},
    support::{
        edge::sessions::Store,
        program::Program,
        redis::{Redis, cluster::Cluster, sentinel::Watched, until},
        visitor::{Visitor, json},
    },
};

/// The second that a logout may take to be known, and what a busy machine may add.
pub(crate) const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn who_waits_at_one_gateway_hears_of_a_callback_to_the_other() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = visitor(&a);
    let request_id = browser.start_login().await;
    assert_eq!(browser.clone().via(b.address()).state_after(&request_id, "opened").await, "pending");

    let before = asked(&redis);
    let posting = async {
        until(async || asked(&redis) > before).await;
        site.call(&b, Call::grant().profile(profile(7)), &request_id).await.1
    };
    let (state, posted) = tokio::join!(browser.state_after(&request_id, "pending"), posting);
    assert_eq!((&*state, posted), ("verified", 204));

    for gateway in [&a, &b] {
        browser.via(gateway.address());
        let me = again(async || browser.get("/.truegate/me").await).await;
        assert_eq!((me.status(), json(&me)["phone"].as_str()), (200, Some(&*phone(7))));
        assert_eq!(browser.get("/account/").await.status(), 200);
        assert_eq!(site.reached_once().one("x-truecaller-phone"), Some(&*phone(7)));
    }
}

#[tokio::test]
async fn a_callback_and_the_question_may_come_to_any_gateway() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateways = [site.gateway(), site.gateway()];
    for (person, [start, callback, status]) in [[0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]].into_iter().enumerate() {
        let mut browser = visitor(&gateways[start]);
        let request_id = browser.start_login().await;
        site.call(&gateways[callback], Call::flow_invoked(), &request_id).await;
        assert_eq!(browser.via(gateways[status].address()).state_after(&request_id, "pending").await, "opened");
        site.call(&gateways[callback], Call::grant().profile(profile(person)), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "opened").await, "verified");
        assert_eq!(json(&again(async || browser.get("/.truegate/me").await).await)["phone"], phone(person));
    }
}

/// How long a cookie that was logged out is still good elsewhere.
pub(crate) async fn until_unknown(gateway: &Program, browser: &mut Visitor) -> Duration {
    let logged_out = SystemClock.now();
    browser.via(gateway.address());
    let is_unknown = async || browser.clone().get_in_flight("/account/").await.is_some_and(|page| page.status() == 401);
    until(is_unknown).await;
    SystemClock.now() - logged_out
}

#[tokio::test]
async fn a_logout_is_known_on_every_gateway_within_a_second() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut other = site.signed_in(&a, 9).await;
    for (person, [here, there]) in [[&a, &b], [&b, &a], [&a, &b]].into_iter().enumerate() {
        let mut browser = site.signed_in(here, person).await;
        let mut thief = browser.clone();
        // The other gateway has just heard from Redis, and knows the session.
        thief.via(there.address());
        assert_eq!(again(async || thief.get("/account/").await).await.status(), 200);

        assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);

        let waited = until_unknown(there, &mut thief).await;
        assert!(waited < SOON, "{waited:?}");
        assert_eq!(thief.get("/.truegate/me").await.status(), 401);
        assert_eq!(other.via(there.address()).get("/account/").await.status(), 200, "nobody else is logged out");
    }
}

#[tokio::test]
async fn a_logout_everywhere_ends_all_sessions_of_the_user_and_no_other() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let [mut here, mut there, mut other] =
        [site.signed_in(&a, 1).await, site.signed_in(&b, 1).await, site.signed_in(&b, 2).await];
    assert_eq!(there.get("/account/").await.status(), 200);

    assert_eq!(here.post("/.truegate/logout?everywhere=true", "").await.status(), 204);

    let waited = until_unknown(&b, &mut there).await;
    assert!(waited < SOON, "{waited:?}");
    assert_eq!(other.get("/account/").await.status(), 200);
    // Who logs in again is known again.
    for gateway in [&a, &b] {
        assert_eq!(site.signed_in(gateway, 1).await.get("/account/").await.status(), 200);
    }
}

#[tokio::test]
async fn a_browser_has_five_logins_on_all_gateways_together() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateways = [site.gateway(), site.gateway()];
    let mut browser = visitor(&gateways[0]);
    let mut request_ids = Vec::new();
    for number in 0..7 {
        request_ids.push(browser.via(gateways[number % 2].address()).start_login().await);
    }
    for gateway in &gateways {
        for (number, request_id) in request_ids.iter().enumerate() {
            let state = browser.via(gateway.address()).state_after(request_id, "opened").await;
            assert_eq!(state, if number < 2 { "expired" } else { "pending" }, "{number}");
        }
    }
}

/// The store of a configuration whose Redis is watched by Sentinels.
fn behind_sentinels(watched: &Watched) -> Store {
    Store::Redis(format!("{{ sentinel: {{ servers: [{}], master: mymaster }} }}", watched.urls().join(", ")))
}

/// Each login is started at one gateway, called back at another and waited for at a third. All hear of its logout.
async fn ten_gateways_are_one(store: Store) {
    let site = Site::keeping(store).await;
    let gateways: Vec<_> = (0..10).map(|_| site.gateway()).collect();
    let at = |number: usize| &gateways[number % 10];
    let mut thieves = Vec::new();
    for person in 0..10 {
        let mut browser = visitor(at(person));
        let request_id = browser.start_login().await;
        site.call(at(person + 1), Call::grant().profile(profile(person)), &request_id).await;
        assert_eq!(browser.via(at(person + 2).address()).state_after(&request_id, "pending").await, "verified");
        thieves.push(browser.clone());
        assert_eq!(browser.via(at(person + 3).address()).post("/.truegate/logout", "").await.status(), 204);
    }
    for (person, thief) in thieves.iter_mut().enumerate() {
        for gateway in [4, 5, 6].map(|step| at(person + step)) {
            until_unknown(gateway, thief).await;
        }
    }
}

#[tokio::test]
async fn ten_gateways_on_one_server_are_one() {
    let redis = Redis::start();
    ten_gateways_are_one(Store::Redis(redis.url())).await;
}

#[tokio::test]
async fn ten_gateways_behind_sentinels_are_one() {
    let watched = Watched::start();
    ten_gateways_are_one(behind_sentinels(&watched)).await;
}

#[tokio::test]
async fn ten_gateways_on_a_cluster_are_one() {
    let cluster = Cluster::start();
    ten_gateways_are_one(Store::Redis(format!("{{ cluster: [{}] }}", cluster.urls().join(", ")))).await;
}

/// The browser waits at one gateway, Truecaller posts to another, and meanwhile the master dies.
#[tokio::test]
async fn a_login_and_a_logout_outlive_the_master() {
    let mut watched = Watched::start_with_replicas();
    let site = Site::keeping(behind_sentinels(&watched)).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let (mut gone, mut browser) = (site.signed_in(&a, 1).await, visitor(&a));
    let mut thief = gone.clone();
    assert_eq!(gone.post("/.truegate/logout", "").await.status(), 204);
    let request_id = browser.start_login().await;
    watched.replicate();

    watched.servers[0].kill();
    // Truecaller posts again what was answered 503.
    until(async || site.call(&b, Call::grant().profile(profile(2)), &request_id).await.1 == 204).await;
    let question = format!("/.truegate/status?request_id={request_id}&since=pending&wait=5");
    until(async || {
        let answer = browser.get(&question).await;
        answer.status() == 200 && json(&answer)["state"] == "verified"
    })
    .await;
    assert_eq!(again(async || browser.via(b.address()).get("/.truegate/me").await).await.status(), 200);
    // A gateway that starts now knows the logout from the new master.
    let c = site.gateway();
    until_unknown(&c, &mut thief).await;
}
