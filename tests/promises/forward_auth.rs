//! What a proxy in front asks, as ingress-nginx asks it.

use crate::support::{
    edge::{
        Kind, Settings,
        sessions::{Need, Sessions},
    },
    raw::Message,
    scene::Scene,
};

const SESSION: &str = "__Host-truegate";

fn ruled(settings: &mut Settings) {
    let rules = vec![("/public/", Need::Public), ("/account/", Need::Required)];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
    settings.trusted = true;
}

/// Sends what the controller sends when a client asks for a target; `lines` are the client's own, which go along.
async fn ask(scene: &Scene, method: &str, target: &str, lines: &str) -> Message {
    scene
        .send(format!(
            "GET /.truegate/auth HTTP/1.1\r\nX-Request-ID: 0123456789abcdef0123456789abcdef\r\n\
             Host: truegate.default.svc.cluster.local\r\nX-Original-URL: https://shop.example{target}\r\n\
             X-Original-Method: {method}\r\nX-Sent-From: nginx-ingress-controller\r\nX-Real-IP: 192.0.2.7\r\n\
             X-Forwarded-For: 192.0.2.7\r\nX-Auth-Request-Redirect: {target}\r\nConnection: close\r\n\
             User-Agent: a browser\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n{lines}\r\n"
        ))
        .await
}

#[tokio::test]
async fn ingress_nginx_is_told_who_may_come_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let session = scene.signed_in().await.cookie(SESSION).unwrap().to_owned();
        let cookie = format!("Cookie: {SESSION}={session}\r\n");
        for (method, target, lines, status, phone) in [
            ("GET", "/public/", "", 200, Some("")),
            ("GET", "/public/caf\u{e9}?q=\u{1f600}", "", 200, Some("")),
            ("GET", "/account/?a=b", "", 401, None),
            ("POST", "/account/caf\u{e9}", "", 401, None),
            ("POST", "/account/?a=b", &*cookie, 200, Some("+919999999999")),
            ("GET", "/account/caf\u{e9}", &cookie, 200, Some("+919999999999")),
            ("GET", "/public/../account/", "", 401, None),
            ("GET", "/public/..%2faccount/", "", 400, None),
            // What a client says of the request itself contradicts the controller.
            ("GET", "/account/", "X-Forwarded-Uri: /public/\r\n", 400, None),
            ("GET", "/account/", "X-Original-URI: /public/\r\n", 400, None),
            ("GET", "/account/", "X-Original-URL: https://shop.example/public/\r\n", 400, None),
            ("GET", "/public/", "X-Forwarded-Method: POST\r\n", 400, None),
        ] {
            let answer = ask(&scene, method, target, lines).await;
            assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (status, phone), "{target} {lines}");
        }
        assert_eq!(scene.app.take(), [], "all of it is truegate's own");
    }
}

#[tokio::test]
async fn nobody_else_says_what_is_asked_about() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            ruled(settings);
            settings.trusted = false;
        });
        let scene = scene.await;
        assert_eq!(ask(&scene, "GET", "/public/", "").await.status(), 401);
    }
}
