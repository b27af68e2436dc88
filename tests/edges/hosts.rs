//! One truegate for several hosts of one proxy.

use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    proxy::Kind,
    scene::{ORIGIN, PHONE, SESSION, Scene, sign_in_on},
    support::{raw::exchange, visitor::Visitor},
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
    Scene::configured(kind, configure, |text| serving(kind, &text, "wiki.shop.example")).await
}

/// A proxy's file that serves the shop under one more host.
fn serving(kind: Kind, text: &str, host: &str) -> String {
    match kind {
        Kind::Nginx => text.replace("server_name shop.example;", &format!("server_name shop.example {host};")),
        Kind::Caddy => {
            let site = text.lines().find_map(|line| line.strip_suffix(" {").filter(|site| site.starts_with("http://")));
            let site = site.expect("the Caddyfile has one site");
            text.replace(site, &format!("{site}, {}", site.replace("shop.example", host)))
        }
        Kind::Traefik => text.replace("Host(`shop.example`)", &format!("(Host(`shop.example`) || Host(`{host}`))")),
        Kind::Envoy => text.replace("domains: [", &format!("domains: [{host}, \"{host}:*\", ")),
    }
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

/// Rules for two hosts of the site: one whose pages are public, and one that needs a login.
async fn ruled(kind: Kind, edit: impl Fn(String) -> String) -> Scene {
    let configure = |text: String| {
        let rules = "routes:\n  - { host: open.example, path: /, access: public }\n";
        let configured = text.replace("routes:\n", rules);
        assert_ne!(configured, text, "truegate.yaml has routes");
        configured
    };
    Scene::configured(kind, configure, edit).await
}

#[tokio::test]
async fn a_proxy_asks_about_the_host_that_it_serves() {
    for kind in Kind::ALL {
        let scene = ruled(kind, |text| serving(kind, &text, "open.example")).await;
        let ask = async |target: &str, host: &str| {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            exchange(scene.proxy.address(), request).await.expect("the proxy answers")
        };
        assert_eq!(ask("/account/", "open.example").await.status(), 200);
        scene.reached_once().await;
        // The host of an absolute target counts (RFC 9112 §3.2.2).
        let answer = ask("http://shop.example/account/", "open.example").await;
        assert_ne!(answer.status(), 200, "{answer:#?}");
        scene.unreached("the host of the target needs a login").await;
        ask("http://open.example/account/", "shop.example").await;
        for request in scene.reached().await {
            assert_eq!(request.one("host"), Some("open.example"));
        }
    }
}

#[tokio::test]
async fn an_app_is_served_under_its_own_hosts_alone() {
    for kind in Kind::ALL {
        let scene = ruled(kind, |text| text).await;
        for host in ["open.example", "open.example:8443", "open.example.", "other.example"] {
            for (version, path) in [("1.1", "/account/"), ("1.1", "/"), ("1.0", "/account/")] {
                let request = format!("GET {path} HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                let answer = exchange(scene.proxy.address(), request).await.expect("the proxy answers");
                assert_eq!(kind == Kind::Nginx, answer.status() == 421, "{host} {version} {path}: {answer:#?}");
                scene.unreached((host, version, path)).await;
            }
        }
        exchange(scene.proxy.address(), "GET /account/ HTTP/1.0\r\n\r\n").await;
        scene.unreached("no host at all").await;
    }
}
