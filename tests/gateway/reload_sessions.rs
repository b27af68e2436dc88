//! Logins and sessions outlive a configuration.

use std::time::Duration;

use truegate::simulator::{Fault, Simulator};

use super::{
    sessions::Site,
    setup::{self, Talk},
    support::{
        edge::sessions::{Need, Sessions, Store},
        program::Program,
        raw::within,
        recorder::Recorder,
        redis::Redis,
    },
};

/// Sessions that every path but one needs.
fn closed() -> Sessions {
    Sessions { rules: vec![("/open/", Need::Public), ("/", Need::Required)], ..Sessions::usual() }
}

/// The configuration of a site with other sessions.
fn config(site: &Site, sessions: &Sessions) -> String {
    setup::config(site.app.address()) + &setup::truecaller(&site.truecaller) + &sessions.yaml()
}

#[tokio::test]
async fn a_login_that_waits_ends_under_the_next_configuration() {
    let site = Site::open(&closed(), "", "").await;
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    let mut waiting = visitor.clone();
    let wait = async { waiting.state_after(&request_id, "pending").await };
    let reload = async {
        site.program.reloaded(&config(&site, &Sessions { lifetime: Duration::from_secs(86_400), ..closed() })).await;
        site.call(&request_id).await;
    };

    let (state, ()) = tokio::join!(wait, reload);

    assert_eq!(state, "verified");
    assert_eq!(waiting.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_verification_under_way_ends_for_the_waiting_browser() {
    let site = Site::open(&closed(), "", "").await;
    site.truecaller.set_fault(Fault::Held);
    let mut visitor = site.visitor();
    let request_id = visitor.start_login().await;
    site.call(&request_id).await;
    within(site.truecaller.wait_for_fetches(1)).await;

    site.program.reloaded(&config(&site, &closed())).await;
    site.truecaller.release();

    assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
    assert_eq!(visitor.get("/").await.status(), 200);
}

#[tokio::test]
async fn sessions_and_logouts_outlive_a_configuration() {
    for redis in [None, Some(Redis::start())] {
        let store = redis.as_ref().map_or(Store::Memory, |redis| Store::Redis(redis.url()));
        let sessions = Sessions { store, ..closed() };
        let site = Site::open(&sessions, "", "").await;
        let (mut stays, mut leaves) = (site.signed_in().await, site.signed_in().await);
        let mut stolen = leaves.clone();
        assert_eq!(leaves.post("/.truegate/logout", "").await.status(), 204);

        site.program.reloaded(&config(&site, &sessions)).await;
        assert_eq!(stays.get("/").await.status(), 200);
        assert_ne!(stolen.get("/").await.status(), 200, "it was logged out before");

        // Without sessions for a while, and then with them again.
        site.program.reloaded(&setup::config(site.app.address())).await;
        assert_eq!(site.visitor().get("/").await.status(), 200);
        site.program.reloaded(&config(&site, &sessions)).await;
        assert_eq!(stays.get("/").await.status(), 200);
        assert_ne!(stolen.get("/").await.status(), 200, "it still is");
    }
}

/// Only the latest configuration knows the new secret, by which the logout is sealed.
#[tokio::test]
async fn a_logout_ends_a_stream_that_began_under_an_earlier_secret() {
    const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent";
    let before = closed();
    let new = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=".to_owned();
    let after = Sessions { secrets: [vec![new], before.secrets.clone()].concat(), ..closed() };
    for redis in [None, Some(Redis::start())] {
        let on = |sessions: &Sessions| {
            let store = redis.as_ref().map_or(Store::Memory, |redis| Store::Redis(redis.url()));
            Sessions { store, ..sessions.clone() }
        };
        let (app, truecaller) = (Recorder::answering(EVENTS).await, Simulator::start().await.unwrap());
        let text = setup::config(app.address()) + &setup::truecaller(&truecaller) + &on(&before).yaml();
        let site = Site { app, truecaller, program: Program::serve(&text) };
        let mut visitor = site.signed_in().await;
        let mut stream = Talk::connect(site.program.address()).await;
        let cookie = format!("Cookie: __Host-truegate={}\r\n", visitor.cookie("__Host-truegate").unwrap());
        stream.say(format!("GET /events HTTP/1.1\r\nHost: shop.example\r\n{cookie}\r\n")).await;
        stream.hear("event\r\n").await;

        site.program.reloaded(&config(&site, &on(&after))).await;
        assert_eq!(visitor.post("/.truegate/logout", "").await.status(), 204);

        assert_eq!(stream.rest().await, b"");
    }
}

#[tokio::test]
async fn a_store_on_the_same_server_keeps_its_connections() {
    let redis = Redis::start();
    let sessions = Sessions { store: Store::Redis(redis.url()), ..closed() };
    let site = Site::open(&sessions, "", "").await;
    let mut visitor = site.signed_in().await;
    let connections = || redis.statistic("stats", "total_connections_received");
    let before = connections();
    for hours in [2, 3] {
        let sessions = Sessions { lifetime: Duration::from_secs(hours * 3600), max_pending: 7, ..sessions.clone() };
        site.program.reloaded(&config(&site, &sessions)).await;
        assert_eq!(visitor.get("/").await.status(), 200);
    }
    assert_eq!(connections(), before + 1, "the one that asks");
}

#[tokio::test]
async fn the_counts_of_clients_outlive_a_configuration() {
    let site = Site::open(&closed(), "", "limits: { logins_per_minute: 2 }\n").await;
    for _ in 0..2 {
        site.visitor().start_login().await;
    }
    let limited = config(&site, &closed()) + "limits: { logins_per_minute: 2 }\n";
    site.program.reloaded(&limited).await;
    assert_eq!(site.visitor().post("/.truegate/login", "").await.status(), 429);
    site.program.reloaded(&limited.replace("logins_per_minute: 2", "logins_per_minute: 3")).await;
    assert_eq!(site.visitor().post("/.truegate/login", "").await.status(), 201);
}

/// Other gateways are on the next store already, and a session was ended there.
#[tokio::test]
async fn a_logout_in_the_next_store_holds_from_the_first_request_on() {
    let (first, next) = (Redis::start(), Redis::start());
    let on = |redis: &Redis| Sessions { store: Store::Redis(redis.url()), ..closed() };
    let site = Site::open(&on(&first), "", "").await;
    let elsewhere = Site::open(&on(&next), "", "").await;
    let (mut stays, mut leaves) = (site.signed_in().await, site.signed_in().await);
    let mut stolen = leaves.clone();
    assert_eq!(stolen.get("/").await.status(), 200);
    assert_eq!(leaves.via(elsewhere.program.address()).post("/.truegate/logout", "").await.status(), 204);

    site.program.reloaded(&config(&site, &on(&next))).await;

    assert_ne!(stolen.get("/").await.status(), 200);
    assert_eq!(stays.get("/").await.status(), 200);
}

#[tokio::test]
async fn nobody_is_known_under_a_store_that_was_never_heard_of() {
    let (first, next) = (Redis::start(), Redis::start());
    let on = |redis: &Redis| Sessions { store: Store::Redis(redis.url()), ..closed() };
    let site = Site::open(&on(&first), "", "").await;
    let mut visitor = site.signed_in().await;
    assert_eq!(visitor.get("/").await.status(), 200);
    let away = config(&site, &on(&next));
    drop(next);

    site.program.reloaded(&away).await;

    assert_eq!(visitor.get("/").await.status(), 503);
}
