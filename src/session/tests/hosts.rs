//! A site with several hosts.

use std::time::Duration;

use http::header;

use super::{
    browser::Browser,
    site::{Outcome, Site},
};
use crate::session::{CookieDomain, PublicUrl, PublicUrls, UpstreamCookie};

pub(super) const LOGIN: &str = "login.shop.example";
pub(super) const WIKI: &str = "wiki.shop.example";

pub(super) fn urls() -> PublicUrls {
    let url = |host: &str| PublicUrl::parse(&format!("https://{host}")).unwrap();
    PublicUrls::new(url(LOGIN), [url(WIKI)]).unwrap()
}

/// Two hosts, each with its own sessions.
pub(super) fn apart() -> Site {
    Site::of(urls(), |sessions| sessions)
}

/// Two hosts that share their sessions.
pub(super) fn shared() -> Site {
    Site::of(urls().share_sessions("shop.example".parse::<CookieDomain>().unwrap()).unwrap(), |sessions| sessions)
}

/// A browser on a host, which keeps the cookies of this host and of its domain.
pub(super) fn on(host: &str) -> Browser {
    Browser::on(host)
}

/// The same browser on another host of the domain: it keeps what is not for one host alone.
fn moves(browser: &Browser, host: &str) -> Browser {
    let mut other = on(host);
    let shared = browser.cookies.iter().filter(|(name, _)| !name.starts_with("__Host-"));
    other.cookies.extend(shared.map(|(name, value)| (name.clone(), value.clone())));
    other
}

pub(super) async fn signed_in(site: &Site, host: &str) -> Browser {
    let mut browser = on(host);
    site.sign_in(&mut browser, "a-token").await;
    browser
}

#[tokio::test]
async fn each_host_has_its_own_login_and_its_own_sessions() {
    let site = apart();
    let mut on_login = signed_in(&site, LOGIN).await;
    assert_eq!(on_login.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");

    let mut on_wiki = on(WIKI);
    let page = [("sec-fetch-mode", "navigate")];
    let sent = on_wiki.go(&site, "GET", "/account/", &page).await.summary();
    assert_eq!(sent, "302 /.truegate/login?next=%2Faccount%2F", "the login of the very host");
    site.sign_in(&mut on_wiki, "another-token").await;
    assert_eq!(on_wiki.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");

    on_wiki.ask(&site, "POST", "/.truegate/logout", &[("origin", "https://wiki.shop.example")]).await;
    assert_eq!(on_wiki.go(&site, "GET", "/account/", &[]).await.summary(), "401");
    assert_eq!(on_login.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");

    site.sign_in(&mut on_wiki, "a-token").await;
    on_login.ask(&site, "POST", "/.truegate/logout?everywhere=true", &[("origin", "https://login.shop.example")]).await;
    assert_eq!(
        on_wiki.go(&site, "GET", "/account/", &[]).await.summary(),
        "401",
        "all of the user's sessions are over"
    );
}

#[tokio::test]
async fn no_session_is_carried_to_another_host() {
    let site = apart();
    let mut own = signed_in(&site, LOGIN).await;
    // An app that sees the cookie of its host, behind a proxy that passes it on, can use it there only.
    for is_remembered in [false, true] {
        let mut copied = on(WIKI);
        copied.cookies.clone_from(&own.cookies);
        for (target, outcome) in [("/account/", "401"), ("/", "passed unknown"), ("/.truegate/me", "401")] {
            assert_eq!(copied.go(&site, "GET", target, &[]).await.summary(), outcome, "{target} {is_remembered}");
        }
        let asked = [("trusted", ""), ("x-forwarded-uri", "/account/"), ("x-forwarded-host", WIKI)];
        let mut by_proxy = Browser { host: "truegate:8080".to_owned(), ..own.clone() };
        assert_eq!(by_proxy.go(&site, "GET", "/.truegate/auth", &asked).await.summary(), "401");
        assert_eq!(own.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    }
}

#[tokio::test]
async fn no_login_is_carried_to_another_host() {
    for site in [apart(), shared()] {
        let mut browser = on(LOGIN);
        let request_id = browser.start(&site).await;
        assert_eq!(site.grant(&request_id, "a-token").await, 204);
        site.tasks.run();
        let mut copied = on(WIKI);
        copied.cookies.clone_from(&browser.cookies);
        assert_eq!(copied.state(&site, &request_id).await, "expired");
        assert_eq!(browser.state(&site, &request_id).await, "verified");
    }
}

#[tokio::test]
async fn one_login_is_for_all_hosts_of_a_domain_and_so_is_a_logout() {
    let site = shared();
    let mut on_login = signed_in(&site, LOGIN).await;
    let mut on_wiki = moves(&on_login, WIKI);
    assert_eq!(on_wiki.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");

    // The renewed cookie is for all of them, too.
    site.advance(Duration::from_mins(30));
    assert_eq!(on_wiki.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    let mut on_login_again = moves(&on_wiki, LOGIN);
    site.advance(Duration::from_mins(100));
    assert_eq!(on_login_again.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");

    on_wiki.ask(&site, "POST", "/.truegate/logout", &[("origin", "https://wiki.shop.example")]).await;
    assert!(!on_wiki.cookies.contains_key("__Secure-truegate"));
    for browser in [&mut on_login, &mut on_login_again] {
        assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "401", "a copy is worth nothing");
    }
}

#[tokio::test]
async fn sessions_of_one_host_and_of_a_domain_are_two_things() {
    let (apart, shared) = (apart(), shared());
    let (own, of_all) = (signed_in(&apart, LOGIN).await, signed_in(&shared, LOGIN).await);
    let (host, secure) = (&own.cookies["__Host-truegate"], &of_all.cookies["__Secure-truegate"]);
    for (site, name, value, outcome) in [
        (&apart, "__Host-truegate", host, "passed known"),
        (&apart, "__Host-truegate", secure, "401"),
        (&apart, "__Secure-truegate", secure, "401"),
        (&apart, "__Secure-truegate", host, "401"),
        (&shared, "__Secure-truegate", secure, "passed known"),
        (&shared, "__Secure-truegate", host, "401"),
        (&shared, "__Host-truegate", host, "401"),
        (&shared, "__Host-truegate", secure, "401"),
    ] {
        let mut browser = on(LOGIN);
        browser.cookies.insert(name.to_owned(), value.clone());
        assert_eq!(browser.go(site, "GET", "/account/", &[]).await.summary(), outcome, "{name}");
    }
    // A browser that kept the cookie from before the setting was changed is not locked out.
    for (site, mut browser, other) in [(&apart, own.clone(), &of_all), (&shared, of_all.clone(), &own)] {
        let before = other.cookies.iter().filter(|(name, _)| !name.ends_with("-login"));
        browser.cookies.extend(before.map(|(name, value)| (name.clone(), value.clone())));
        assert_eq!(browser.go(site, "GET", "/account/", &[]).await.summary(), "passed known");
    }
}

/// A request with several cookies of the session's name, as a browser sends those of several paths and domains.
async fn tossed(site: &Site, values: &[&str], headers: &[(&str, &str)]) -> Outcome {
    let pairs: Vec<_> = values.iter().map(|value| format!("__Secure-truegate={value}")).collect();
    let line = pairs.join("; ");
    let lines = [headers, &[("cookie", &*line)]].concat();
    site.send(on(WIKI).request("GET", "/account/orders", &lines)).await
}

#[tokio::test]
async fn what_another_host_adds_to_a_shared_session_does_not_hide_it() {
    let site = shared();
    let own = signed_in(&site, LOGIN).await.cookies["__Secure-truegate"].clone();
    for values in [&["x", &*own][..], &[&*own, "x"], &["", &*own, "x", "y"]] {
        assert_eq!(tossed(&site, values, &[]).await.summary(), "passed known", "{values:?}");
    }
    let attackers = signed_in(&site, WIKI).await.cookies["__Secure-truegate"].clone();
    for values in [&[&*own, &*attackers][..], &[&*own, &*own], &["1", "2", "3", "4", &*own]] {
        let refused = tossed(&site, values, &[]).await;
        assert_eq!(refused.summary(), "401", "it is unknown which is the user's own");
        for line in [
            "__Secure-truegate=; Secure; Path=/account; Domain=shop.example; Max-Age=0",
            "__Secure-truegate=; Secure; Path=/account/orders; Max-Age=0",
        ] {
            assert!(refused.cookies().contains(&line), "{line}: the user can log in again");
        }
    }
}

#[tokio::test]
async fn a_form_is_taken_from_the_pages_of_its_own_host_only() {
    for site in [apart(), shared()] {
        for (origin, status) in [("https://wiki.shop.example", 201), ("https://login.shop.example", 403)] {
            let answer = on(WIKI).ask(&site, "POST", "/.truegate/login", &[("origin", origin)]).await;
            assert_eq!(answer.status(), status, "{origin}");
        }
    }
}

#[tokio::test]
async fn a_web_socket_is_opened_by_the_pages_of_its_own_host_and_of_listed_origins() {
    let domain = "shop.example".parse::<CookieDomain>().unwrap();
    let site = Site::of(urls().share_sessions(domain).unwrap(), |sessions| {
        sessions.websocket_origins([PublicUrl::parse("https://app.example").unwrap()])
    });
    let on_wiki = signed_in(&site, WIKI).await;
    for (origins, outcome) in [
        (&["https://wiki.shop.example"][..], "passed known"),
        (&["https://app.example"], "passed known"),
        (&["https://APP.example"], "passed known"),
        (&[], "passed known"),
        (&["https://login.shop.example"], "403"),
        (&["https://app.example:8443"], "403"),
        (&["http://app.example"], "403"),
        (&["https://app.example.evil"], "403"),
        (&["https://evil.app.example"], "403"),
        (&["https://app.example/"], "403"),
        (&["https://app.example "], "passed known"),
        (&["https://app.example https://evil.example"], "403"),
        (&["https://app.example", "https://evil.example"], "403"),
        (&["https://wiki.shop.example", "https://app.example"], "403"),
        (&["null"], "403"),
    ] {
        let lines: Vec<_> = origins.iter().map(|origin| ("origin", origin.trim())).collect();
        let lines = [&lines[..], &[("upgrade", "websocket"), ("connection", "upgrade")]].concat();
        let outcome_now = on_wiki.clone().go(&site, "GET", "/", &lines).await.summary();
        assert_eq!(outcome_now, outcome, "{origins:?}");
        let asked = [&lines[..], &[("trusted", ""), ("x-forwarded-uri", "/"), ("x-forwarded-host", WIKI)]].concat();
        let asked = on_wiki.clone().go(&site, "GET", "/.truegate/auth", &asked).await.summary();
        assert_eq!(asked == "403", outcome == "403", "{origins:?}");
    }
}

#[tokio::test]
async fn an_apps_cookie_belongs_to_its_host_unless_it_is_listed_with_a_domain() {
    let cookie = |name: &str| name.parse::<UpstreamCookie>().unwrap();
    let listed = [cookie("sid"), cookie("hub").domain("shop.example").unwrap()];
    let domain = "shop.example".parse::<CookieDomain>().unwrap();
    let site = Site::of(urls().share_sessions(domain).unwrap(), |sessions| sessions.upstream_cookies(listed));
    let mut on_login = signed_in(&site, LOGIN).await;
    on_login.set_by_app(&site, &["sid=1; Domain=shop.example", "hub=2; Domain=shop.example"]).await;
    let seen = |headers: &http::HeaderMap| {
        headers.get(header::COOKIE).map_or(String::new(), |line| line.to_str().unwrap().to_owned())
    };
    assert_eq!(seen(&on_login.pass(&site, "/").await), "hub=2; sid=1");
    // The app of one host could otherwise choose the session that a user has in another.
    let mut on_wiki = moves(&on_login, WIKI);
    assert_eq!(seen(&on_wiki.pass(&site, "/").await), "hub=2");
}
