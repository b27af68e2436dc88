//! What a browser brings is worth what truegate sealed, and what it keeps is nobody else's.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};

use truegate::simulator::Call;

use crate::{
    claims::claims,
    support::{
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        raw::Message,
        recorder::Recorder,
        scene::Scene,
        seal::aged,
    },
};

const SESSION: &str = "__Host-truegate";

fn ruled(settings: &mut Settings) {
    let rules = vec![("/public/", Need::Public), ("/account/", Need::Required), ("/", Need::Optional)];
    let upstream_cookies = vec!["PHPSESSID"];
    settings.sessions = Some(Sessions { rules, upstream_cookies, ..Sessions::usual() });
}

async fn asked(scene: &Scene, path: &str, cookies: &[u8]) -> Message {
    let head = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n");
    scene.send([head.as_bytes(), cookies, b"\r\n"].concat()).await
}

/// The shape of an answer: all that a client could tell it by.
fn shape(answer: &Message) -> (String, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
    (answer.start.clone(), headers, answer.text())
}

#[tokio::test]
async fn every_bad_cookie_fares_alike() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let browser = scene.signed_in().await;
        let good = browser.cookie(SESSION).unwrap();
        let login = browser.cookie("__Host-truegate-login").unwrap();
        let sealed = URL_SAFE_NO_PAD.decode(good).unwrap();
        let flipped = |at: usize| {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            URL_SAFE_NO_PAD.encode(flipped).into_bytes()
        };
        let bad: Vec<Vec<u8>> = vec![
            flipped(0),
            flipped(7),
            flipped(8),
            flipped(40),
            flipped(sealed.len() - 1),
            good.as_bytes()[1..].to_vec(),
            good.as_bytes()[..good.len() - 1].to_vec(),
            login.as_bytes().to_vec(),
            b"".to_vec(),
            b"x".to_vec(),
            format!("\"{good}\"").into_bytes(),
            vec![b'A'; 8192],
            "ü".as_bytes().to_vec(),
            format!("{good}; {SESSION}={good}").into_bytes(),
            format!("{good}\r\nCookie: {SESSION}=x").into_bytes(),
        ];
        for path in ["/account/", "/.truegate/me", "/.truegate/auth"] {
            let mut shapes = vec![shape(&asked(&scene, path, b"").await)];
            for value in &bad {
                let answer =
                    asked(&scene, path, &[b"Cookie: a=1; __Host-truegate=", &value[..], b"\r\n"].concat()).await;
                assert_eq!(answer.status(), 401, "{path} {}", String::from_utf8_lossy(value));
                assert!(answer.all("set-cookie").is_empty(), "it may be another gateway's: {answer:#?}");
                shapes.push(shape(&answer));
            }
            assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{path}: {shapes:#?}");
        }
        scene.unreached("nobody is signed in").await;
        let answer = asked(&scene, "/", b"Cookie: __Host-truegate=x; a=1\r\n").await;
        assert!(answer.all("set-cookie").is_empty(), "{answer:#?}");
        let request = scene.reached_once().await;
        assert_eq!((claims(&request), request.one("cookie")), (vec![], Some("a=1")));
    }
}

#[tokio::test]
async fn the_cookie_of_a_session_that_is_over_is_cleared() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let good = scene.signed_in().await.cookie(SESSION).unwrap().to_owned();
        let secret = Sessions::usual().secrets.remove(0);
        let mut lines = vec![aged(&secret, &good, Duration::from_hours(3))];
        scene.send(logout(&good)).await;
        lines.push(good);
        for value in lines {
            for (path, status) in [("/account/", 401), ("/.truegate/me", 401), ("/.truegate/auth", 401), ("/a", 200)] {
                let answer = asked(&scene, path, format!("Cookie: {SESSION}={value}\r\n").as_bytes()).await;
                let lines = answer.all("set-cookie");
                assert_eq!(answer.status(), status);
                assert!(lines[0].starts_with("__Host-truegate=;") && lines[0].contains("Max-Age=0"), "{lines:?}");
                assert!(lines.contains(&"PHPSESSID=; Path=/; Max-Age=0"), "{lines:?}");
            }
        }
    }
}

fn logout(session: &str) -> String {
    let cookie = format!("Cookie: {SESSION}={session}\r\n");
    format!("POST /.truegate/logout HTTP/1.1\r\nHost: shop.example\r\nOrigin: {}\r\n{cookie}\r\n", Sessions::ORIGIN)
}

/// Two gateways at two ports of one host share their cookies.
#[tokio::test]
async fn two_gateways_on_one_host_leave_each_other_alone() {
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    for kind in Kind::ALL {
        for name in [None, Some("blog")] {
            let shop = Scene::with(kind, ruled).await;
            let change = |settings: &mut Settings| {
                ruled(settings);
                let sessions = settings.sessions.as_mut().unwrap();
                (sessions.secrets, sessions.cookie_name) = (vec![OTHER.to_owned()], name);
            };
            let blog = Scene::with(kind, change).await;
            let mut browser = shop.signed_in().await;
            let session = browser.cookie(SESSION).unwrap().to_owned();
            browser.via(blog.edge.address());
            for (path, status) in [("/", 200), ("/account/", 401), ("/.truegate/me", 401), ("/.truegate/auth", 401)] {
                let answer = browser.get(path).await;
                assert_eq!((answer.status(), browser.cookie(SESSION)), (status, Some(&*session)), "{path}");
            }
            let request = blog.reached_once().await;
            let forwarded = request.one("cookie").unwrap_or_default();
            assert_eq!(forwarded.contains(&session), name.is_some(), "what is not ours is the app's: {forwarded}");
            assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);
            assert_eq!(browser.via(shop.edge.address()).get("/account/").await.status(), 200);

            if name.is_some() {
                let request_id = browser.via(blog.edge.address()).start_login().await;
                blog.call(Call::grant(), &request_id).await;
                assert_eq!(browser.state_after(&request_id, "pending").await, "verified");
                assert!(browser.cookie("__Host-blog").is_some() && browser.cookie("__Host-blog-login").is_some());
                assert_eq!(browser.get("/account/").await.status(), 200);
                assert_eq!(browser.via(shop.edge.address()).get("/account/").await.status(), 200, "both know the user");
            }
        }
    }
}

#[tokio::test]
async fn no_cookie_of_ours_reaches_the_app_whatever_the_lines_look_like() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let good = scene.signed_in().await.cookie(SESSION).unwrap().to_owned();
        for (lines, left) in [
            (vec![format!("__Host-truegate={good}")], vec![]),
            (vec![format!("a=1;__Host-truegate={good}")], vec!["a=1"]),
            (vec![format!("__Host-truegate={good}; a=1")], vec!["a=1"]),
            (vec!["a=1".to_owned(), format!("__Host-truegate={good}"), "b=2".to_owned()], vec!["a=1", "b=2"]),
            (vec![format!("a=\"1 2\"; __Host-truegate={good};b; c=\t3")], vec!["a=\"1 2\";b; c=\t3"]),
            (vec![format!("__Host-truegate-login=x;  __Host-truegate = {good} ; a=1")], vec!["a=1"]),
            (vec![format!("__Host-truegate={good}; __HOST-TRUEGATE=x; __Host-truegate-login=")], vec![]),
        ] {
            for path in ["/", "/public/"] {
                let head: String = lines.iter().map(|line| format!("Cookie: {line}\r\n")).collect();
                assert_eq!(asked(&scene, path, head.as_bytes()).await.status(), 200);
                assert_eq!(scene.reached_once().await.all("cookie"), left, "{path} {lines:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_app_sets_a_cookie_of_ours() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nSet-Cookie: app=1\r\nSet-Cookie: __Host-truegate=evil; Path=/; Secure\r\n\
        Set-Cookie: __host-Truegate-login=evil\r\nset-cookie: app2=2; Path=/\r\nX-Truecaller-Phone: +1\r\nContent-Length: 0\r\n\r\n";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(ANSWER).await, ruled).await;
        for path in ["/", "/public/"] {
            let answer = asked(&scene, path, b"").await;
            assert_eq!(answer.all("set-cookie"), ["app=1", "app2=2; Path=/"]);
            assert_eq!(answer.one("x-truecaller-phone"), None);
        }
    }
}

#[tokio::test]
async fn a_secret_is_rotated_without_a_logout_and_a_dropped_one_logs_out() {
    const NEXT: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let browser = scene.signed_in().await;
        let old = Sessions::usual().secrets.remove(0);
        for (secrets, status) in [(vec![NEXT.to_owned(), old], 200), (vec![NEXT.to_owned()], 401)] {
            let change = |settings: &mut Settings| {
                ruled(settings);
                settings.sessions.as_mut().unwrap().secrets = secrets;
            };
            let rotated = Scene::with(kind, change).await;
            let line = format!("Cookie: {SESSION}={}\r\n", browser.cookie(SESSION).unwrap());
            assert_eq!(asked(&rotated, "/account/", line.as_bytes()).await.status(), status);
        }
    }
}

#[tokio::test]
async fn the_login_page_escapes_what_it_is_told() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for next in ["%2F%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/%22onload=%22", "%3Cimg%20src=x%20onerror=alert(1)%3E"]
        {
            let page = format!("/.truegate/login?next={next}");
            let page = scene.visitor().get_with(&page, "Accept: text/html\r\n").await;
            assert_eq!(page.status(), 200);
            let text = page.text();
            assert!(!text.contains("<script>alert") && !text.contains("<img") && !text.contains("\"onload"), "{text}");
            assert_eq!(page.one("x-content-type-options"), Some("nosniff"));
            assert_eq!(page.one("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn a_response_says_once_that_it_depends_on_the_cookies() {
    for (app, expected) in [
        ("HTTP/1.1 200 OK\r\nVary: Accept, cookie\r\nContent-Length: 2\r\n\r\nok", &["Accept, cookie"][..]),
        ("HTTP/1.1 200 OK\r\nVary: Accept\r\nVary: COOKIE\r\nContent-Length: 2\r\n\r\nok", &["Accept", "COOKIE"]),
        ("HTTP/1.1 200 OK\r\nVary: *\r\nContent-Length: 2\r\n\r\nok", &["*"]),
        ("HTTP/1.1 200 OK\r\nVary: Accept\r\nContent-Length: 2\r\n\r\nok", &["Accept", "Cookie"]),
        ("HTTP/1.1 200 OK\r\nVary: X-Cookie\r\nContent-Length: 2\r\n\r\nok", &["X-Cookie", "Cookie"]),
    ] {
        for kind in Kind::ALL {
            let scene = Scene::before(kind, Recorder::answering(app).await, ruled).await;
            assert_eq!(scene.visitor().get("/").await.all("vary"), expected);
        }
    }
}

#[tokio::test]
async fn the_cookies_of_http_2_reach_the_app_as_one_line() {
    let scene = Scene::with(Kind::Tower, ruled).await;
    let session = scene.signed_in().await.cookie(SESSION).unwrap().to_owned();
    let stream = TcpStream::connect(scene.edge.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut drive = JoinSet::new();
    drive.spawn(connection);
    let ours = format!("{SESSION}={session}");
    for (crumbs, line) in [
        (&["a=1", "b=2", "c=3; d=4"][..], Some("a=1; b=2; c=3; d=4")),
        (&["a=1", &ours, "b=2"], Some("a=1; b=2")),
        (&[&ours, "__Host-truegate-login=x"], None),
        (&["a=1; b=2"], Some("a=1; b=2")),
    ] {
        let mut request = Request::get("http://shop.example/").body(Empty::<Bytes>::new()).unwrap();
        for crumb in crumbs {
            request.headers_mut().append("cookie", crumb.parse().unwrap());
        }
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(request.all("cookie"), line.into_iter().collect::<Vec<_>>(), "{crumbs:?}");
        assert_eq!(request.one("x-truecaller-phone").is_some(), crumbs.contains(&&*ours), "{crumbs:?}");
    }
}

#[tokio::test]
async fn a_response_that_depends_on_the_user_is_for_no_shared_cache() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        for (path, vary) in [("/", Some("Cookie")), ("/public/", None)] {
            assert_eq!(scene.signed_in().await.get(path).await.one("vary"), vary);
            assert_eq!(scene.visitor().get(path).await.one("vary"), vary);
        }
    }
}
