//! One client cannot use up what all share, and nobody else feels that it tries.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
};

use futures_util::future::join_all;
use truegate::gate::Limits;

use crate::{
    claims::assert_problem,
    support::{
        edge::{Kind, PATH, Sessions, Settings},
        raw::{Message, exchange_from, post},
        scene::Scene,
    },
};

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ANOTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn strict(settings: &mut Settings) {
    settings.limits = Limits { logins_per_minute: NonZero::new(1), callbacks_per_second: NonZero::new(1) };
}

fn strict_with_sessions(settings: &mut Settings) {
    settings.sessions = Some(Sessions::usual());
    strict(settings);
}

async fn start_login(scene: &Scene, from: IpAddr, origin: &str) -> Message {
    let request = format!(
        "POST /.truegate/login HTTP/1.1\r\nHost: shop.example\r\nOrigin: {origin}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    exchange_from(from, scene.edge.address(), request).await.unwrap()
}

fn seconds(refused: &Message) -> u64 {
    refused.one("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_client_that_starts_too_many_logins_is_refused_and_nobody_else_is() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, strict_with_sessions).await;
        assert_eq!(start_login(&scene, ONE, "https://evil.example").await.status(), 403);
        assert_eq!(start_login(&scene, ONE, Sessions::ORIGIN).await.status(), 201, "what others cause is not counted");

        let refused = start_login(&scene, ONE, Sessions::ORIGIN).await;

        assert_problem(&refused, 429, "too-many-requests");
        assert!((1..=60).contains(&seconds(&refused)), "{refused:#?}");
        assert_eq!(start_login(&scene, ANOTHER, Sessions::ORIGIN).await.status(), 201);
        let mut browser = scene.visitor();
        assert_eq!(browser.get("/.truegate/me").await.status(), 401, "only logins are limited");
    }
}

#[tokio::test]
async fn bogus_callbacks_of_one_address_do_not_hinder_those_of_another() {
    for (kind, settings) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let scene = Scene::with(kind, if settings { strict_with_sessions } else { strict }).await;
        let flood = join_all((0..50).map(|number| {
            let bogus = format!(r#"{{"requestId":"a-bogus-request_id-{number}","status":"user_rejected"}}"#);
            exchange_from(ONE, scene.edge.address(), post(PATH, bogus.as_bytes()))
        }));
        let answers = flood.await;

        let refused: Vec<_> = answers.iter().flatten().filter(|answer| answer.status() == 429).collect();
        assert!(!refused.is_empty(), "{kind:?}");
        refused.iter().for_each(|refused| assert_problem(refused, 429, "too-many-requests"));
        assert!(refused.iter().all(|refused| seconds(refused) == 1));
        let served = exchange_from(
            ANOTHER,
            scene.edge.address(),
            post(PATH, br#"{"requestId":"a-genuine-request_id","status":"user_rejected"}"#),
        )
        .await
        .unwrap();
        assert!(served.status() < 300, "{kind:?}: {served:#?}");
    }
}
