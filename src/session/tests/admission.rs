//! Who gets to the app, and as whom.

use std::str::FromStr as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};

use super::{
    browser::Browser,
    site::{Outcome, Site},
};
use crate::{
    access::{Access, AllowEntry, AllowList, Rule, Rules},
    session::UpstreamCookie,
};

#[tokio::test]
async fn what_needs_an_identity_sends_people_to_the_login_and_refuses_programs() {
    let site = Site::new();
    for (target, headers, outcome) in [
        (
            "/account/a?b=c&d",
            &[("sec-fetch-mode", "navigate")][..],
            "302 /.truegate/login?next=%2Faccount%2Fa%3Fb%3Dc%26d",
        ),
        ("/account/", &[("accept", "text/html")], "302 /.truegate/login?next=%2Faccount%2F"),
        ("/account/", &[("accept", "application/json")], "401"),
        ("/account/", &[("upgrade", "websocket"), ("connection", "upgrade"), ("accept", "text/html")], "401"),
        ("/account/..%2fx", &[("accept", "text/html")], "400"),
        ("/public/../account/", &[], "401"),
        ("/ACCOUNT/", &[], "400"),
        ("/", &[], "passed unknown"),
        ("/public/", &[], "passed unknown"),
        ("/.truegate/x", &[], "404"),
        ("/.TrueGate/login", &[], "404"),
    ] {
        assert_eq!(
            Browser::default().go(&site, "GET", target, headers).await.summary(),
            outcome,
            "{target} {headers:?}"
        );
    }
    assert_eq!(Browser::default().go(&site, "POST", "/account/", &[("accept", "text/html")]).await.summary(), "401");
    assert_eq!(site.signed_in().await.go(&site, "GET", "/public/", &[]).await.summary(), "passed unknown");
}

#[tokio::test]
async fn a_site_without_rules_is_closed() {
    let site = Site::with(|sessions| sessions.rules(Rules::default()));
    for target in ["/", "/x", "/public/", "*"] {
        assert_eq!(Browser::default().go(&site, "GET", target, &[]).await.summary(), "401", "{target}");
        assert_eq!(site.signed_in().await.go(&site, "GET", target, &[]).await.summary(), "passed known", "{target}");
    }
}

#[tokio::test]
async fn an_allow_list_is_for_those_on_it() {
    let list = AllowList::only([AllowEntry::Prefix("+9199".parse().unwrap())]);
    let open = Rule::new("/".parse().unwrap(), Access::Optional);
    let rules = [Rule::new("/vip/".parse().unwrap(), Access::Required(list)), open];
    let site = Site::with(|sessions| sessions.rules(Rules::from_iter(rules)));
    let mut other = Browser::default();
    site.sign_in(&mut other, "another").await;
    let headers = &[("accept", "text/html")];
    assert_eq!(site.signed_in().await.go(&site, "GET", "/vip/", headers).await.summary(), "passed known");
    assert_eq!(other.go(&site, "GET", "/vip/", headers).await.summary(), "403");
    assert_eq!(
        other.go(&site, "GET", "/.truegate/auth", &[("trusted", ""), ("x-forwarded-uri", "/vip/")]).await.summary(),
        "403"
    );
    assert_eq!(Browser::default().go(&site, "GET", "/vip/x", &[]).await.summary(), "401");
}

#[tokio::test]
async fn every_bad_cookie_fares_alike() {
    let site = Site::with(|sessions| sessions.upstream_cookies([UpstreamCookie::from_str("app").unwrap()]));
    let good = site.signed_in().await.cookies["__Host-truegate"].clone();
    let browser_cookie = site.signed_in().await.cookies["__Host-truegate-login"].clone();
    let sealed = URL_SAFE_NO_PAD.decode(&good).unwrap();
    let flipped = (0..sealed.len()).map(|at| {
        let mut flipped = sealed.clone();
        flipped[at] ^= 0x40;
        URL_SAFE_NO_PAD.encode(flipped)
    });
    let others = [
        "",
        "x",
        "\"\"",
        &format!("\"{good}\""),
        &good[1..],
        &good[..good.len() - 1],
        &browser_cookie,
        &"A".repeat(8192),
        "ü",
    ]
    .map(str::to_owned);
    for value in flipped.chain(others) {
        for (target, outcome) in
            [("/", "passed unknown"), ("/account/", "401"), ("/.truegate/me", "401"), ("/.truegate/auth", "401")]
        {
            let line = HeaderValue::from_bytes(format!("app=1; __Host-truegate={value}").as_bytes()).unwrap();
            let mut request = Browser::default().request("GET", target, &[]);
            request.headers_mut().insert(header::COOKIE, line);
            let result = site.send(request).await;
            assert_eq!(result.summary(), outcome, "{target} {value}");
            let expired: Vec<_> = result.cookies().iter().filter(|line| line.contains("Max-Age=0")).copied().collect();
            let apps: &[_] = if target == "/" { &["app=; Path=/; Max-Age=0"] } else { &[] };
            assert_eq!(expired, apps, "{target} {value}: it may be another gateway's");
        }
    }
}

#[tokio::test]
async fn two_session_cookies_are_as_none() {
    let site = Site::new();
    let good = site.signed_in().await.cookies["__Host-truegate"].clone();
    for lines in [
        &[format!("__Host-truegate={good}; __Host-truegate=x")][..],
        &[format!("__Host-truegate={good}; __Host-truegate={good}")],
        &[format!("__Host-truegate={good}"), "__Host-truegate=x".to_owned()],
    ] {
        let mut request = Browser::default().request("GET", "/account/", &[]);
        for line in lines {
            request.headers_mut().append(header::COOKIE, line.parse().unwrap());
        }
        assert_eq!(site.send(request).await.summary(), "401");
    }
}

#[tokio::test]
async fn our_cookies_are_between_the_browser_and_us() {
    let site = Site::new();
    let lines = ["a=1;__Host-truegate=x", "__Host-truegate-login=y", "b=\"2\" ;c", " __Host-truegate = z; d=4"];
    for target in ["/", "/public/"] {
        let mut request = Browser::default().request("GET", target, &[]);
        for line in lines {
            request.headers_mut().append(header::COOKIE, line.parse().unwrap());
        }
        let Outcome::Passed { request, .. } = site.send(request).await else { panic!("it is open") };
        let cookies: Vec<_> = request.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1", "b=\"2\" ;c", "d=4"]);
    }

    let mut response = HeaderMap::new();
    for line in ["app=1", "__Host-truegate=evil; Path=/; Secure", "__host-TRUEGATE-login=evil", "app2=2"] {
        response.append(header::SET_COOKIE, line.parse().unwrap());
    }
    site.gate.strip_response(&mut response);
    assert_eq!(response.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["app=1", "app2=2"]);
}

#[tokio::test]
async fn another_sites_page_opens_no_web_socket_in_a_users_name() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    let socket = |origin| [("upgrade", "websocket"), ("connection", "upgrade"), ("origin", origin)];
    for (origin, outcome) in
        [("https://shop.example", "passed known"), ("https://evil.shop.example", "403"), ("null", "403")]
    {
        assert_eq!(browser.go(&site, "GET", "/", &socket(origin)).await.summary(), outcome);
    }
    assert_eq!(
        Browser::default().go(&site, "GET", "/", &socket("https://evil.example")).await.summary(),
        "passed unknown"
    );
}

#[tokio::test]
async fn what_depends_on_a_session_is_not_for_shared_caches() {
    let site = Site::new();
    for (mut browser, target, varies) in [
        (site.signed_in().await, "/", true),
        (Browser::default(), "/", true),
        (site.signed_in().await, "/public/", false),
    ] {
        let Outcome::Passed { response, .. } = browser.go(&site, "GET", target, &[]).await else {
            panic!("it is open")
        };
        assert_eq!(response.get(header::VARY).is_some_and(|vary| vary == "Cookie"), varies);
    }
}
