//! The places that people are led to: on any host of the site, and on no other.

use bytes::Bytes;
use http::{Request, Response, header};

use super::{
    browser::Browser,
    hosts::{LOGIN, WIKI, apart, on, shared, signed_in, urls},
    site::{Outcome, Site},
};
use crate::session::{ReturnUrl, SameSite};

fn location(response: &Response<Bytes>) -> Option<&str> {
    response.headers().get(header::LOCATION).map(|location| location.to_str().unwrap())
}

#[tokio::test]
async fn a_login_returns_to_any_host_of_the_site_and_to_no_other() {
    for site in [apart(), shared()] {
        let mut browser = signed_in(&site, LOGIN).await;
        for (next, target) in [
            ("https://wiki.shop.example/a?b", "https://wiki.shop.example/a?b"),
            ("https://wiki.shop.example", "https://wiki.shop.example/"),
            ("/a", "/a"),
            ("https://evil.example/", "/"),
            ("https://wiki.shop.example.evil.example/", "/"),
            ("https://wiki.shop.example@evil.example/", "/"),
            ("https://wiki.shop.example:8443/", "/"),
            ("http://wiki.shop.example/", "/"),
            ("//wiki.shop.example/", "/"),
            ("https://wiki.shop.example//evil.example", "/"),
            ("https://wiki.shop.example/.truegate/logout", "/"),
        ] {
            let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let page = browser.ask(&site, "GET", &format!("/.truegate/login?next={query}"), &[]).await;
            assert_eq!((page.status().as_u16(), location(&page)), (302, Some(target)), "{next}");

            let stranger = on(LOGIN);
            let origin = ("origin", "https://login.shop.example");
            let mut request = stranger.request("POST", "/.truegate/login", &[origin]);
            *request.body_mut() = serde_json::json!({ "next": next }).to_string().into();
            let Outcome::Answered(started) = site.send(request).await else { panic!("it is truegate's own") };
            let started: serde_json::Value = serde_json::from_slice(started.body()).unwrap();
            assert_eq!(started["next"], target, "{next}");
        }
    }
}

#[tokio::test]
async fn a_logout_leads_to_any_host_of_the_site_and_to_no_other() {
    let site = shared();
    for (next, target) in [
        ("https://wiki.shop.example/bye", "https://wiki.shop.example/bye"),
        ("https://evil.example/", "/"),
        ("https://wiki.shop.example@evil.example/", "/"),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = on(LOGIN).ask(&site, "GET", &format!("/.truegate/logout?next={query}"), &[]).await;
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let is_elsewhere = target.starts_with("https:");
        assert_eq!(policy.contains("form-action 'self' https://wiki.shop.example;"), is_elsewhere, "{policy}");

        let own = [("origin", "https://login.shop.example"), ("content-type", "application/x-www-form-urlencoded")];
        let mut request: Request<Bytes> = on(LOGIN).request("POST", "/.truegate/logout", &own);
        *request.body_mut() = format!("next={query}").into();
        let Outcome::Answered(done) = site.send(request).await else { panic!("it is truegate's own") };
        assert_eq!((done.status().as_u16(), location(&done)), (303, Some(target)), "{next}");
    }
}

#[tokio::test]
async fn a_person_who_came_by_an_alias_is_led_to_the_nearest_host() {
    let site = apart();
    let page = [("sec-fetch-mode", "navigate")];
    for (alias, origin) in
        [("wiki.shop.example.", "https://wiki.shop.example"), ("wiki.shop.example:8443", "https://wiki.shop.example")]
    {
        let led = on(alias).ask(&site, "GET", "/.truegate/login?next=%2Fa", &page).await;
        assert_eq!(location(&led), Some(&*format!("{origin}/.truegate/login?next=%2Fa&alias=1")), "{alias}");
    }
    let unknown = on("www.shop.example").ask(&site, "GET", "/.truegate/login?next=%2Fa", &page).await;
    assert_eq!(unknown.status(), 421);
}

#[tokio::test]
async fn forward_auth_leads_to_the_login_of_the_host_that_was_asked_for() {
    for site in [apart(), shared()] {
        let known = signed_in(&site, WIKI).await;
        let about = [("trusted", ""), ("sec-fetch-mode", "navigate"), ("x-forwarded-uri", "/account/")];
        let url = ("x-original-url", "https://wiki.shop.example/account/");
        for (host, lines, outcome) in [
            (WIKI, &[about[0], about[1], about[2]][..], "302 /.truegate/login?next=%2Faccount%2F"),
            (
                "truegate:8080",
                &[about[0], about[1], about[2], ("x-forwarded-host", WIKI)],
                "302 /.truegate/login?next=%2Faccount%2F",
            ),
            (
                "truegate:8080",
                &[about[0], about[1], url],
                "302 https://wiki.shop.example/.truegate/login?next=%2Faccount%2F",
            ),
            (WIKI, &[about[0], about[1], url], "302 /.truegate/login?next=%2Faccount%2F"),
            (LOGIN, &[about[0], about[1], url], "400"),
            (LOGIN, &[about[0], about[1], url, ("x-forwarded-host", LOGIN)], "400"),
            (WIKI, &[about[0], about[1], about[2], ("x-forwarded-host", "evil.example")], "421"),
        ] {
            let answer = on(host).go(&site, "GET", "/.truegate/auth?redirect=true", lines).await;
            assert_eq!(answer.summary(), outcome, "{host} {lines:?}");
            if outcome.starts_with("302") {
                let mut known = Browser { host: host.to_owned(), ..known.clone() };
                assert_eq!(known.go(&site, "GET", "/.truegate/auth", lines).await.summary(), "200", "{host} {lines:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_strict_session_is_asked_for_from_a_page_of_its_own() {
    let site = Site::with(|sessions| sessions.same_site(SameSite::Strict));
    let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")];
    let first = Browser::default().ask(&site, "GET", "/.truegate/login?next=%2Fa", &page).await;
    assert_eq!((first.status().as_u16(), &first.headers()[header::REFRESH]), (200, &"0".parse().unwrap()));
    for from in ["same-origin", "none"] {
        let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-site", from)];
        let next = Browser::default().ask(&site, "GET", "/.truegate/login?next=%2Fa", &page).await;
        assert!(!next.headers().contains_key(header::REFRESH), "{from}: it ends");
    }
    let lax = Browser::default().ask(&Site::new(), "GET", "/.truegate/login", &page).await;
    assert!(!lax.headers().contains_key(header::REFRESH));
}

#[tokio::test]
async fn another_way_to_log_in_knows_the_host_to_return_to() {
    for (fallback, next, link) in [
        ("/sms", "/a", "/sms?next=%2Fa"),
        (
            "https://login.shop.example/sms?by=1",
            "/a",
            "https://login.shop.example/sms?by=1&amp;next=https%3A%2F%2Fwiki.shop.example%2Fa",
        ),
    ] {
        let page = ReturnUrl::parse(fallback, &urls()).unwrap();
        let site = Site::of(urls(), |sessions| sessions.fallback(page));
        let login = on(WIKI).ask(&site, "GET", &format!("/.truegate/login?next={next}"), &[]).await;
        let html = String::from_utf8(login.body().to_vec()).unwrap().replace("&#x2f;", "/");
        assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
    }
}
