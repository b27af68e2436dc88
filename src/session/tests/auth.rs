//! Forward-auth.

use http::Method;

use super::{
    browser::Browser,
    site::{Outcome, Site},
};
use crate::access::{Access, AllowList, Rule, Rules};

async fn ask(site: &Site, browser: &mut Browser, target: &str, headers: &[(&str, &str)]) -> Outcome {
    browser.go(site, "GET", target, headers).await
}

#[tokio::test]
async fn a_trusted_proxy_says_what_it_asks_about() {
    let site = Site::new();
    let trusted = ("trusted", "");
    for (target, headers, outcome) in [
        ("/.truegate/auth", &[][..], "401"),
        ("/.truegate/auth", &[trusted], "401"),
        ("/.truegate/auth", &[("x-forwarded-uri", "/")], "401"),
        ("/.truegate/auth/public/", &[], "401"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-uri", "/public/?a=b")], "200"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/account/")], "401"),
        ("/.truegate/auth/", &[trusted], "200"),
        ("/.truegate/auth/account/x?a", &[trusted], "401"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/"), ("x-original-uri", "/")], "200"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/"), ("x-original-uri", "/account/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/"), ("x-forwarded-uri", "/")], "400"),
        ("/.truegate/auth/account/", &[trusted, ("x-original-uri", "/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "https://shop.example/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/public/..%2faccount")], "400"),
        ("/.truegate/auth/public/%2e%2e/account/", &[trusted], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-uri", "/public/#/../../account/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-uri", "/public/?#")], "400"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/public/../account/")], "401"),
        ("/.truegate/auth", &[trusted, ("x-forwarded-uri", "/public/caf\u{e9}?\u{1f600}")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-uri", "/account/\u{e9}")], "401"),
        ("/.truegate/auth", &[("x-original-url", "https://shop.example/public/")], "401"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example/public/?a=b")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "HTTP://shop.example:8080/public/x")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "/public/")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://[::1]/public/caf\u{e9}")], "200"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example/account/?x=/public/")], "401"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example/public/../account/")], "401"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example/public/#/../../account/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example#/public/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https:///public/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://u@shop.example/public/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "https://shop.example:x/public/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "ftp://shop.example/public/")], "400"),
        ("/.truegate/auth", &[trusted, ("x-original-url", "shop.example/public/")], "400"),
        (
            "/.truegate/auth",
            &[trusted, ("x-original-url", "https://a/public/"), ("x-forwarded-uri", "/public/")],
            "200",
        ),
        (
            "/.truegate/auth",
            &[trusted, ("x-original-url", "https://a/account/"), ("x-forwarded-uri", "/public/")],
            "400",
        ),
        ("/.truegate/auth/public/", &[trusted, ("x-original-url", "https://a/account/")], "400"),
        (
            "/.truegate/auth",
            &[trusted, ("x-original-url", "https://a/public/"), ("x-original-url", "https://a/")],
            "400",
        ),
    ] {
        let outcome_now = ask(&site, &mut Browser::default(), target, headers).await.summary();
        assert_eq!(outcome_now, outcome, "{target} {headers:?}");
    }
}

#[tokio::test]
async fn a_path_is_judged_by_all_its_readings() {
    let site = Site::new();
    for (uri, outcome) in [
        ("/@scope%2fpkg", "200"),
        ("/api/v4/projects/group%2Fproject", "200"),
        ("/wiki/C%23", "200"),
        ("/sale-50%", "200"),
        ("/account/group%2Fproject", "401"),
        ("/x%2f..%2faccount", "400"),
        ("/account%23/x", "400"),
        ("/.truegate%2flogin", "400"),
        ("/x%23/../.truegate/login", "400"),
        ("/x/..%2ftruecaller/callback-x7Kq2vNf9TzR4mWb6pLd", "400"),
    ] {
        let headers = [("trusted", ""), ("x-forwarded-uri", uri)];
        let answer = ask(&site, &mut Browser::default(), "/.truegate/auth", &headers).await;
        assert_eq!(answer.summary(), outcome, "{uri}");
    }
}

#[tokio::test]
async fn a_rule_that_names_methods_needs_to_know_the_method() {
    let required = || Access::Required(AllowList::default());
    let rules = [
        Rule::new("/api".parse().unwrap(), required()).pass_preflights(),
        Rule::new("/shop".parse().unwrap(), Access::Public).methods([Method::GET]),
    ];
    let site = Site::with(|sessions| sessions.rules(Rules::from_iter(rules)));
    let (trusted, shop) = (("trusted", ""), ("x-forwarded-uri", "/shop/x"));
    let preflight = [
        trusted,
        ("x-original-uri", "/api/x"),
        ("origin", "https://app.example"),
        ("access-control-request-method", "PUT"),
    ];
    for (target, headers, outcome) in [
        ("/.truegate/auth", &[trusted, shop, ("x-forwarded-method", "GET")][..], "200"),
        ("/.truegate/auth", &[trusted, shop, ("x-original-method", "GET")], "200"),
        ("/.truegate/auth", &[trusted, shop, ("x-forwarded-method", "GET"), ("x-original-method", "GET")], "200"),
        ("/.truegate/auth", &[trusted, shop, ("x-forwarded-method", "GET"), ("x-original-method", "PUT")], "400"),
        ("/.truegate/auth", &[trusted, shop, ("x-forwarded-method", "GET"), ("x-forwarded-method", "GET")], "400"),
        ("/.truegate/auth", &[trusted, shop, ("x-original-method", "POST")], "401"),
        ("/.truegate/auth", &[trusted, shop, ("x-original-method", "get")], "401"),
        ("/.truegate/auth", &[trusted, shop], "401"),
        ("/.truegate/auth/shop/x", &[trusted], "200"),
        ("/.truegate/auth", &[shop, ("x-forwarded-method", "GET")], "401"),
        ("/.truegate/auth", &preflight, "401"),
        ("/.truegate/auth", &[&preflight[..], &[("x-original-method", "OPTIONS")]].concat(), "200"),
        ("/.truegate/auth", &[&preflight[..2], &[("x-original-method", "OPTIONS")]].concat(), "401"),
    ] {
        assert_eq!(ask(&site, &mut Browser::default(), target, headers).await.summary(), outcome, "{headers:?}");
    }
}

#[tokio::test]
async fn every_header_is_there_so_that_none_of_a_clients_stays() {
    let site = Site::new();
    let mut known = site.signed_in().await;
    let open = &[("trusted", ""), ("x-forwarded-uri", "/")];
    for (browser, phone) in [(&mut known, "+919999999999"), (&mut Browser::default(), "")] {
        let Outcome::Answered(answer) = ask(&site, browser, "/.truegate/auth", open).await else { panic!("our own") };
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-truecaller-phone"], phone);
        for name in ["status", "request-id", "user-id", "name", "given-name", "family-name", "country", "method"] {
            assert!(answer.headers().contains_key(format!("x-truecaller-{name}")), "{name}");
        }
        assert_eq!(answer.headers()["x-truecaller-request-id"], "");
        assert!(!answer.headers().contains_key("x-truecaller-assertion"), "it is not configured");
    }
    let mut broken = Browser::default();
    broken.cookies.insert("__Host-truegate".to_owned(), "broken".to_owned());
    assert_eq!(ask(&site, &mut broken, "/.truegate/auth", open).await.summary(), "200");
    assert_eq!(broken.cookies.len(), 1, "it may be another gateway's");
}

#[tokio::test]
async fn people_are_sent_to_the_login_if_the_proxy_wants_that() {
    let site = Site::new();
    let (trusted, navigates) = (("trusted", ""), ("sec-fetch-mode", "navigate"));
    let about = |uri| [trusted, ("x-forwarded-uri", uri), navigates];
    for (target, headers, outcome) in [
        ("/.truegate/auth?redirect=true", &about("/account/?a")[..], "302 /.truegate/login?next=%2Faccount%2F%3Fa"),
        (
            "/.truegate/auth?redirect=true",
            &[about("/account/").as_slice(), &[("x-forwarded-host", "shop.example")]].concat(),
            "302 /.truegate/login?next=%2Faccount%2F",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[about("/account/").as_slice(), &[("x-forwarded-host", "evil.example")]].concat(),
            "302 /.truegate/login?next=%2F",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[about("/account/").as_slice(), &[("x-forwarded-method", "POST")]].concat(),
            "401",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[trusted, navigates, ("x-original-url", "https://shop.example/account/\u{e9}?a")],
            "302 /.truegate/login?next=%2Faccount%2F%25C3%25A9%3Fa",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[trusted, navigates, ("x-original-url", "https://evil.example/account/")],
            "302 /.truegate/login?next=%2F",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[
                trusted,
                navigates,
                ("x-original-url", "https://shop.example/account/"),
                ("x-forwarded-host", "evil.example"),
            ],
            "302 /.truegate/login?next=%2F",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[trusted, navigates, ("x-original-url", "https://shop.example/account/"), ("x-original-method", "POST")],
            "401",
        ),
        (
            "/.truegate/auth?redirect=true",
            &[about("/account/").as_slice(), &[("x-forwarded-method", "GET"), ("x-original-method", "POST")]].concat(),
            "400",
        ),
        ("/.truegate/auth?redirect=true", &[("sec-fetch-mode", "navigate")], "302 /.truegate/login?next=%2F"),
        ("/.truegate/auth?redirect=true", &[], "401"),
        ("/.truegate/auth?redirect=1", &about("/account/"), "401"),
        ("/.truegate/auth", &about("/account/"), "401"),
    ] {
        assert_eq!(ask(&site, &mut Browser::default(), target, headers).await.summary(), outcome, "{headers:?}");
    }
}

#[tokio::test]
async fn a_web_socket_of_another_sites_page_is_refused_however_it_is_asked_about() {
    let site = Site::new();
    for lines in [
        &[("upgrade", "websocket")][..],
        &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
        &[("sec-websocket-version", "13")],
    ] {
        for (origin, outcome) in [("https://evil.shop.example", "403"), ("https://shop.example", "200")] {
            let about = [("trusted", ""), ("x-forwarded-uri", "/"), ("origin", origin)];
            let mut browser = site.signed_in().await;
            let answer = ask(&site, &mut browser, "/.truegate/auth", &[&about[..], lines].concat()).await;
            assert_eq!(answer.summary(), outcome, "{lines:?} {origin}");
        }
    }
}
