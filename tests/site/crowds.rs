//! Many log in at once: nobody gets another's session, and what is kept stays within its bounds.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;
use truegate::simulator::{Call, Fault};

use crate::{
    site::{CALLBACK, Site, again, phone, profile, visitor},
    support::{
        client::Client,
        edge::{Sessions, sessions::Store},
        program::Program,
        raw::{exchange, post},
        redis::Redis,
        visitor::json,
    },
};

const PEOPLE: usize = 200;
/// All of them come from one address, and some more than once.
const UNLIMITED: &str = "limits: { logins_per_minute: off }\n";

/// One login at any of the gateways, with some time between its steps. Whom a busy gateway sends away comes again.
async fn log_in(site: &Site, gateways: &[Program], person: usize) {
    let any = || &gateways[random(gateways.len())];
    sleep(pause()).await;
    let mut browser = visitor(any());
    let started = again(async || browser.via(any().address()).post("/.truegate/login", "").await).await;
    let request_id = json(&started)["request_id"].as_str().unwrap().to_owned();
    let (token, endpoint) = (site.truecaller.grant(profile(person)), site.truecaller.endpoint());
    let callback = json!({ "requestId": request_id, "accessToken": token, "endpoint": endpoint }).to_string();
    let calling = async {
        sleep(pause()).await;
        again(async || exchange(any().address(), post(CALLBACK, callback.as_bytes())).await.unwrap()).await
    };
    let status = format!("/.truegate/status?request_id={request_id}&since=pending&wait=25");
    let waiting = async {
        loop {
            let state = json(&again(async || browser.via(any().address()).get(&status).await).await)["state"].clone();
            if state != "pending" {
                return state;
            }
        }
    };
    let (state, called) = tokio::join!(waiting, calling);
    assert_eq!((state.as_str(), called.status()), (Some("verified"), 204), "{person}");
    let me = again(async || browser.via(any().address()).get("/.truegate/me").await).await;
    assert_eq!(json(&me)["phone"], phone(person));
    let page = again(async || browser.get(&format!("/account/{person}")).await).await;
    assert_eq!(page.status(), 200);
}

async fn all_log_in(site: &Site, gateways: &[Program]) {
    site.truecaller.plan((0..PEOPLE).map(|_| Fault::Slow(pause())));
    join_all((0..PEOPLE).map(|person| log_in(site, gateways, person))).await;
    let mut reached: Vec<_> = site
        .app
        .take()
        .into_iter()
        .map(|request| {
            let person = request.start.split(['/', ' ']).nth(3).unwrap().parse::<usize>().unwrap();
            assert_eq!(request.one("x-truecaller-phone"), Some(&*phone(person)), "{request:?}");
            assert_eq!(request.one("x-truecaller-family-name"), Some(&*format!("Beeblebroxova{person}")));
            person
        })
        .collect();
    reached.sort_unstable();
    assert_eq!(reached, (0..PEOPLE).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_hundred_who_log_in_at_once_are_each_themselves() {
    let mut site = Site::keeping(Store::Memory).await;
    site.more = UNLIMITED.to_owned();
    all_log_in(&site, &[site.gateway()]).await;
}

#[tokio::test]
async fn two_hundred_who_log_in_at_any_of_two_gateways_are_each_themselves() {
    let redis = Redis::start();
    let mut site = Site::on(&redis).await;
    site.more = UNLIMITED.to_owned();
    all_log_in(&site, &[site.gateway(), site.gateway()]).await;
}

#[tokio::test]
async fn ten_thousand_logins_are_kept_and_no_more() {
    let mut site = Site::keeping(Store::Memory).await;
    site.sessions.max_pending = 10_000;
    site.sessions.login_timeout = Duration::from_mins(10);
    site.more = UNLIMITED.to_owned();
    let gateway = site.gateway();
    let mut browser = visitor(&gateway);
    let mut request_id = String::new();
    for _ in 0..7 {
        request_id = browser.start_login().await;
    }
    let before = gateway.memory();

    let opened: Vec<usize> = join_all((0..8).map(|_| open_until_full(&gateway))).await;

    // The seven of one browser have taken five places.
    assert_eq!(opened.iter().sum::<usize>(), 10_000 - 5);
    let grown = gateway.memory().saturating_sub(before);
    assert!(grown < 50 * 1024 * 1024, "{grown} bytes");
    let refused = visitor(&gateway).post("/.truegate/login", "").await;
    assert_eq!((refused.status(), &*refused.code()), (503, "too-many-logins"));
    assert!(refused.one("retry-after").is_some());
    site.call(&gateway, Call::grant().profile(profile(1)), &request_id).await;
    assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
    assert_eq!(browser.start_login().await.len(), request_id.len(), "a sixth login replaces the oldest of a browser");
}

/// Starts logins of one browser after another on one connection, until there is no room; tells how many.
async fn open_until_full(gateway: &Program) -> usize {
    let mut client = Client::connect(gateway.address()).await;
    let origin = Sessions::ORIGIN;
    let request = format!(
        "POST /.truegate/login HTTP/1.1\r\nHost: shop.example\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
    );
    for opened in 0.. {
        client.send(&request).await;
        match client.read().await.unwrap() {
            answer if answer.status() == 201 => {}
            answer => {
                assert_eq!((answer.status(), &*answer.code()), (503, "too-many-logins"));
                return opened;
            }
        }
    }
    unreachable!("a store that never is full")
}

fn pause() -> Duration {
    Duration::from_millis(random(300) as u64)
}

fn random(below: usize) -> usize {
    RandomState::new().build_hasher().finish() as usize % below
}
