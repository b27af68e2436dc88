//! What needs an identity is closed to everyone else, however the request is written.

use crate::{
    claims::{assert_problem, claims, known},
    support::{
        client::Client,
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        raw::{Message, get},
        scene::Scene,
    },
};

/// `/public/` is open, and so is what the scene asks for last; all the rest needs an identity.
fn closed(settings: &mut Settings) {
    let rules = vec![("/public/", Need::Public), ("/the-last-of-it", Need::Public), ("/", Need::Required)];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

/// Nothing has a rule but what the scene asks for last.
fn unruled(settings: &mut Settings) {
    settings.sessions = Some(Sessions { rules: vec![("/the-last-of-it", Need::Public)], ..Sessions::usual() });
}

/// Everything is open but what is below `/admin`.
fn open_but_for_admin(settings: &mut Settings) {
    let rules = vec![("/admin", Need::Required), ("/", Need::Optional)];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

/// A few rules, far from most of the site.
fn ruled_here_and_there(settings: &mut Settings) {
    let rules = vec![("/account", Need::Required), ("/public", Need::Public), ("/", Need::Optional)];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

/// An API that pages of other origins use, and a shop that everyone may look at.
fn ruled_by_method(settings: &mut Settings) {
    let rules = vec![
        ("/api", Need::RequiredPastPreflights),
        ("/shop", Need::PublicTo(vec!["GET", "HEAD"])),
        ("/the-last-of-it", Need::Public),
    ];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

async fn asked(scene: &Scene, start: &str, lines: &str) -> Message {
    scene.send(format!("{start} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n")).await
}

#[tokio::test]
async fn no_way_to_write_a_path_leads_past_a_rule() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        for (path, status) in [
            ("/admin", 401),
            ("/public/../admin", 401),
            ("/public/%2e%2e/admin", 400),
            ("/public/%2E%2e/admin", 400),
            ("/public/..%2fadmin", 400),
            ("/public/..%2Fadmin", 400),
            ("/public/%252e%252e%252fadmin", 400),
            ("/public/..\\admin", 400),
            ("/public/..%5cadmin", 400),
            ("/public//..//admin", 401),
            ("//admin", 401),
            ("//public/admin", 400),
            ("/public/;/../admin", 400),
            ("/public/..;/admin", 400),
            ("/admin?x=/public/", 401),
            ("/admin?/../public/", 401),
            ("/public/secret%23/endpoint", 400),
            ("/PUBLIC/x", 401),
            ("/publicity", 401),
            ("/public%00/x", 400),
            ("/public/x%00", 400),
            ("/public/%", 400),
            ("http://shop.example/admin", 401),
            ("*", 400),
        ] {
            let answer = asked(&scene, &format!("GET {path}"), "").await;
            // pingora answers some of what is no target itself.
            assert!(answer.status() == status || (path == "*" && answer.status() == 401), "{path}: {answer:#?}");
        }
        scene.unreached("none of it is open").await;
        assert_eq!(asked(&scene, "GET /public/x", "").await.status(), 200);
    }
}

#[tokio::test]
async fn a_path_without_a_rule_is_closed() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, unruled).await;
        for path in ["/", "/admin", "/the-last", "/the-last-of-it-all", "/x/the-last-of-it"] {
            assert_problem(&asked(&scene, &format!("GET {path}"), "").await, 401, "not-signed-in");
        }
        scene.unreached("nothing has a rule").await;
        assert_eq!(scene.signed_in().await.get("/admin").await.status(), 200);
    }
}

#[tokio::test]
async fn a_rule_covers_everything_below_its_path() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, open_but_for_admin).await;
        for path in ["/admin", "/admin/", "/admin/users", "/admin/users/?x", "/admin//users", "/%61dmin/users"] {
            assert_problem(&asked(&scene, &format!("GET {path}"), "").await, 401, "not-signed-in");
        }
        scene.unreached("it is below /admin").await;
        for path in ["/", "/administer", "/admin-panel", "/x/admin"] {
            assert_eq!(asked(&scene, &format!("GET {path}"), "").await.status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_passes_byte_for_byte_where_all_its_readings_need_the_same() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_here_and_there).await;
        let browser = scene.signed_in().await;
        for path in [
            "/@scope%2fpkg",
            "/@scope%2Fpkg?write=true",
            "/api/v4/projects/group%2Fproject/issues",
            "/wiki/C%23",
            "/wiki/What%3F",
            "/files/a%5Cb",
            "/sale-50%",
            "/x%zz",
            "/a;..b/c",
            "/a/./b/%2e%2e/c",
            "/public/@scope%2fpkg",
        ] {
            assert_eq!(asked(&scene, &format!("GET {path}"), "").await.status(), 200, "{path}");
            assert_eq!(scene.reached_once().await.start, format!("GET {path} HTTP/1.1"));
        }
        for path in ["/account/", "/account/group%2Fproject", "/account/C%23"] {
            assert_problem(&asked(&scene, &format!("GET {path}"), "").await, 401, "not-signed-in");
            scene.unreached(path).await;
            assert_eq!(browser.clone().get(path).await.status(), 200, "{path}");
            assert_eq!(scene.reached_once().await.start, format!("GET {path} HTTP/1.1"));
        }
        for path in [
            "/x%2f..%2faccount", "/account%2f..%2fx", "/account%23/x", "/account%5cx", "/ACCOUNT%2fx",
            "/x/..;/account", "/public/..%2faccount", "/public/%c0%ae%c0%ae/account", "/.truegate%2flogin",
            "/x%2f..%2f.truegate/me", "/x%23/../.truegate/me",
        ] {
            let status = asked(&scene, &format!("GET {path}"), "").await.status();
            assert!([400, 404].contains(&status), "{path}: {status}");
        }
        scene.unreached("each of it could be something else").await;
    }
}

#[tokio::test]
async fn a_rule_that_names_methods_opens_no_other() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_by_method).await;
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", "FOO"] {
            assert_eq!(asked(&scene, &format!("{method} /shop/x"), "").await.status(), 401, "{method}");
        }
        scene.unreached("it is open to be looked at").await;
        assert_eq!(asked(&scene, "GET /shop/x", "").await.status(), 200);
        scene.reached_once().await;
    }
}

#[tokio::test]
async fn preflights_pass_where_a_rule_lets_them_and_nothing_else_does() {
    const ORIGIN: &str = "Origin: https://app.example\r\n";
    const METHOD: &str = "Access-Control-Request-Method: PUT\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled_by_method).await;
        let usual = format!("{ORIGIN}{METHOD}Access-Control-Request-Headers: content-type\r\n");
        let answer = asked(&scene, "OPTIONS /api/orders", &usual).await;
        assert_eq!((answer.status(), answer.one("set-cookie")), (200, None));
        assert_eq!(claims(&scene.reached_once().await), vec![]);
        let mut browser = scene.signed_in().await;
        assert_eq!(browser.send("OPTIONS /api/orders", &usual.replace(ORIGIN, ""), "").await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), known());
        for (start, lines) in [
            ("PUT /api/orders", usual.clone()),
            ("options /api/orders", usual.clone()),
            ("OPTIONS /api/orders", ORIGIN.to_owned()),
            ("OPTIONS /api/orders", METHOD.to_owned()),
            ("OPTIONS /api/orders", format!("{ORIGIN}{METHOD}{METHOD}")),
            ("OPTIONS /api/orders", format!("{ORIGIN}{ORIGIN}{METHOD}")),
            ("OPTIONS /api/orders", format!("{usual}Content-Length: 2\r\n\r\nab")),
            ("OPTIONS /other", usual.clone()),
        ] {
            assert_eq!(asked(&scene, start, &lines).await.status(), 401, "{start} {lines}");
        }
        scene.unreached("none of it is a preflight of the API").await;
    }
}

#[tokio::test]
async fn nothing_but_the_path_opens_a_route() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        for (start, lines) in [
            ("get /admin", ""),
            ("FOO /admin", ""),
            ("OPTIONS /admin", "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n"),
            ("GET /admin", "X-Forwarded-Uri: /public/\r\n"),
            ("GET /admin", "X-Original-URL: /public/\r\nX-Original-URI: /public/\r\nX-Rewrite-URL: /public/\r\n"),
            ("GET /admin", "X-HTTP-Method-Override: OPTIONS\r\nX-Forwarded-Prefix: /public\r\n"),
            ("GET /admin", "User-Agent: GoogleHC/1.0\r\n"),
            ("GET /admin", "User-Agent: kube-probe/1.29\r\n"),
            ("GET /admin", "Authorization: Bearer x\r\n"),
            ("GET /admin", "X-Truecaller-Status: verified\r\nX-Truecaller-Phone: +919999999999\r\n"),
            (
                "GET /admin",
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
            ),
        ] {
            assert_eq!(asked(&scene, start, lines).await.status(), 401, "{start} {lines}");
        }
        scene.unreached("none of it is open").await;
    }
}

#[tokio::test]
async fn no_header_names_another_path_to_the_app() {
    let lines =
        "X-Original-URL: /admin\r\nX_Original_URI: /admin\r\nX-Rewrite.URL: /admin\r\nX-Forwarded-Uri: /admin\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        assert_eq!(asked(&scene, "GET /public/", lines).await.status(), 200);
        assert_eq!(scene.signed_in().await.get_with("/x", lines).await.status(), 200);
        for request in scene.reached().await {
            assert!(!request.headers.iter().any(|(_, value)| value == "/admin"), "{request:#?}");
        }
    }
}

#[tokio::test]
async fn no_header_cuts_the_path_of_a_request_for_the_app() {
    const ALWAYS: [&str; 7] =
        ["SCRIPT_NAME", "Script-Name", "script.name", "PATH_INFO", "Path-Info", "path_info", "PATH~INFO"];
    const UNTRUSTED: [&str; 6] = [
        "X-Script-Name", "X_SCRIPT_NAME", "x.script.name", "X-Forwarded-Prefix", "X_Forwarded_Prefix",
        "x-forwarded.prefix",
    ];
    for kind in Kind::ALL {
        for trusted in [false, true] {
            println!("edge: {kind:?}, trusted: {trusted}");
            let scene = Scene::with(kind, |settings| {
                closed(settings);
                settings.trusted = trusted;
            })
            .await;
            let browser = scene.signed_in().await;
            for name in ALWAYS.iter().chain(&UNTRUSTED) {
                let line = format!("{name}: /public\r\n");
                assert_eq!(asked(&scene, "GET /public/admin", &line).await.status(), 200, "{name}");
                assert_eq!(browser.clone().get_with("/x", &line).await.status(), 200, "{name}");
                let reached = scene.reached().await;
                let is_told = trusted && UNTRUSTED.contains(name);
                assert_eq!(reached.len(), 2, "{name}");
                for request in reached {
                    let is_there = request.headers.iter().any(|(_, value)| value == "/public");
                    assert_eq!(is_there, is_told, "{name}: {request:#?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_header_names_another_method_to_the_app() {
    let lines = "X-HTTP-Method-Override: DELETE\r\nx_http_method_override: DELETE\r\nX-HTTP-Method: DELETE\r\n\
                 X.Method.Override: DELETE\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        assert_eq!(asked(&scene, "GET /admin", &lines.replace("DELETE", "OPTIONS")).await.status(), 401);
        assert_eq!(asked(&scene, "GET /public/", lines).await.status(), 200);
        assert_eq!(scene.signed_in().await.get_with("/x", lines).await.status(), 200);
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2, "{reached:#?}");
        for request in reached {
            assert!(!request.headers.iter().any(|(_, value)| value == "DELETE"), "{request:#?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_needs_a_login_leads_there_on_this_site_alone() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        for (target, location) in [
            ("/admin", "/.truegate/login?next=%2Fadmin"),
            ("//evil.example/x", "/.truegate/login?next=%2F"),
            ("/x?next=//evil.example", "/.truegate/login?next=%2Fx%3Fnext%3D%2F%2Fevil.example"),
            ("http://shop.example/x?y", "/.truegate/login?next=%2Fx%3Fy"),
        ] {
            let lines =
                "Sec-Fetch-Mode: navigate\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript\r\n";
            let answer = asked(&scene, &format!("GET {target}"), lines).await;
            assert_eq!((answer.status(), answer.one("location")), (302, Some(location)), "{target}");
            assert_eq!(answer.one("cache-control"), Some("no-store"));
        }
        scene.unreached("nobody is signed in").await;
    }
}

#[tokio::test]
async fn the_body_of_a_request_that_is_not_let_in_is_no_request() {
    const SMUGGLED: &str = "GET /public/smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        let body = SMUGGLED.repeat(10_000);
        let mut client = Client::connect(scene.edge.address()).await;
        let head = format!("POST /admin HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n", body.len());
        client.send(head + &body[..64 * 1024]).await;
        assert_eq!(client.read().await.unwrap().status(), 401);
        client.finish().await;
        client.read_all().await;
        scene.unreached("it is a body").await;
    }
}

#[tokio::test]
async fn a_session_leaves_no_spoof_a_way() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        let browser = scene.signed_in().await;
        for lines in [
            "X-Truecaller-Phone: +10000000000\r\n",
            "x-TRUECALLER-phone: +1\r\nX_Truecaller.Phone: +1\r\nX!Truecaller~Phone: +1\r\n",
            "X-Truecaller-Email: ceo@corp\r\nX-Truecaller-Request-Id: 12345678\r\n",
            "X-Truecaller-Assertion: e30.e30.\r\n",
            "Connection: close, X-Truecaller-Phone\r\n",
            "Proxy-Connection: X-Truecaller-Phone\r\nTrailer: X-Truecaller-Phone\r\n",
        ] {
            assert_eq!(browser.clone().get_with("/admin", lines).await.status(), 200);
            let request = scene.reached_once().await;
            let phones: Vec<_> = claims(&request).into_iter().filter(|(name, _)| name.contains("phone")).collect();
            assert_eq!(phones, [("x-truecaller-phone".to_owned(), "+919999999999".to_owned())], "{lines}");
            let named = ["connection", "proxy-connection", "trailer"].map(|name| request.all(name).join(","));
            assert!(!named.concat().to_lowercase().contains("truecaller"), "{request:#?}");
            for name in ["email", "request-id", "assertion"] {
                assert_eq!(request.one(&format!("x-truecaller-{name}")), None, "{lines}");
            }
        }
        let stranger = scene.send(get("/public/", "X-Truecaller-Phone: +1\r\nX_Truecaller_Phone: +1\r\n")).await;
        assert_eq!((stranger.status(), claims(&scene.reached_once().await)), (200, vec![]));
    }
}

#[tokio::test]
async fn another_sites_page_opens_no_web_socket_in_a_users_name() {
    let socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, closed).await;
        let browser = scene.signed_in().await;
        for origin in ["https://evil.shop.example", "http://shop.example", "null"] {
            let answer = browser.clone().get_with("/ws", &format!("{socket}Origin: {origin}\r\n")).await;
            assert_problem(&answer, 403, "cross-site");
        }
        scene.unreached("no socket is open").await;
    }
}
