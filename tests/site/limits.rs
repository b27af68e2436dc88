//! Whoever floods a site with logins leaves room for everyone else, and the store does not hear of most of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use futures_util::future::join_all;
use truegate::clock::{Clock as _, SystemClock};

use crate::{
    site::{Site, asked, visitor},
    support::{
        client::Client,
        edge::{Sessions, sessions::Store},
        raw::{Message, exchange, exchange_from},
        redis::Redis,
    },
};

const ANOTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn start(lines: &str) -> String {
    format!(
        "POST /.truegate/login HTTP/1.1\r\nHost: shop.example\r\nOrigin: {}\r\n{lines}Content-Length: 0\r\n\r\n",
        Sessions::ORIGIN
    )
}

async fn limited(store: Store, more: &str) -> Site {
    let mut site = Site::keeping(store).await;
    site.more = format!("limits: {{ logins_per_minute: 10 }}\n{more}");
    site
}

/// Starts logins on one connection; tells how many were started.
async fn flood(address: SocketAddr, logins: usize) -> usize {
    let mut client = Client::connect(address).await;
    let mut started = 0;
    for _ in 0..logins {
        client.send(start("")).await;
        match client.read().await.unwrap().status() {
            201 => started += 1,
            status => assert_eq!(status, 429),
        }
    }
    started
}

#[tokio::test]
async fn a_flood_of_logins_reaches_the_store_within_the_limit_alone() {
    let redis = Redis::start();
    let site = limited(Store::Redis(redis.url()), "").await;
    let gateway = site.gateway();
    let elsewhere = async || exchange_from(ANOTHER, gateway.address(), start("")).await.unwrap().status();
    assert_eq!(elsewhere().await, 201);
    let (began, before) = (SystemClock.now(), asked(&redis));

    let started: Vec<usize> = join_all((0..8).map(|_| flood(gateway.address(), 100))).await;

    let started: usize = started.into_iter().sum();
    let most = 11 + (SystemClock.now() - began).as_secs() as usize / 6;
    assert!((10..=most).contains(&started), "{started} of {most}");
    assert_eq!(redis.command(&["ZCARD", "{truegate}:logins"]), (started + 1).to_string());
    assert_eq!(asked(&redis) - before, started as u64, "the store is not asked about a login that is refused");
    assert_eq!(elsewhere().await, 201, "another client logs in meanwhile");
}

#[tokio::test]
async fn whoever_only_looks_at_the_page_takes_no_room_in_the_store() {
    let redis = Redis::start();
    let site = limited(Store::Redis(redis.url()), "").await;
    let gateway = site.gateway();
    assert_eq!(exchange(gateway.address(), start("")).await.unwrap().status(), 201);
    let before = asked(&redis);
    let views = join_all((0..8).map(|_| look(gateway.address(), 50))).await;
    assert_eq!(views.into_iter().sum::<usize>(), 400, "each of them got the page");
    assert_eq!((asked(&redis), &*redis.command(&["ZCARD", "{truegate}:logins"])), (before, "1"));
}

/// Asks for the login page on one connection; tells how often it came.
async fn look(address: SocketAddr, times: usize) -> usize {
    let mut client = Client::connect(address).await;
    let mut came = 0;
    for _ in 0..times {
        client
            .send("GET /.truegate/login?next=/cart HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: https\r\n\r\n")
            .await;
        came += usize::from(client.read().await.is_some_and(|page| page.status() == 200));
    }
    came
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_of_the_client_counts() {
    let site = limited(Store::Memory, "trusted_proxies: [127.0.0.1]\n").await;
    let gateway = site.gateway();
    let from = async |client: &str| {
        let answer = exchange(gateway.address(), start(&format!("X-Forwarded-For: {client}\r\n"))).await;
        answer.unwrap().status()
    };
    let statuses: Vec<u16> = join_all((0..20).map(|_| from("192.0.2.1"))).await;
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(from("198.51.100.1, 127.0.0.1").await, 201);
    assert_eq!(from("2001:db8::1").await, 201);
}

#[tokio::test]
async fn who_is_not_trusted_cannot_come_from_elsewhere() {
    let site = limited(Store::Memory, "").await;
    let gateway = site.gateway();
    let claims =
        (0..20).map(|client| start(&format!("X-Forwarded-For: 192.0.2.{client}\r\nX-Real-IP: 192.0.2.{client}\r\n")));
    let answers = join_all(claims.map(|claim| exchange(gateway.address(), claim))).await;
    assert!(answers.iter().flatten().any(|answer: &Message| answer.status() == 429));
    assert_eq!(visitor(&gateway).get("/.truegate/me").await.status(), 401, "everything else is served");
}
