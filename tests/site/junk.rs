//! Redis holds what no gateway wrote: it is refused, and nobody gets what is another's.

use truegate::simulator::Call;

use crate::{
    site::{SESSION, Site, again, login_key, phone, profile, until_verified, visitor},
    support::{
        edge::sessions::Store,
        program::Program,
        redis::{Redis, relay::Relay, until},
        visitor::{Visitor, json},
    },
};

/// Somebody whom Redis keeps as verified, and who has not asked yet.
async fn verified(site: &Site, redis: &Redis, gateway: &Program, person: usize) -> (Visitor, String) {
    let mut browser = visitor(gateway);
    let request_id = browser.start_login().await;
    site.call(gateway, Call::grant().profile(profile(person)), &request_id).await;
    until_verified(redis, &request_id).await;
    (browser, request_id)
}

#[tokio::test]
async fn outcomes_that_were_swapped_are_nobodys() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    let (mut one, first) = verified(&site, &redis, &gateway, 1).await;
    let (mut other, second) = verified(&site, &redis, &gateway, 2).await;
    let swap = "local a, b = redis.call('HGET', KEYS[1], 'sealed'), redis.call('HGET', KEYS[2], 'sealed') \
                redis.call('HSET', KEYS[1], 'sealed', b) redis.call('HSET', KEYS[2], 'sealed', a) return a ~= b";
    let swap = ["EVAL", swap, "2", &login_key(&first), &login_key(&second)];

    assert_eq!(redis.command(&swap), "1");
    for (browser, request_id) in [(&mut one, &first), (&mut other, &second)] {
        assert_eq!(browser.state_after(request_id, "pending").await, "expired");
        assert_eq!(browser.cookie(SESSION), None);
    }

    // It was the swap, and nothing else.
    redis.command(&swap);
    for (person, browser, request_id) in [(1, &mut one, &first), (2, &mut other, &second)] {
        assert_eq!(browser.state_after(request_id, "pending").await, "verified");
        assert_eq!(json(&again(async || browser.get("/.truegate/me").await).await)["phone"], phone(person));
    }
}

#[tokio::test]
async fn an_outcome_that_was_copied_to_a_login_of_ones_own_is_nobodys() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    let (_, request_id) = verified(&site, &redis, &gateway, 1).await;
    let mut thief = visitor(&gateway);
    let own = thief.start_login().await;
    let copy = "redis.call('HSET', KEYS[2], 'state', 'verified', 'sealed', redis.call('HGET', KEYS[1], 'sealed')) \
                return redis.call('HSTRLEN', KEYS[2], 'sealed') > 0";
    assert_eq!(redis.command(&["EVAL", copy, "2", &login_key(&request_id), &login_key(&own)]), "1");

    assert_eq!(thief.state_after(&own, "pending").await, "expired");
    assert_eq!(thief.cookie(SESSION), None);
}

#[tokio::test]
async fn a_login_whose_record_is_junk_has_expired_and_others_go_on() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    let (mut whole, whole_request_id) = verified(&site, &redis, &gateway, 1).await;
    for spoil in [
        &["SET", "junk"] as &[&str],
        &["HSET", "state", "junk"],
        &["HSET", "state", "verified", "sealed", "junk"],
        &["HSET", "browser", "junk"],
        &["HDEL", "sealed"],
    ] {
        let mut browser = visitor(&gateway);
        let request_id = browser.start_login().await;
        redis.command(&[&[spoil[0], &login_key(&request_id)], &spoil[1..]].concat());

        assert_eq!(browser.state_after(&request_id, "pending").await, "expired", "{spoil:?}");
        let call = Call::grant().profile(profile(2));
        assert_eq!(site.call(&gateway, call, &request_id).await.1, 204, "no callback learns anything: {spoil:?}");
        assert_eq!(browser.state_after(&request_id, "pending").await, "expired", "{spoil:?}");
        assert_eq!(browser.cookie(SESSION), None, "{spoil:?}");
        let again = browser.start_login().await;
        assert_eq!(browser.state_after(&again, "opened").await, "pending", "{spoil:?}");
    }
    assert_eq!(whole.state_after(&whole_request_id, "pending").await, "verified");
}

#[tokio::test]
async fn a_browser_whose_list_is_junk_can_log_in() {
    let redis = Redis::start();
    let site = Site::on(&redis).await;
    let gateway = site.gateway();
    for spoil in [&["SET", "junk"] as &[&str], &["RPUSH", "junk"], &["HSET", "junk", "junk"]] {
        redis.command(&["FLUSHALL"]);
        let mut browser = visitor(&gateway);
        browser.start_login().await;
        let list = redis.keys().into_iter().find(|key| key.contains(":browser:")).unwrap();
        redis.command(&["DEL", &list]);
        redis.command(&[&[spoil[0], &list], &spoil[1..]].concat());

        assert_eq!(json(&browser.get("/.truegate/status").await)["state"], "expired", "{spoil:?}");
        let request_id = browser.start_login().await;
        site.call(&gateway, Call::grant().profile(profile(4)), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified", "{spoil:?}");
    }
}

#[tokio::test]
async fn revocations_that_are_junk_are_a_store_that_is_away() {
    let redis = Redis::start();
    let mut site = Site::on(&redis).await;
    site.sessions.revocation_grace = std::time::Duration::from_millis(500);
    let gateway = site.gateway();
    let key = "{truegate}:revocations";
    let known = site.signed_in(&gateway, 1).await;
    // As one step: a logout that Redis refused is told again, and must not find the stream whole for a moment.
    let replace = "redis.call('DEL', KEYS[1]) redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2)) return 1";
    for spoil in [&["SET", "junk"] as &[&str], &["RPUSH", "junk"], &["XADD", "*", "junk", "junk"]] {
        let mut leaving = site.signed_in(&gateway, 2).await;
        assert_eq!(redis.command(&[&["EVAL", replace, "1", key], spoil].concat()), "1");
        let logout = leaving.post("/.truegate/logout", "").await;
        assert_eq!((logout.status(), &*logout.code()), (503, "store-unavailable"), "{spoil:?}");
        until(async || known.clone().get("/account/").await.status() == 503).await;
        assert_eq!(known.clone().get("/").await.status(), 200, "{spoil:?}");

        redis.command(&["DEL", key]);
        until(async || known.clone().get("/account/").await.status() == 200).await;
    }
    // One that no secret of the site sealed says nothing.
    redis.command(&["XADD", key, "*", "generation", "1.1", "until", "99999999999999", "sealed", "junk"]);
    let mut browser = known.clone();
    assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);
    assert_eq!(known.clone().get("/account/").await.status(), 401);
    let mut browser = site.signed_in(&gateway, 1).await;
    assert_eq!(again(async || browser.get("/account/").await).await.status(), 200);
}

#[tokio::test]
async fn nothing_of_a_user_is_said_to_redis_in_the_clear() {
    let redis = Redis::start();
    let relay = Relay::to(&redis);
    let site = Site::keeping(Store::Redis(relay.url())).await;
    let gateway = site.gateway();
    let mut browser = visitor(&gateway);
    let request_id = browser.start_login().await;
    site.call(&gateway, Call::flow_invoked(), &request_id).await;
    let (callback, _) = site.call(&gateway, Call::grant().profile(profile(6)), &request_id).await;
    assert_eq!(browser.state_after(&request_id, "opened").await, "verified");
    let cookies = [SESSION, "__Host-truegate-login"].map(|name| browser.cookie(name).unwrap().to_owned());
    assert_eq!(again(async || browser.get("/account/").await).await.status(), 200);
    assert_eq!(browser.post("/.truegate/logout?everywhere=true", "").await.status(), 204);

    let callback: serde_json::Value = serde_json::from_slice(&callback).unwrap();
    let token = callback["accessToken"].as_str().unwrap();
    let said: Vec<String> = relay.carried().iter().map(|side| String::from_utf8_lossy(side).into_owned()).collect();
    assert!(said.iter().any(|side| side.contains(&request_id)), "all that was said is known");
    assert!(said.iter().any(|side| side.contains("{truegate}:revocations")), "the logout as well");
    let secrets = [&phone(6)[3..], "user-6-", "Zaphodina", "Beeblebroxova6", token, &cookies[0], &cookies[1]];
    for (secret, side) in secrets.iter().flat_map(|secret| said.iter().map(move |side| (secret, side))) {
        assert!(!side.contains(secret), "{secret}");
    }
}
