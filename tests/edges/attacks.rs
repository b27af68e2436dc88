//! What else is tried: WebSockets, and a truegate that is gone.

use crate::{
    proxy::Kind,
    scene::{PHONE, Scene},
    support::raw::within,
};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_web_socket_needs_a_session_and_a_page_of_ours() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let known = scene.signed_in().await;
        let foreign = format!("{UPGRADE}Origin: https://evil.shop.example\r\n");
        let ours = format!("{UPGRADE}Origin: https://shop.example\r\n");
        assert_eq!(scene.visitor().get_with("/account/socket", &ours).await.status(), 401);
        assert_eq!(known.clone().get_with("/account/socket", &foreign).await.status(), 403);
        assert_eq!(known.clone().get_with("/socket", &foreign).await.status(), 403);
        scene.unreached("no byte of it").await;

        assert_eq!(known.clone().get_with("/account/socket", &ours).await.status(), 200, "the app does not upgrade");
        let request = scene.reached_once().await;
        assert_eq!((request.one("upgrade"), request.one("x-truecaller-phone")), (Some("websocket"), Some(PHONE)));
    }
}

#[tokio::test]
async fn nobody_comes_in_while_truegate_is_gone() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut known = scene.signed_in().await;
        scene.reached().await;
        scene.app.take_bytes();
        let Scene { app, truegate, proxy: _proxy, .. } = scene;
        truegate.signal("KILL");
        within(async { tokio::task::spawn_blocking(move || truegate.wait()).await }).await.expect("it ends");
        for path in ["/account/", "/cart"] {
            let answer = known.get(path).await;
            assert!((500..600).contains(&answer.status()), "{kind:?} {path}: {answer:#?}");
        }
        assert!(app.take_bytes().is_empty(), "{kind:?}");
    }
}
