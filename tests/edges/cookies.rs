//! Who gets the session cookie and session tokens, and how the cookie stays fresh.

use std::time::Duration;

use crate::{
    proxy::Kind,
    scene::{PHONE, SECRET, SESSION, Scene},
    support::seal::{aged, aged_token, resealed},
};

#[tokio::test]
async fn the_session_stays_with_truegate_and_the_apps_cookies_pass() {
    // Traefik has no way to take a cookie out of a request, and its page says so.
    for kind in [Kind::Nginx, Kind::Caddy, Kind::Envoy] {
        let scene = Scene::of(kind).await;
        let browser = scene.signed_in().await;
        let session = format!("{SESSION}={}", browser.cookie(SESSION).unwrap());
        let login = "__Host-truegate-login=x";
        for (line, kept) in [
            (session.clone(), &[][..]),
            (format!("{session};"), &[][..]),
            (format!("a=1; {session}"), &["a=1"]),
            (format!("{session}; a=1"), &["a=1"]),
            (format!("a=1; {session}; b=\"2 3\""), &["a=1", "b=\"2 3\""]),
            (format!("a=1;{session};b=2"), &["a=1", "b=2"]),
            (format!("{login}; a=1; {session}; b=2"), &["a=1", "b=2"]),
            (format!("a=1; {session}; {login}"), &["a=1"]),
            (format!("a=1; {session}\r\nCookie: b=2"), &["a=1", "b=2"]),
            (format!("a=1\r\nCookie: {login}; {session}; b=2"), &["a=1", "b=2"]),
            ("a=1; b=2".to_owned(), &["a=1", "b=2"]),
        ] {
            let answer = scene.visitor().get_with("/cart", &format!("Cookie: {line}\r\n")).await;
            assert_eq!(answer.status(), 200, "{line}");
            let request = scene.reached_once().await;
            let lines = request.all("cookie").join(";");
            let pairs: Vec<_> = lines.split(';').map(str::trim).filter(|pair| !pair.is_empty()).collect();
            assert_eq!(pairs, kept, "{line}");
            // A browser sends one line over HTTP/1.1. Of two, Envoy makes one that reads as other pairs.
            if kind != Kind::Envoy || !line.contains("\r\n") {
                assert_eq!(request.one("x-truecaller-phone") == Some(PHONE), line.contains(&session), "{line}");
            }
        }
        for line in [
            format!("a=1; {session}; {session}"),
            format!("{session}; {session}; {session}\r\nCookie: {session}"),
            format!("a=1; __HOST-truegate=x; {session}"),
            "a=1; __Host-truegate =x".to_owned(),
            format!("a=1; \t{SESSION}\t=x; {session}"),
            format!("a=\"1; {session}; 2\""),
            format!("a={session}"),
        ] {
            let answer = scene.visitor().get_with("/cart", &format!("Cookie: {line}\r\n")).await;
            assert!([200, 400].contains(&answer.status()), "{line}");
            let reached = scene.reached().await;
            assert!(!format!("{reached:?}").to_ascii_lowercase().contains("__host-truegate"), "{line}: {reached:#?}");
        }
    }
}

#[tokio::test]
async fn a_session_token_stays_with_truegate_and_other_credentials_pass() {
    // Traefik has no way to take a line out by its value, and its page says so.
    for kind in [Kind::Nginx, Kind::Caddy, Kind::Envoy] {
        let scene = Scene::of(kind).await;
        for (line, passes) in [
            ("Bearer truegate.x", false),
            ("bearer  truegate.x", false),
            ("BEARER\ttruegate.", false),
            ("Bearer other, Bearer truegate.x", false),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.truegate.x", true),
            ("Basic dHJ1ZWdhdGU6eA==", true),
            ("Digest username=\"a, b\", realm=\"Bearer\"", true),
        ] {
            let answer = scene.visitor().get_with("/public/x", &format!("Authorization: {line}\r\n")).await;
            assert_eq!(answer.status(), 200, "{line}");
            let kept = if passes { vec![line] } else { vec![] };
            assert_eq!(scene.reached_once().await.all("authorization"), kept, "{line}");
        }
    }
}

#[tokio::test]
async fn the_sites_own_app_is_known_by_its_token_until_the_logout() {
    let native = "native:\n  client_id: a-client-id\n  token_endpoint: http://127.0.0.1:1/token\n  \
                  userinfo_endpoint: http://127.0.0.1:1/userinfo\n  missed_call_endpoint: http://127.0.0.1:1/number\n";
    for kind in Kind::ALL {
        let scene = Scene::edited(kind, native, |text| text).await;
        let browser = scene.signed_in().await;
        let fresh = resealed(SECRET, ("session/", browser.cookie(SESSION).unwrap()), ("token/", SECRET));
        let stale = aged_token(SECRET, &fresh, Duration::from_mins(20));
        let over = aged_token(SECRET, &fresh, Duration::from_hours(3));
        let bearer = |token: &str| format!("Authorization: Bearer truegate.{token}\r\n");
        for token in [&fresh, &stale] {
            let answer = scene.visitor().get_with("/account/", &bearer(token)).await;
            assert_eq!((answer.status(), answer.one("x-truecaller-token")), (200, None));
            let request = scene.reached_once().await;
            assert_eq!(request.one("x-truecaller-phone"), Some(PHONE));
            assert_eq!(request.one("x-truecaller-token").unwrap_or_default(), "");
            assert!(request.one("authorization").is_none() || kind == Kind::Traefik, "{request:#?}");
        }
        for token in [&over, "garbage"] {
            for path in ["/account/", "/cart"] {
                for lines in ["", "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n"] {
                    let answer = scene.visitor().get_with(path, &format!("{lines}{}", bearer(token))).await;
                    assert_eq!((answer.status(), answer.one("location")), (401, None), "{path} {lines}");
                    let challenge = answer.one("www-authenticate");
                    assert_eq!(challenge, Some("Bearer error=\"invalid_token\""), "{path} {lines}");
                }
            }
        }
        scene.unreached("the token is over").await;

        let me = scene.visitor().get_with("/.truegate/me", &bearer(&stale)).await;
        let renewed = me.one("x-truecaller-token").expect("a new token").strip_prefix("truegate.").unwrap();
        assert_eq!(scene.visitor().get_with("/account/", &bearer(renewed)).await.status(), 200);
        assert_eq!(scene.visitor().send("POST /.truegate/logout", &bearer(renewed), "").await.status(), 204);
        assert_eq!(scene.visitor().get_with("/account/", &bearer(renewed)).await.status(), 401);
        assert_eq!(scene.reached().await.len(), 1);
    }
}

#[tokio::test]
async fn a_session_that_is_used_gets_a_fresh_cookie() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut browser = scene.signed_in().await;
        assert_eq!(browser.get("/cart").await.one("set-cookie"), None, "it is fresh");
        let stale = aged(SECRET, browser.cookie(SESSION).unwrap(), Duration::from_mins(20));
        browser.set_cookie(SESSION, &stale);
        let answer = browser.get("/cart").await;
        assert_eq!(answer.status(), 200);
        let line = answer.one("set-cookie").expect("a fresh cookie");
        assert!(line.starts_with("__Host-truegate="), "{line}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=7200"] {
            assert!(line.split("; ").any(|said| said == attribute), "{attribute}: {line}");
        }
        assert_ne!(browser.cookie(SESSION), Some(stale.as_str()));
        assert_eq!(browser.get("/account/").await.status(), 200, "it is worth as much");
        assert_eq!(scene.reached().await.len(), 3);
    }
}
