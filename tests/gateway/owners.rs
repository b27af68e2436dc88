//! Who can write to Redis gives nobody a login that another browser started.

use super::{
    sessions::Site,
    support::{
        edge::sessions::{Sessions, Store},
        redis::{Redis, until},
        visitor::{Visitor, json},
    },
};

const SESSION: &str = "__Host-truegate";

/// A visitor, and the login that they started.
struct Login {
    visitor: Visitor,
    request_id: String,
}

impl Login {
    async fn start(site: &Site) -> Self {
        let mut visitor = site.visitor();
        let request_id = visitor.start_login().await;
        Self { visitor, request_id }
    }

    /// One that Redis keeps as verified.
    async fn verified(site: &Site, redis: &Redis) -> Self {
        let login = Self::start(site).await;
        site.call(&login.request_id).await;
        until(async || redis.command(&["HGET", &login.key(), "state"]) == "verified").await;
        login
    }

    fn key(&self) -> String {
        format!("{{truegate}}:login:{}", self.request_id)
    }

    /// The name of its browser, as Redis keeps it.
    fn browser(&self, redis: &Redis) -> String {
        redis.command(&["HGET", &self.key(), "browser"])
    }

    /// The list of its browser's logins.
    fn list(&self, redis: &Redis) -> String {
        format!("{{truegate}}:browser:{}", self.browser(redis))
    }

    /// How a login stands for this visitor; the newest, if none is named.
    async fn sees(&mut self, request_id: Option<&str>) -> (String, Option<&str>) {
        let query = request_id.map_or_else(String::new, |request_id| format!("?request_id={request_id}"));
        let answer = self.visitor.get(&format!("/.truegate/status{query}")).await;
        (json(&answer)["state"].as_str().unwrap().to_owned(), self.visitor.cookie(SESSION))
    }
}

async fn site(redis: &Redis) -> Site {
    Site::open(&Sessions { store: Store::Redis(redis.url()), ..Sessions::usual() }, "", "").await
}

#[tokio::test]
async fn a_login_that_was_given_to_another_browser_is_nobodys() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let mut victim = Login::verified(&site, &redis).await;
    let mut thief = Login::start(&site).await;
    let (own, name) = (victim.browser(&redis), thief.browser(&redis));

    redis.command(&["HSET", &victim.key(), "browser", &name]);
    redis.command(&["RPUSH", &thief.list(&redis), &victim.request_id]);
    for request_id in [Some(&*victim.request_id), None] {
        assert_eq!(thief.sees(request_id).await, ("expired".to_owned(), None), "{}", request_id.is_some());
    }
    assert_eq!(victim.sees(None).await, ("expired".to_owned(), None));

    // It was this, and nothing else.
    redis.command(&["HSET", &victim.key(), "browser", &own]);
    let (state, cookie) = victim.sees(None).await;
    assert_eq!((&*state, cookie.is_some()), ("verified", true));
}

#[tokio::test]
async fn an_owner_that_was_copied_with_its_browser_owns_nothing_else() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let victim = Login::verified(&site, &redis).await;
    let mut thief = Login::start(&site).await;
    let name = thief.browser(&redis);

    swap(&redis, &victim, &thief, &["browser", "owner"]);
    assert_eq!(victim.browser(&redis), name);
    assert_eq!(thief.sees(Some(&victim.request_id)).await, ("expired".to_owned(), None));
}

#[tokio::test]
async fn records_of_logins_that_were_swapped_are_nobodys() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let mut victim = Login::verified(&site, &redis).await;
    let mut thief = Login::start(&site).await;

    for fields in [&["browser", "owner", "state", "sealed"] as &[_], &["owner", "state", "sealed"], &["owner"]] {
        swap(&redis, &victim, &thief, fields);
        for request_id in [victim.request_id.clone(), thief.request_id.clone()] {
            assert_eq!(thief.sees(Some(&request_id)).await, ("expired".to_owned(), None), "{fields:?}");
            assert_eq!(victim.sees(Some(&request_id)).await, ("expired".to_owned(), None), "{fields:?}");
        }
        swap(&redis, &victim, &thief, fields);
    }

    // It was the swap, and nothing else.
    assert_eq!(thief.sees(None).await, ("pending".to_owned(), None));
    assert_eq!(victim.sees(None).await.0, "verified");
}

/// Swaps fields of two records.
fn swap(redis: &Redis, one: &Login, other: &Login, fields: &[&str]) {
    let swap = "for _, field in ipairs(ARGV) do \
                local a, b = redis.call('HGET', KEYS[1], field), redis.call('HGET', KEYS[2], field) \
                redis.call('HSET', KEYS[1], field, b or '') redis.call('HSET', KEYS[2], field, a or '') end return 1";
    let keys = [one.key(), other.key()];
    let words = [&["EVAL", swap, "2", &keys[0], &keys[1]], fields].concat();
    assert_eq!(redis.command(&words), "1");
}
