//! The site's own app is known by its session token alone, and no app behind an edge ever gets one.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use truegate::simulator::AppUser;

use crate::{
    claims::{assert_problem, claims, known, of_app},
    support::{
        edge::{
            Kind, PATH, Settings,
            sessions::{Need, Sessions},
        },
        native::{CLIENT_ID, NATIVE, PHONE, code, user},
        raw::Message,
        recorder::Recorder,
        scene::Scene,
        seal::{aged_token, resealed},
        visitor::json,
    },
};

const SESSION: &str = "__Host-truegate";
const CHALLENGE: &str = "Bearer error=\"invalid_token\"";
const SOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n";

fn ruled(settings: &mut Settings) {
    let rules = vec![
        ("/public/", Need::Public),
        ("/account/", Need::Required),
        ("/vip/", Need::Listed(vec!["+447911123456"])),
        ("/", Need::Optional),
    ];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
    settings.native = Some(NATIVE);
}

/// The secret that seals the sessions of a scene.
fn secret() -> String {
    Sessions::usual().secrets.remove(0)
}

/// The token of a user who logs in with the site's own app.
async fn log_in(scene: &Scene, user: AppUser) -> String {
    let answer = scene.app_login(code(&scene.truecaller, user)).await;
    assert_eq!(answer.status(), 200, "{answer:#?}");
    json(&answer)["token"].as_str().unwrap().to_owned()
}

/// The line with a token.
fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The token without the beginning that all tokens have.
fn sealed(token: &str) -> &str {
    token.strip_prefix("truegate.").expect("a token of truegate's")
}

async fn asked(scene: &Scene, start: &str, lines: &str) -> Message {
    scene.send(format!("{start} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n")).await
}

/// Insists that a client hears that its token is worth nothing, and nothing else.
fn assert_challenged(answer: &Message) {
    assert_problem(answer, 401, "not-signed-in");
    assert_eq!((answer.one("www-authenticate"), answer.all("set-cookie")), (Some(CHALLENGE), vec![]), "{answer:#?}");
}

/// All that a client could tell an answer by.
fn shape(answer: &Message) -> (String, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
    (answer.start.clone(), headers, answer.text())
}

#[tokio::test]
async fn no_app_gets_a_token_on_any_route_and_other_credentials_pass_byte_for_byte() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let good = log_in(&scene, user()).await;
        let own = bearer(&good);
        for start in ["GET /", "GET /account/x", "PUT /cart", "OPTIONS /cart", "DELETE /cart", "GET /public/x"] {
            assert_eq!(asked(&scene, start, &format!("{own}X-Other: kept\r\n")).await.status(), 200, "{start}");
            let request = scene.reached_once().await;
            assert_eq!((request.all("authorization"), request.one("x-other")), (vec![], Some("kept")), "{start}");
            let identity = if start.contains("public") { vec![] } else { of_app() };
            assert_eq!(claims(&request), identity, "{start}");
        }
        let posted = asked(&scene, "POST /account/", &format!("{own}Content-Length: 4\r\n\r\nbody")).await;
        assert_eq!(posted.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((request.one("authorization"), request.text().as_str()), (None, "body"));

        for (lines, left) in [
            (vec!["Bearer truegate.garbage"], vec![]),
            (vec!["bEARER \t truegate."], vec![]),
            (vec!["Bearer TrueGate.x"], vec![]),
            (vec!["Basic YTpi,Bearer truegate.x"], vec![]),
            (vec!["Bearer other", "Bearer truegate.x", "Basic  YTpi"], vec!["Bearer other", "Basic  YTpi"]),
            (vec!["Bearer truegate.x", "bearer truegate.y"], vec![]),
            (vec!["Bearer eyJhbGciOiJIUzI1NiJ9.e30.truegate.x"], vec!["Bearer eyJhbGciOiJIUzI1NiJ9.e30.truegate.x"]),
            (vec!["Digest username=\"a, b\",  nc=1 ,"], vec!["Digest username=\"a, b\",  nc=1 ,"]),
            (vec!["Token truegate.x"], vec!["Token truegate.x"]),
            (vec!["Bearer"], vec!["Bearer"]),
            (vec!["Bearer truegate"], vec!["Bearer truegate"]),
            (vec!["x", "Bearer  \u{fc}"], vec!["x", "Bearer  \u{fc}"]),
        ] {
            let head: String = lines.iter().map(|line| format!("Authorization: {line}\r\n")).collect();
            for version in ["1.1", "1.0"] {
                let request = format!("GET /public/ HTTP/{version}\r\nHost: shop.example\r\n{head}\r\n");
                assert_eq!(scene.send(request).await.status(), 200, "{lines:?}");
                assert_eq!(scene.reached_once().await.all("authorization"), left, "{lines:?}");
            }
        }
        // A client that has a token removed by its own `Connection`, or by that of a proxy, is not known by it.
        for named in ["Connection: Authorization\r\n", "Connection: close, authorization\r\n"] {
            assert_eq!(asked(&scene, "GET /public/", &format!("{named}{own}")).await.status(), 200);
            assert_eq!(scene.reached_once().await.all("authorization"), Vec::<&str>::new());
        }
        let callback = format!("{own}Content-Length: 2\r\n\r\n{{}}");
        assert_problem(&asked(&scene, &format!("POST {PATH}"), &callback).await, 400, "malformed-callback");
        for path in ["/.truegate/status", "/.truegate/truegate.js", "/.truegate/login", "/.truegate/nothing"] {
            asked(&scene, &format!("GET {path}"), &own).await;
        }
        scene.unreached("it is truegate's").await;
    }
}

#[tokio::test]
async fn every_bad_token_fares_alike_and_lets_nobody_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let (good, browser) = (log_in(&scene, user()).await, scene.signed_in().await);
        let (good, cookie) = (sealed(&good), browser.cookie(SESSION).unwrap());
        // Each of them was seen before, so that an edge may keep it opened.
        assert_eq!(asked(&scene, "GET /account/", &bearer(&format!("truegate.{good}"))).await.status(), 200);
        assert_eq!(browser.clone().get("/account/").await.status(), 200);
        scene.reached().await;
        let bytes = URL_SAFE_NO_PAD.decode(good).unwrap();
        let flipped = |at: usize| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            URL_SAFE_NO_PAD.encode(flipped)
        };
        let secret = secret();
        let seal = |from: &str, text: &str, to: &str| resealed(&secret, (from, text), (to, &secret));
        let other_secret = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
        let bad = [
            cookie.to_owned(),
            browser.cookie("__Host-truegate-login").unwrap().to_owned(),
            seal("session/", cookie, "browser/"),
            seal("session/", cookie, "session/shop.example"),
            seal("session/", cookie, "token/shop.example"),
            seal("token/", good, "token/wiki.example"),
            seal("token/", good, "session/"),
            resealed(&secret, ("token/", good), ("token/", other_secret)),
            aged_token(&secret, good, Duration::from_hours(3)),
            flipped(0),
            flipped(8),
            flipped(40),
            flipped(bytes.len() - 1),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}{good}"),
            format!("{good}.{good}"),
            format!("truegate.{good}"),
            format!("\"{good}\""),
            format!("{good}="),
            format!("{good},"),
            format!("{good} {good}"),
            format!("{good}, Bearer truegate.{good}"),
            format!("{good}\r\nAuthorization: Bearer truegate.{good}"),
            format!("{good}\r\nAuthorization: Basic YTpi"),
            String::new(),
            "x".to_owned(),
            "A".repeat(8192),
            "ü".to_owned(),
        ];
        for path in ["/account/", "/", "/.truegate/me", "/.truegate/auth"] {
            let mut shapes = Vec::new();
            for text in &bad {
                for beside in [String::new(), format!("Cookie: {SESSION}={cookie}\r\n")] {
                    let line = bearer(&format!("truegate.{text}"));
                    let answer = asked(&scene, &format!("GET {path}"), &format!("{beside}{line}")).await;
                    assert_challenged(&answer);
                    shapes.push(shape(&answer));
                }
            }
            assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{path}: {shapes:#?}");
        }
        scene.unreached("nobody is signed in").await;
    }
}

#[tokio::test]
async fn a_token_counts_nowhere_but_in_its_own_header() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let token = log_in(&scene, user()).await;
        let text = sealed(&token);
        assert_eq!(asked(&scene, "GET /account/", &bearer(&token)).await.status(), 200);
        scene.reached().await;
        for lines in [
            format!("Cookie: {SESSION}={text}\r\n"),
            format!("Cookie: {SESSION}={token}\r\n"),
            format!("Cookie: __Secure-truegate={text}; __Host-truegate-login={text}; truegate={text}\r\n"),
            format!("Proxy-Authorization: Bearer {token}\r\n"),
            format!("X-Authorization: Bearer {token}\r\nX-Forwarded-Authorization: Bearer {token}\r\n"),
            format!("X-Truecaller-Token: {token}\r\n"),
            format!("Authorization: {token}\r\n"),
            format!("Authorization: Token {token}\r\n"),
            format!("Authorization: Bearer:{token}\r\n"),
        ] {
            let answer = asked(&scene, "GET /account/", &lines).await;
            assert_problem(&answer, 401, "not-signed-in");
            assert_eq!(answer.one("www-authenticate"), None, "{lines}");
        }
        for start in [
            format!("GET /account/?access_token={token}"),
            format!("GET /.truegate/me?access_token={token}&token={token}"),
        ] {
            assert_problem(&asked(&scene, &start, "").await, 401, "not-signed-in");
        }
        let form = format!("access_token={token}");
        let form =
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}", form.len());
        assert_problem(&asked(&scene, "POST /account/", &form).await, 401, "not-signed-in");
        let trailer = format!("Transfer-Encoding: chunked\r\n\r\n0\r\n{}", bearer(&token));
        assert_problem(&asked(&scene, "POST /account/", &trailer).await, 401, "not-signed-in");
        scene.unreached("nobody is signed in").await;
    }
}

#[tokio::test]
async fn a_rule_lets_an_app_in_as_it_lets_a_browser_in() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let own = bearer(&log_in(&scene, user()).await);
        let navigates = format!("{own}Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n");
        for lines in [&own, &navigates] {
            assert_eq!(asked(&scene, "GET /vip/", lines).await.status(), 403);
            assert_problem(&asked(&scene, "GET /public/..%2faccount/x", &own).await, 400, "ambiguous-path");
        }
        scene.unreached("it is not on the list").await;
        let vip = bearer(&log_in(&scene, AppUser::new("+447911123456").client_id(CLIENT_ID)).await);
        assert_eq!(asked(&scene, "GET /vip/", &vip).await.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-phone"), Some("+447911123456"));
    }
}

#[tokio::test]
async fn a_token_that_is_used_is_renewed_and_the_response_is_for_its_app_alone() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nExpires: 0\r\nVary: Accept, authorization\r\n\
        X-Truecaller-Token: truegate.evil\r\nx_truecaller_token: evil\r\nContent-Length: 0\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(ANSWER).await, ruled).await;
        let fresh = log_in(&scene, user()).await;
        let stale = format!("truegate.{}", aged_token(&secret(), sealed(&fresh), Duration::from_mins(20)));
        for path in ["/account/", "/", "/.truegate/me"] {
            let answer = asked(&scene, &format!("GET {path}"), &bearer(&fresh)).await;
            assert_eq!((answer.status(), answer.one("x-truecaller-token")), (200, None), "{path}: it is fresh");
            let answer = asked(&scene, &format!("GET {path}"), &bearer(&stale)).await;
            let renewed = answer.one("x-truecaller-token").expect("a new token").to_owned();
            assert!(renewed.starts_with("truegate.") && renewed != stale && renewed != fresh, "{path}");
            assert_eq!(answer.all("set-cookie"), Vec::<&str>::new(), "{path}");
            let is_own = path.starts_with("/.truegate");
            let caching = if is_own { "no-store" } else { "private, no-store" };
            assert_eq!((answer.one("cache-control"), answer.one("expires")), (Some(caching), None), "{path}");
            if !is_own {
                assert_eq!(answer.all("vary"), ["Accept, authorization", "Cookie"], "{path}");
                assert_eq!(scene.reached().await.len(), 2);
            }
            let me = asked(&scene, "GET /.truegate/me", &bearer(&renewed)).await;
            assert_eq!((me.status(), &json(&me)["phone"]), (200, &PHONE.into()), "{path}");
        }
        for (lines, varies) in [(String::new(), true), (bearer(&fresh), true), (bearer(&stale), false)] {
            let answer = asked(&scene, "GET /public/", &lines).await;
            assert_eq!(answer.all("vary"), ["Accept, authorization"], "it is the same for everyone: {varies}");
            assert_eq!(answer.one("x-truecaller-token"), None);
        }
    }
}

#[tokio::test]
async fn a_token_and_the_cookie_of_another_number_are_refused_together() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let browser = scene.signed_in().await;
        let cookie = format!("Cookie: {SESSION}={}\r\n", browser.cookie(SESSION).unwrap());
        let other = bearer(&log_in(&scene, AppUser::new("+918888888888").client_id(CLIENT_ID)).await);
        let (same, both) = (bearer(&log_in(&scene, user()).await), format!("{cookie}{other}"));
        for start in [
            "GET /account/", "GET /", "GET /.truegate/me", "GET /.truegate/auth", "GET /.truegate/login",
            "POST /.truegate/logout", "POST /.truegate/login",
        ] {
            assert_problem(&asked(&scene, start, &both).await, 400, "conflicting-sessions");
        }
        scene.unreached("it is unknown whose request it is").await;
        assert_eq!(asked(&scene, "GET /public/", &both).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), []);
        for lines in [&cookie, &other, &format!("{cookie}{same}")] {
            assert_eq!(asked(&scene, "GET /account/", lines).await.status(), 200, "each session goes on");
        }
        let claimed: Vec<_> = scene.reached().await.iter().map(claims).collect();
        assert_eq!((&claimed[0], &claimed[2]), (&known(), &of_app()), "of one user, the token counts");

        // What is over contradicts nobody.
        assert_eq!(browser.clone().post("/.truegate/logout", "").await.status(), 204);
        assert_eq!(asked(&scene, "GET /account/", &both).await.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-phone"), Some("+918888888888"));
    }
}

#[tokio::test]
async fn only_a_valid_token_stands_in_for_a_page_of_the_site() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let (token, mut victim) = (log_in(&scene, user()).await, scene.signed_in().await);
        let over = log_in(&scene, user()).await;
        assert_eq!(asked(&scene, "POST /.truegate/logout", &bearer(&over)).await.status(), 204);
        let evil = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n";
        for bad in ["truegate.garbage", &over, "truegate."] {
            for (start, lines) in [
                ("POST /.truegate/logout", evil),
                ("POST /.truegate/logout?everywhere=true", evil),
                ("POST /.truegate/logout", ""),
                ("POST /.truegate/login", evil),
                ("GET /.truegate/me", evil),
                ("GET /ws", SOCKET),
            ] {
                let answer = victim.send(start, &format!("{lines}{}", bearer(bad)), "").await;
                assert_challenged(&answer);
            }
            assert_eq!(victim.get("/.truegate/me").await.status(), 200, "the session lives");
        }
        for others in ["Bearer other", "Basic YTpi", "truegate.garbage"] {
            let lines = format!("{evil}Authorization: {others}\r\n");
            for start in ["POST /.truegate/logout", "POST /.truegate/login", "GET /.truegate/me"] {
                assert_problem(&victim.send(start, &lines, "").await, 403, "cross-site");
            }
            let socket = format!("{SOCKET}Authorization: {others}\r\n");
            assert_problem(&victim.get_with("/ws", &socket).await, 403, "cross-site");
        }
        scene.unreached("no socket is open").await;

        let own = bearer(&token);
        assert_eq!(asked(&scene, "GET /ws", &format!("{SOCKET}{own}")).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("authorization")), (of_app(), None));
        assert_eq!(asked(&scene, "GET /.truegate/me", &format!("{evil}{own}")).await.status(), 200);
        assert_eq!(asked(&scene, "POST /.truegate/login", &format!("{evil}{own}")).await.status(), 201);
        let logout = asked(&scene, "POST /.truegate/logout", &format!("{evil}{own}")).await;
        assert_eq!((logout.status(), logout.all("set-cookie")), (204, vec![]));
        assert_challenged(&asked(&scene, "GET /account/", &own).await);
        assert_eq!(victim.get("/.truegate/me").await.status(), 200, "the user's other session lives");
    }
}

#[tokio::test]
async fn a_token_that_is_replayed_after_the_logout_is_nobodys() {
    for kind in Kind::ALL {
        for (everywhere, path) in [(false, "/.truegate/logout"), (true, "/.truegate/logout?everywhere=true")] {
            let scene = Scene::with(kind, ruled).await;
            let (own, other) = (bearer(&log_in(&scene, user()).await), bearer(&log_in(&scene, user()).await));
            let mut browser = scene.signed_in().await;
            assert_eq!(asked(&scene, "GET /account/", &own).await.status(), 200);
            assert_eq!(asked(&scene, &format!("POST {path}"), &own).await.status(), 204);
            scene.reached().await;
            for lines in [own.clone(), format!("{own}Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n")] {
                for path in ["/account/", "/", "/.truegate/me", "/.truegate/auth?redirect=true"] {
                    assert_challenged(&asked(&scene, &format!("GET {path}"), &lines).await);
                }
            }
            assert_challenged(&asked(&scene, "POST /.truegate/logout", &own).await);
            scene.unreached("it is nobody's").await;
            let status = if everywhere { 401 } else { 200 };
            assert_eq!(asked(&scene, "GET /account/", &other).await.status(), status, "{path}");
            assert_eq!(browser.get("/account/").await.status(), status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_asks_hears_of_tokens_and_gets_none() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            ruled(settings);
            settings.trusted = true;
        })
        .await;
        let fresh = log_in(&scene, user()).await;
        let stale = format!("truegate.{}", aged_token(&secret(), sealed(&fresh), Duration::from_mins(20)));
        let about = |path: &str, token: &str| {
            format!("X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n{}Accept: text/html\r\n", bearer(token))
        };
        for token in [&fresh, &stale] {
            for (path, status, phone) in [
                ("/account/", 200, Some(PHONE)),
                ("/", 200, Some(PHONE)),
                ("/public/", 200, Some("")),
                ("/vip/", 403, None),
            ] {
                let answer = asked(&scene, "GET /.truegate/auth?redirect=true", &about(path, token)).await;
                assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (status, phone), "{path}");
                let given = (answer.one("x-truecaller-token"), answer.all("set-cookie"));
                assert_eq!(given, (None, vec![]), "{path}: a proxy might hand it to the app");
            }
        }
        for bad in ["truegate.garbage".to_owned(), format!("{fresh}x"), "truegate.".to_owned()] {
            for path in ["/account/", "/"] {
                assert_challenged(&asked(&scene, "GET /.truegate/auth?redirect=true", &about(path, &bad)).await);
            }
            let answer = asked(&scene, "GET /.truegate/auth", &about("/public/", &bad)).await;
            assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (200, Some("")));
        }
        let hijacked = format!("{}Origin: https://evil.example\r\nSec-WebSocket-Version: 13\r\n", about("/", &fresh));
        assert_eq!(asked(&scene, "GET /.truegate/auth", &hijacked).await.status(), 200);
    }
}

#[tokio::test]
async fn the_lines_of_http_2_are_read_as_those_of_http_1() {
    let scene = Scene::with(Kind::Tower, ruled).await;
    let token = format!("Bearer {}", log_in(&scene, user()).await);
    let stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut drive = JoinSet::new();
    drive.spawn(connection);
    for (path, lines, status, left) in [
        ("/account/", &[&*token][..], 200, &[][..]),
        ("/", &[&token, "Basic YTpi"], 401, &[]),
        ("/public/", &[&token, "Basic YTpi"], 200, &["Basic YTpi"]),
        ("/", &["Bearer other"], 200, &["Bearer other"]),
    ] {
        let mut request = Request::get(format!("http://shop.example{path}")).body(Empty::<Bytes>::new()).unwrap();
        for line in lines {
            request.headers_mut().append("authorization", line.parse().unwrap());
        }
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{path}");
        if status == 200 {
            assert_eq!(scene.reached_once().await.all("authorization"), left, "{path}");
        }
    }
    scene.unreached("two credentials are none").await;
}
