//! A browser that logged in is known to the app with every request, and nobody else is.

use truegate::simulator::Call;

use crate::{
    claims::{assert_problem, claims, known},
    support::{
        edge::{
            Kind, PATH, Settings,
            sessions::{Need, Sessions},
        },
        raw::get,
        scene::Scene,
        visitor::{Visitor, json},
    },
};

const SESSION: &str = "__Host-truegate";
const LOGIN: &str = "__Host-truegate-login";

fn usual(settings: &mut Settings) {
    settings.sessions = Some(Sessions::usual());
}

/// Rules for each kind of access.
fn ruled(settings: &mut Settings) {
    let rules = vec![
        ("/public/", Need::Public),
        ("/account/", Need::Required),
        ("/vip/", Need::Listed(vec!["+447911123456"])),
        ("/", Need::Optional),
    ];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

#[tokio::test]
async fn a_login_is_known_with_every_request_until_the_logout() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        let mut browser = scene.visitor();
        let started = browser.post("/.truegate/login", r#"{"next":"/cart"}"#).await;
        assert_eq!((started.status(), started.one("cache-control")), (201, Some("no-store")));
        let request_id = json(&started)["request_id"].as_str().unwrap().to_owned();
        assert!(json(&started)["deep_link"].as_str().unwrap().starts_with("truecallersdk://truesdk/web_verify?"));
        assert!(browser.cookie(LOGIN).is_some() && browser.cookie(SESSION).is_none());

        scene.call(Call::flow_invoked(), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "pending").await, "opened");
        scene.call(Call::grant(), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "opened").await, "verified");
        assert!(browser.cookie(SESSION).is_some());
        scene.unreached("nothing of a login is the app's").await;

        browser.set_cookie("app", "its-own");
        assert_eq!(browser.get_with("/cart", "X-Truecaller-Phone: +1\r\n").await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("cookie")), (known(), Some("app=its-own")));

        let me = browser.get("/.truegate/me").await;
        assert_eq!((me.status(), &json(&me)["phone"]), (200, &"+919999999999".into()));
        assert_eq!(json(&me)["method"], "web");
        let mut thief = browser.clone();
        let logout = browser.post("/.truegate/logout", "").await;
        assert_eq!((logout.status(), browser.cookie(SESSION)), (204, None));
        assert_problem(&browser.get("/.truegate/me").await, 401, "not-signed-in");

        assert_problem(&thief.get("/.truegate/me").await, 401, "not-signed-in");
        assert_eq!(thief.cookie(SESSION), None, "a cookie that is worth nothing is cleared");
        scene.unreached("nor is the end of a session").await;
    }
}

#[tokio::test]
async fn a_cookie_that_is_replayed_after_the_logout_is_nobodys() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let mut browser = scene.signed_in().await;
        let mut thief = browser.clone();
        assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);

        let (mut again, mut inside) = (thief.clone(), thief.clone());
        assert_eq!(again.get("/cart").await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("cookie").map(|line| line.contains("truegate"))), (vec![], None));
        assert_problem(&inside.get("/account/").await, 401, "not-signed-in");
        assert_eq!(thief.get_with("/.truegate/auth", "").await.status(), 401);
        scene.unreached("it is nobody's").await;
    }
}

#[tokio::test]
async fn who_does_not_agree_is_not_signed_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        for (call, state) in [(Call::refusal(), "refused"), (Call::another_number(), "another_number")] {
            let mut browser = scene.visitor();
            let request_id = browser.start_login().await;
            scene.call(call, &request_id).await;
            assert_eq!(browser.state_after(&request_id, "pending").await, state);
            assert_eq!(browser.cookie(SESSION), None);
            scene.call(Call::grant(), &request_id).await;
            assert_eq!(browser.state_after(&request_id, "pending").await, state, "a login ends once");
        }
        scene.unreached("nobody is signed in").await;
        assert_eq!(scene.truecaller.fetches(), 0);
    }
}

#[tokio::test]
async fn a_login_belongs_to_the_browser_that_started_it() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        let mut browser = scene.visitor();
        let request_id = browser.start_login().await;
        let mut other = scene.visitor();
        other.start_login().await;
        scene.call(Call::grant(), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
        for stranger in [&mut other, &mut scene.visitor()] {
            assert_eq!(stranger.state_after(&request_id, "pending").await, "expired");
            assert_eq!(stranger.cookie(SESSION), None);
        }
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified", "a lost answer loses nothing");
    }
}

#[tokio::test]
async fn a_callback_for_no_login_is_answered_as_any_other() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        let callback = scene.callback(scene.grant(truegate::simulator::DOCUMENTED_PROFILE)).await;
        assert_eq!((callback.status(), callback.body.len()), (204, 0));
        assert_problem(&scene.callback("{}").await, 400, "malformed-callback");
        assert_problem(&scene.send(get(PATH, "")).await, 405, "method-not-allowed");
        scene.unreached("callbacks end here").await;
        assert_eq!(scene.truecaller.fetches(), 0);
    }
}

#[tokio::test]
async fn a_path_of_truegates_own_never_reaches_the_app() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        for path in
            ["/.truegate", "/.truegate/", "/.truegate/nothing", "/.TRUEGATE/me", "/.truegate//me", "/x/../.truegate/me"]
        {
            assert_problem(&scene.visitor().get(path).await, 404, "not-found");
        }
        scene.unreached("it is truegate's").await;
    }
}

#[tokio::test]
async fn the_login_page_starts_no_login() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            settings.sessions = Some(Sessions { max_pending: 1, ..Sessions::usual() });
        })
        .await;
        for _ in 0..2 {
            let mut browser = scene.visitor();
            let page = browser.get_with("/.truegate/login?next=/cart", "Accept: text/html\r\n").await;
            assert_eq!((page.status(), page.one("content-type")), (200, Some("text/html; charset=utf-8")));
            assert!(page.one("content-security-policy").unwrap().contains("default-src 'none'"));
            assert_eq!(browser.cookie(LOGIN), None);
        }
        let mut browser = scene.visitor();
        browser.start_login().await;
        assert!(browser.cookie(LOGIN).is_some(), "there is room for the one login");
        scene.unreached("it is truegate's").await;
    }
}

#[tokio::test]
async fn no_other_site_changes_anything() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        let browser = scene.signed_in().await;
        for path in ["/.truegate/login", "/.truegate/logout"] {
            for lines in [
                "", "Origin: https://evil.example\r\n", "Origin: null\r\n", "Origin: http://shop.example\r\n",
                "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: cross-site\r\n",
            ] {
                let answer = browser.clone().send(&format!("POST {path}"), lines, "").await;
                assert_problem(&answer, 403, "cross-site");
            }
        }
        assert_eq!(browser.clone().get("/.truegate/me").await.status(), 200, "the session lives");
        let same = browser.clone().send("POST /.truegate/logout", "Sec-Fetch-Site: same-origin\r\n", "").await;
        assert_eq!(same.status(), 204);
    }
}

/// A visitor who knows the site by another name.
fn alias(scene: &Scene, host: &str) -> Visitor {
    Visitor::at(scene.edge.address(), &format!("https://{host}"))
}

#[tokio::test]
async fn an_alias_of_the_host_leads_to_the_public_one_once() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        for host in ["www.shop.example", "shop.example.", "shop.example:8443", "localhost", "evil.example"] {
            let mut browser = alias(&scene, host);
            let page = browser.get_with("/.truegate/login?next=/cart", "Accept: text/html\r\n").await;
            let public = "https://shop.example/.truegate/login?next=/cart&alias=1";
            assert_eq!((page.status(), page.one("location")), (302, Some(public)), "{host}");
            // A proxy in front that renames the host does so again.
            let again = browser.get_with("/.truegate/login?next=/cart&alias=1", "Accept: text/html\r\n").await;
            assert_eq!(again.status(), 200, "{host}");
            let script = browser.get_with("/.truegate/login?next=/cart", "Sec-Fetch-Mode: cors\r\n").await;
            assert_eq!(script.status(), 200, "{host}");
        }
        for host in ["shop.example", "Shop.Example", "shop.example:443"] {
            let page = alias(&scene, host).get_with("/.truegate/login", "Sec-Fetch-Mode: navigate\r\n").await;
            assert_eq!(page.status(), 200, "{host}");
        }
        // A client cannot name another host than the one that it speaks to.
        let claim = "Accept: text/html\r\nX-Forwarded-Host: evil.example\r\n";
        assert_eq!(scene.visitor().get_with("/.truegate/login", claim).await.status(), 200);
        scene.unreached("it is truegate's").await;
    }
}

#[tokio::test]
async fn whoever_logged_in_on_an_alias_can_log_out_there() {
    const SAME: &str = "Origin: https://www.shop.example\r\nSec-Fetch-Site: same-origin\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, usual).await;
        let mut browser = alias(&scene, "www.shop.example");
        let started = browser.send("POST /.truegate/login", SAME, "").await;
        assert_eq!(started.status(), 201);
        let request_id = json(&started)["request_id"].as_str().unwrap().to_owned();
        scene.call(Call::grant(), &request_id).await;
        assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
        for lines in [
            "Origin: https://www.shop.example\r\n",
            "Origin: https://www.shop.example\r\nSec-Fetch-Site: same-site\r\n",
            "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n",
            "Origin: https://shop.example.evil\r\nSec-Fetch-Site: cross-site\r\n",
        ] {
            assert_problem(&browser.send("POST /.truegate/logout", lines, "").await, 403, "cross-site");
        }
        assert_eq!(browser.get("/.truegate/me").await.status(), 200, "the session lives");
        let socket =
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n";
        let hijacked = format!("{socket}Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n");
        assert_problem(&browser.get_with("/ws", &hijacked).await, 403, "cross-site");
        scene.unreached("no socket is open").await;
        assert_eq!(browser.get_with("/ws", &format!("{socket}{SAME}")).await.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-phone"), Some("+919999999999"));
        assert_eq!(browser.send("POST /.truegate/logout", SAME, "").await.status(), 204);
        assert_eq!(browser.get("/.truegate/me").await.status(), 401);
    }
}

#[tokio::test]
async fn a_rule_says_who_comes_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let stranger = || scene.visitor();
        let known_browser = scene.signed_in().await;
        assert_problem(&stranger().get("/account/x?y").await, 401, "not-signed-in");
        assert_problem(&stranger().get("/public/..%2faccount/x").await, 400, "ambiguous-path");
        let page = stranger().get_with("/account/x?y", "Sec-Fetch-Mode: navigate\r\n").await;
        assert_eq!((page.status(), page.one("location")), (302, Some("/.truegate/login?next=%2Faccount%2Fx%3Fy")));
        assert_problem(&known_browser.clone().get("/vip/").await, 403, "not-allowed");
        scene.unreached("nobody came in").await;
        for (mut browser, path, expected) in [
            (stranger(), "/cart", vec![]),
            (known_browser.clone(), "/cart", known()),
            (known_browser.clone(), "/account/x", known()),
            (known_browser.clone(), "/public/x", vec![]),
        ] {
            assert_eq!(browser.get_with(path, "X-Truecaller-Status: verified\r\n").await.status(), 200, "{path}");
            assert_eq!(claims(&scene.reached_once().await), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_asks_about_the_request_that_it_names() {
    let asked = |path: &str| format!("X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n");
    for kind in Kind::ALL {
        for trusted in [true, false] {
            println!("trusted: {trusted}");
            let change = |settings: &mut Settings| {
                ruled(settings);
                settings.trusted = trusted;
            };
            let scene = Scene::with(kind, change).await;
            let known_browser = scene.signed_in().await;
            let status = async |browser: &Visitor, path: &str| {
                browser.clone().get_with("/.truegate/auth", &asked(path)).await.status()
            };
            let stranger = scene.visitor();
            assert_eq!(status(&stranger, "/account/x").await, 401);
            assert_eq!(status(&stranger, "/cart").await, if trusted { 200 } else { 401 });
            assert_eq!(status(&known_browser, "/vip/x").await, if trusted { 403 } else { 200 });
            let answer = known_browser.clone().get_with("/.truegate/auth", &asked("/cart")).await;
            assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (200, Some("+919999999999")));
            scene.unreached("a proxy asks, and not the app").await;
        }
    }
}
