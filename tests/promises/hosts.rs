//! One login for several hosts, or one for each: what counts on which host, and what one host can do to another.

use truegate::{session::SameSite, simulator::Call};

use crate::{
    claims::{assert_problem, claims, known},
    support::{
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        recorder::Recorder,
        scene::Scene,
        visitor::{Visitor, json},
    },
};

const SHOP: &str = Sessions::ORIGIN;
const WIKI: &str = "https://wiki.shop.example";
const HOSTS: [&str; 2] = [SHOP, WIKI];
const SHARED: &str = "__Secure-truegate";
const SOCKET: &str =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n";
const NAVIGATION: &str = "Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n";

/// The hosts besides are those by which a test counts what reached the app, and by which Truecaller calls.
fn sessions() -> Sessions {
    let rules = vec![
        ("app.example/", Need::Public),
        ("127.0.0.1/", Need::Public),
        ("/account/", Need::Required),
        ("/", Need::Optional),
    ];
    Sessions { rules, other_hosts: vec![WIKI], ..Sessions::usual() }
}

/// Each host has its own sessions.
fn apart(settings: &mut Settings) {
    settings.sessions = Some(sessions());
}

/// The hosts share their sessions.
fn shared(settings: &mut Settings) {
    settings.sessions = Some(Sessions { cookie_domain: Some("shop.example"), ..sessions() });
}

async fn sign_in(scene: &Scene, browser: &mut Visitor) {
    let request_id = browser.start_login().await;
    scene.call(Call::grant(), &request_id).await;
    assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
}

#[tokio::test]
async fn each_host_has_its_own_login_and_its_own_sessions() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, apart).await;
        let [mut on_shop, mut on_wiki] = HOSTS.map(|origin| scene.visitor().on(origin));
        for browser in [&mut on_shop, &mut on_wiki] {
            let sent = browser.get_with("/account/a", NAVIGATION).await;
            let login = sent.one("location").unwrap().to_owned();
            assert_eq!((sent.status(), &*login), (302, "/.truegate/login?next=%2Faccount%2Fa"));
            assert_eq!(browser.get_with(&login, NAVIGATION).await.status(), 200);
            sign_in(&scene, browser).await;
            assert_eq!(browser.get("/account/a").await.status(), 200);
        }
        assert_eq!(scene.reached().await.len(), 2);

        let [of_shop, of_wiki] = [&on_shop, &on_wiki].map(|browser| browser.cookie("__Host-truegate").unwrap());
        for (origin, cookie) in [(WIKI, of_shop), (SHOP, of_wiki)] {
            let mut thief = scene.visitor().on(origin);
            thief.set_cookie("__Host-truegate", cookie);
            assert_problem(&thief.get("/account/a").await, 401, "not-signed-in");
            assert_problem(&thief.get("/.truegate/me").await, 401, "not-signed-in");
            scene.unreached("it is worth nothing on another host").await;
        }

        assert_eq!(on_wiki.post("/.truegate/logout", "").await.status(), 204);
        assert_eq!((on_wiki.get("/account/").await.status(), on_shop.get("/account/").await.status()), (401, 200));
    }
}

#[tokio::test]
async fn one_login_is_for_all_hosts_of_a_domain_and_so_is_a_logout() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, shared).await;
        let mut on_shop = scene.visitor();
        sign_in(&scene, &mut on_shop).await;
        let mut on_wiki = on_shop.on(WIKI);
        assert!(on_wiki.cookie(SHARED).is_some());

        on_wiki.set_cookie("app", "1");
        on_wiki.set_cookie("__Host-truegate", "from-before-the-hosts-shared-their-sessions");
        assert_eq!(on_wiki.get("/account/").await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("cookie")), (known(), Some("app=1")));

        let logout = on_wiki.post("/.truegate/logout", "").await;
        let cleared = logout.all("set-cookie");
        assert!(cleared.iter().any(|line| line.contains("; Domain=shop.example; Max-Age=0")), "{cleared:?}");
        assert_eq!((logout.status(), on_wiki.cookie(SHARED), on_wiki.cookie("__Host-truegate")), (204, None, None));
        assert_eq!((on_shop.get("/account/").await.status(), on_shop.cookie(SHARED)), (401, None));
    }
}

#[tokio::test]
async fn a_host_of_the_domain_neither_forges_nor_hides_a_session() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, shared).await;
        let mut browser = scene.visitor();
        sign_in(&scene, &mut browser).await;
        let own = browser.cookie(SHARED).unwrap().to_owned();
        let ask = async |pairs: &str| {
            let lines = format!("Cookie: {pairs}\r\n");
            scene.visitor().on(WIKI).get_with("/account/a", &lines).await
        };
        for pairs in [format!("{SHARED}=x; {SHARED}={own}"), format!("{SHARED}={own}; {SHARED}=x; {SHARED}=")] {
            assert_eq!(ask(&pairs).await.status(), 200, "{pairs}");
            assert_eq!(claims(&scene.reached_once().await), known(), "{pairs}");
        }

        let mut attacker = scene.visitor();
        sign_in(&scene, &mut attacker).await;
        let attackers = attacker.cookie(SHARED).unwrap();
        let refused = ask(&format!("{SHARED}={attackers}; {SHARED}={own}")).await;
        assert_problem(&refused, 401, "not-signed-in");
        scene.unreached("it is unknown whose session it is").await;
        let cleared = refused.all("set-cookie");
        for part in
            ["; Path=/; Domain=shop.example; Max-Age=0", "; Path=/account; Max-Age=0", "; Path=/account/a; Domain="]
        {
            assert!(cleared.iter().any(|line| line.starts_with(SHARED) && line.contains(part)), "{part}: {cleared:#?}");
        }
    }
}

#[tokio::test]
async fn no_session_that_the_browser_has_outlives_a_logout_or_a_login() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, shared).await;
        for by_logout in [true, false] {
            let [mut own, mut added] = [scene.visitor(), scene.visitor()];
            sign_in(&scene, &mut own).await;
            sign_in(&scene, &mut added).await;
            let pairs = [&added, &own].map(|browser| format!("{SHARED}={}", browser.cookie(SHARED).unwrap()));
            let lines = format!("Cookie: {}\r\nOrigin: {SHOP}\r\n", pairs.join("; "));
            let mut browser = scene.visitor();
            if by_logout {
                assert_eq!(browser.send("POST /.truegate/logout", &lines, "").await.status(), 204);
            } else {
                let request_id = browser.start_login().await;
                scene.call(Call::grant(), &request_id).await;
                let status = format!("/.truegate/status?request_id={request_id}&wait=25");
                assert_eq!(json(&browser.get_with(&status, &lines).await)["state"], "verified");
                assert_eq!(browser.get("/account/").await.status(), 200);
                scene.reached_once().await;
            }
            for mut before in [own, added] {
                assert_eq!(before.get("/account/").await.status(), 401, "{kind:?} {by_logout}");
            }
            scene.unreached("both sessions are over").await;
        }
    }
}

#[tokio::test]
async fn a_host_that_only_a_rule_names_has_no_sessions() {
    for kind in Kind::ALL {
        for cookie_domain in [None, Some("shop.example")] {
            let set = |settings: &mut Settings| {
                let mut sessions = Sessions { cookie_domain, ..sessions() };
                sessions.rules.insert(0, ("docs.example/account/", Need::Required));
                sessions.rules.insert(0, ("docs.shop.example/account/", Need::Required));
                settings.sessions = Some(sessions);
            };
            let scene = Scene::with(kind, set).await;
            let mut on_shop = scene.visitor();
            sign_in(&scene, &mut on_shop).await;
            let name = if cookie_domain.is_some() { SHARED } else { "__Host-truegate" };
            let below_the_domain = if cookie_domain.is_some() { 200 } else { 401 };
            for (origin, status) in [("https://docs.example", 401), ("https://docs.shop.example", below_the_domain)] {
                let mut browser = scene.visitor().on(origin);
                browser.set_cookie(name, on_shop.cookie(name).unwrap());
                assert_eq!(browser.get("/account/").await.status(), status, "{kind:?} {cookie_domain:?} {origin}");
                assert_eq!(scene.reached().await.len(), usize::from(status == 200));
                let lines = format!("Origin: {origin}\r\nSec-Fetch-Site: same-origin\r\n");
                let started = scene.visitor().on(origin).send("POST /.truegate/login", &lines, "").await;
                assert_eq!(started.status(), if status == 200 { 201 } else { 421 }, "{kind:?} {origin}: {started:#?}");
            }
        }
    }
}

#[tokio::test]
async fn no_app_sets_a_cookie_of_ours_for_the_domain() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nSet-Cookie: app=1\r\nSet-Cookie: __Secure-truegate=evil; Domain=shop.example; Secure\r\n\
        Set-Cookie: __secure-Truegate=evil; Path=/account; Secure\r\nContent-Length: 0\r\n\r\n";
    for kind in Kind::ALL {
        for settings in [apart, shared] {
            let scene = Scene::before(kind, Recorder::answering(ANSWER).await, settings).await;
            assert_eq!(scene.visitor().get("/").await.all("set-cookie"), ["app=1"]);
        }
    }
}

#[tokio::test]
async fn a_login_leads_to_a_host_of_the_site_and_to_no_other() {
    for kind in Kind::ALL {
        for settings in [apart, shared] {
            let scene = Scene::with(kind, settings).await;
            let mut browser = scene.visitor();
            sign_in(&scene, &mut browser).await;
            for (next, target) in [
                ("https%3A%2F%2Fwiki.shop.example%2Fa%3Fb", "https://wiki.shop.example/a?b"),
                ("https%3A%2F%2Fwiki.shop.example%40evil.example%2F", "/"),
                ("https%3A%2F%2Fwiki.shop.example.evil.example%2F", "/"),
                ("https%3A%2F%2Fwiki.shop.example%5C%40evil.example%2F", "/"),
                ("https%3A%2F%2Fwiki.shop.example%3A8443%2F", "/"),
                ("https%3A%2F%2Fwiki.shop.example%2F%2Fevil.example", "/"),
                ("https%3Awiki.shop.example", "/"),
                ("http%3A%2F%2Fwiki.shop.example%2F", "/"),
                ("https%3A%2F%2Fevil.shop.example%2F", "/"),
                ("%2F%2Fwiki.shop.example%2F", "/"),
                ("javascript%3Aalert(1)", "/"),
            ] {
                let sent = browser.get_with(&format!("/.truegate/login?next={next}"), NAVIGATION).await;
                assert_eq!((sent.status(), sent.one("location")), (302, Some(target)), "{next}");
            }
            let started = browser.post("/.truegate/login", r#"{"next":"https://wiki.shop.example/a"}"#).await;
            assert_eq!(json(&started)["next"], "https://wiki.shop.example/a");
            let logout = browser.post("/.truegate/logout", "next=https%3A%2F%2Fwiki.shop.example%2Fbye").await;
            assert_eq!((logout.status(), logout.one("location")), (303, Some("https://wiki.shop.example/bye")));
        }
    }
}

#[tokio::test]
async fn a_form_is_taken_from_the_pages_of_its_own_host() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, shared).await;
        for (host, origin, status) in [(SHOP, SHOP, 201), (WIKI, WIKI, 201), (WIKI, SHOP, 403), (SHOP, WIKI, 403)] {
            let mut browser = scene.visitor().on(host);
            let answer = browser.send("POST /.truegate/login", &format!("Origin: {origin}\r\n"), "").await;
            assert_eq!(answer.status(), status, "{host} {origin}");
        }
    }
}

#[tokio::test]
async fn a_web_socket_is_opened_by_pages_of_its_host_and_of_listed_origins() {
    let listed = |settings: &mut Settings| {
        let websocket_origins = vec!["https://app.example"];
        settings.sessions = Some(Sessions { cookie_domain: Some("shop.example"), websocket_origins, ..sessions() });
    };
    for kind in Kind::ALL {
        let scene = Scene::with(kind, listed).await;
        let mut browser = scene.visitor();
        sign_in(&scene, &mut browser).await;
        for (origins, is_allowed) in [
            (&[SHOP][..], true),
            (&["https://app.example"], true),
            (&[WIKI], false),
            (&["https://app.example:8443"], false),
            (&["http://app.example"], false),
            (&["https://app.example.evil.example"], false),
            (&["https://evil.app.example"], false),
            (&["https://app.example", "https://evil.example"], false),
            (&["null"], false),
        ] {
            let lines: String = origins.iter().map(|origin| format!("Origin: {origin}\r\n")).collect();
            let answer = browser.get_with("/socket", &format!("{SOCKET}{lines}")).await;
            assert_eq!(answer.status() != 403, is_allowed, "{origins:?}: {answer:#?}");
            if !is_allowed {
                assert_problem(&answer, 403, "cross-site");
            }
            assert_eq!(scene.reached().await.len(), usize::from(is_allowed), "{origins:?}");
        }
    }
}

#[tokio::test]
async fn a_session_goes_with_the_requests_that_its_setting_allows() {
    for kind in Kind::ALL {
        for (same_site, attribute) in
            [(SameSite::Lax, "SameSite=Lax"), (SameSite::Strict, "SameSite=Strict"), (SameSite::None, "SameSite=None")]
        {
            let set = |settings: &mut Settings| settings.sessions = Some(Sessions { same_site, ..Sessions::usual() });
            let scene = Scene::with(kind, set).await;
            let mut browser = scene.visitor();
            let request_id = browser.start_login().await;
            scene.call(Call::grant(), &request_id).await;
            let verified = browser.get(&format!("/.truegate/status?request_id={request_id}&wait=25")).await;
            assert!(verified.one("set-cookie").unwrap().contains(attribute), "{verified:#?}");

            // Whatever the browser sends along, another site's page starts nothing and ends nothing.
            let foreign = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n";
            for path in ["/.truegate/login", "/.truegate/logout"] {
                let refused = browser.clone().send(&format!("POST {path}"), foreign, "").await;
                assert_problem(&refused, 403, "cross-site");
            }
            let linked = format!("{NAVIGATION}Sec-Fetch-Site: cross-site\r\n");
            assert_eq!(browser.get_with("/.truegate/logout", &linked).await.status(), 200, "it only asks");
            let told = browser.get_with("/.truegate/me", "Sec-Fetch-Site: cross-site\r\n").await;
            assert_problem(&told, 403, "cross-site");
            let me = browser.get("/.truegate/me").await;
            assert_eq!((me.status(), me.one("x-content-type-options")), (200, Some("nosniff")));

            let asked = scene.visitor().get_with("/.truegate/login", &linked).await;
            assert_eq!(asked.one("refresh").is_some(), same_site == SameSite::Strict, "{same_site:?}");
        }
    }
}

#[tokio::test]
async fn forward_auth_answers_for_each_host_and_leads_to_its_login() {
    for kind in Kind::ALL {
        for (settings, counts_for_both) in [(apart as fn(&mut Settings), false), (shared, true)] {
            let scene = Scene::with(kind, |set| {
                settings(set);
                set.trusted = true;
            });
            let scene = scene.await;
            let mut on_wiki = scene.visitor().on(WIKI);
            sign_in(&scene, &mut on_wiki).await;
            let name = if counts_for_both { SHARED } else { "__Host-truegate" };
            let cookie = format!("Cookie: {name}={}\r\n", on_wiki.cookie(name).unwrap());
            let ask = async |asked: &str, lines: &str| {
                let lines = format!("{asked}{lines}{NAVIGATION}");
                scene
                    .send(format!("GET /.truegate/auth?redirect=true HTTP/1.1\r\nHost: truegate:8080\r\n{lines}\r\n"))
                    .await
            };
            for (host, status) in
                [("wiki.shop.example", 200), ("shop.example", if counts_for_both { 200 } else { 302 })]
            {
                let by_host = format!("X-Forwarded-Host: {host}\r\nX-Forwarded-Uri: /account/\r\n");
                let by_url = format!("X-Original-URL: https://{host}/account/\r\nX-Original-Method: GET\r\n");
                for (asked, origin) in [(&by_host, String::new()), (&by_url, format!("https://{host}"))] {
                    assert_eq!(ask(asked, &cookie).await.status(), status, "{asked}");
                    let sent = ask(asked, "").await;
                    let login = format!("{origin}/.truegate/login?next=%2Faccount%2F");
                    assert_eq!((sent.status(), sent.one("location")), (302, Some(&*login)), "{asked}");
                }
                let contradictory =
                    format!("X-Forwarded-Host: {host}\r\nX-Original-URL: https://evil.example/public/\r\n");
                assert_eq!(ask(&contradictory, &cookie).await.status(), 400);
            }
        }
    }
}
