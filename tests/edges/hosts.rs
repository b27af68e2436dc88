//! One truegate for several hosts of one proxy.

use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    proxy::Kind,
    scene::{ORIGIN, PHONE, SESSION, Scene, sign_in_on},
    support::visitor::Visitor,
};

const WIKI: &str = "https://wiki.shop.example";
const SHARED: &str = "__Secure-truegate";
const NAVIGATION: &str = "Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n";

/// The scene of a proxy that serves both hosts, with these keys for truegate's sessions.
async fn scene(kind: Kind, keys: &str) -> Scene {
    let configure = |text: String| {
        let both = format!("  public_url: [{ORIGIN}, {WIKI}]\n{keys}");
        let configured = text.replace(&format!("  public_url: {ORIGIN}\n"), &both);
        assert_ne!(configured, text, "truegate.yaml has its public URL on a line of its own");
        configured
    };
    let serve_both = |text: String| match kind {
        Kind::Nginx => text.replace("server_name shop.example;", "server_name shop.example wiki.shop.example;"),
        Kind::Caddy => text.replace("http://shop.example:", "http://:"),
        // These two look at no host.
        Kind::Traefik | Kind::Envoy => text,
    };
    Scene::configured(kind, configure, serve_both).await
}

async fn sign_in(scene: &Scene, origin: &str) -> Visitor {
    sign_in_on(origin, &scene.truecaller, scene.proxy.address(), DOCUMENTED_PROFILE).await
}

#[tokio::test]
async fn each_host_has_its_own_login() {
    for kind in Kind::ALL {
        let scene = scene(kind, "").await;
        let [mut on_shop, mut on_wiki] = [ORIGIN, WIKI].map(|origin| scene.visitor().on(origin));
        for browser in [&mut on_shop, &mut on_wiki] {
            let sent = browser.get_with("/account/a", NAVIGATION).await;
            assert_eq!((sent.status(), sent.one("location")), (302, Some("/.truegate/login?next=%2Faccount%2Fa")));
        }
        let mut known = sign_in(&scene, WIKI).await;
        assert_eq!(known.get("/account/").await.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-phone"), Some(PHONE));
        on_shop.set_cookie(SESSION, known.cookie(SESSION).unwrap());
        assert_eq!(on_shop.get("/account/").await.status(), 401);
        scene.unreached("a session is for its host alone").await;
    }
}

#[tokio::test]
async fn one_login_is_for_all_hosts_of_a_domain_and_so_is_a_logout() {
    for kind in Kind::ALL {
        let scene = scene(kind, "  cookie_domain: shop.example\n").await;
        let mut on_shop = sign_in(&scene, ORIGIN).await;
        let mut on_wiki = on_shop.on(WIKI);
        on_wiki.set_cookie("app", "1");
        assert_eq!(on_wiki.get("/account/").await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(request.one("x-truecaller-phone"), Some(PHONE));
        // Traefik has no way to take a cookie out of a request, and its page says so.
        if kind != Kind::Traefik {
            assert_eq!(request.one("cookie"), Some("app=1"));
        }

        assert_eq!(on_wiki.post("/.truegate/logout", "").await.status(), 204);
        assert_eq!(on_wiki.cookie(SHARED), None);
        assert_eq!(on_shop.get("/account/").await.status(), 401);
        scene.unreached("the session is over on every host").await;
    }
}
