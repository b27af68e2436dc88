//! What people see in place of what scripts get.

use http::header;

use super::{
    browser::Browser,
    site::{ORIGIN, Site},
};
use crate::{
    access::{Access, AllowEntry, AllowList, Rule, Rules},
    identity::VerificationMethod,
    session::{LogoutUrl, ReturnPath},
};

const PERSON: (&str, &str) = ("sec-fetch-mode", "navigate");

/// The page that answers, with its status.
async fn page(
    browser: &mut Browser,
    site: &Site,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> (u16, String) {
    let answer = browser.ask(site, method, target, headers).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{target}");
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let text = String::from_utf8(answer.body().to_vec()).unwrap().replace("&#x2f;", "/").replace("&amp;", "&");
    (answer.status().as_u16(), text)
}

#[tokio::test]
async fn the_fallback_gets_the_return_path() {
    for (fallback, link) in [
        ("/login", "/login?next=%2Faccount%2F%3Fa%3Db"),
        ("/login?by=sms", "/login?by=sms&next=%2Faccount%2F%3Fa%3Db"),
        ("/login?by=sms#code", "/login?by=sms&next=%2Faccount%2F%3Fa%3Db#code"),
        ("/#/login", "/?next=%2Faccount%2F%3Fa%3Db#/login"),
    ] {
        let site = Site::with(|sessions| sessions.fallback(ReturnPath::parse(fallback).unwrap()));
        let (_, html) =
            page(&mut Browser::default(), &site, "GET", "/.truegate/login?next=%2Faccount%2F%3Fa%3Db", &[]).await;
        assert!(html.contains(&format!("data-fallback=\"{link}\"")), "{html}");
        assert!(html.contains(&format!("<a href=\"{link}\">Use another way</a>")), "{html}");
    }
    let (_, html) = page(&mut Browser::default(), &Site::new(), "GET", "/.truegate/login", &[]).await;
    assert!(html.contains("data-fallback=\"\"") && !html.contains("Use another way"), "{html}");
}

#[tokio::test]
async fn a_login_leads_to_the_app_and_to_none_of_truegates_own_routes() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    for (next, to) in [
        ("/account/%3Fa=b", "/account/?a=b"),
        ("//evil.example", "/"),
        ("/.truegate/logout", "/"),
        ("/.truegate/login%3Fnext=/a", "/"),
        ("/%252etruegate/logout", "/"),
    ] {
        let target = format!("/.truegate/login?next={next}");
        for method in ["GET", "HEAD"] {
            assert_eq!(browser.go(&site, method, &target, &[]).await.summary(), format!("302 {to}"), "{next}");
        }
        assert_eq!(Browser::default().go(&site, "GET", &target, &[]).await.summary(), "200");
    }
}

#[tokio::test]
async fn while_nobody_knows_who_is_logged_in_people_get_a_page() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    site.store.set_down(true);
    site.advance(std::time::Duration::from_secs(70));
    let (status, html) = page(&mut browser, &site, "GET", "/account/?a=b", &[PERSON]).await;
    assert_eq!(status, 503);
    assert!(html.contains("Login is not available now") && html.contains("href=\"/account/?a=b\""), "{html}");
    let answer = browser.ask(&site, "GET", "/account/?a=b", &[PERSON]).await;
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    let (status, _) = page(&mut browser, &site, "POST", "/.truegate/logout", &[ORIGIN, PERSON]).await;
    assert_eq!((status, browser.cookies.contains_key("__Host-truegate")), (503, false));
}

#[tokio::test]
async fn a_form_leads_back_to_the_page_that_it_was_on() {
    let site = Site::new();
    for (headers, next) in [
        (&[PERSON, ("referer", "https://shop.example/account/new?a=b")][..], "%2Faccount%2Fnew%3Fa%3Db"),
        (&[PERSON, ORIGIN, ("referer", "https://shop.example/account/new")], "%2Faccount%2Fnew"),
        (&[("accept", "text/html"), ("referer", "https://shop.example/")], "%2F"),
        (&[PERSON], "%2F"),
        (&[PERSON, ("referer", "https://shop.example.evil.example/a")], "%2F"),
        (&[PERSON, ("referer", "https://shop.example@evil.example/a")], "%2F"),
        (&[PERSON, ("referer", "https://shop.example//evil.example/a")], "%2F"),
        (&[PERSON, ("referer", "https://evil.example/https://shop.example/a")], "%2F"),
        (&[PERSON, ("referer", "https://shop.example/.truegate/logout")], "%2F"),
        (&[PERSON, ("origin", "https://evil.example"), ("referer", "https://shop.example/a")], "%2F"),
    ] {
        let (status, html) = page(&mut Browser::default(), &site, "POST", "/account/", headers).await;
        assert_eq!(status, 401);
        assert!(html.contains("Your session has ended"), "{html}");
        assert!(html.contains(&format!("href=\"/.truegate/login?next={next}\"")), "{headers:?} {html}");
    }
}

#[tokio::test]
async fn an_apps_own_logout_can_lead_to_ours() {
    let led = [("sec-fetch-site", "same-origin"), PERSON, ("sec-fetch-dest", "document")];
    for (url, target, to) in [
        (None, "/.truegate/logout", "/"),
        (None, "/.truegate/logout?next=/bye", "/bye"),
        (None, "/.truegate/logout?next=//evil.example", "/"),
        (Some("/goodbye"), "/.truegate/logout", "/goodbye"),
        (Some("/goodbye"), "/.truegate/logout?next=/bye", "/bye"),
        (Some("https://id.example/end"), "/.truegate/logout", "https://id.example/end"),
    ] {
        let site = Site::with(|sessions| match url {
            Some(url) => sessions.logout_url(LogoutUrl::parse(url).unwrap()),
            None => sessions,
        });
        let mut browser = site.signed_in().await;
        let mut thief = browser.clone();
        assert_eq!(browser.ask(&site, "HEAD", target, &led).await.status(), 200, "a HEAD changes nothing");
        assert!(browser.phone(&site).await.is_some());
        assert_eq!(browser.go(&site, "GET", target, &led).await.summary(), format!("303 {to}"), "{target}");
        assert!(!browser.cookies.contains_key("__Host-truegate"));
        site.advance(std::time::Duration::from_secs(1));
        assert_eq!(thief.phone(&site).await, None);

        let mut browser = site.signed_in().await;
        let posted = browser.go(&site, "POST", "/.truegate/logout", &[ORIGIN, PERSON]).await.summary();
        assert_eq!(posted, format!("303 {}", url.unwrap_or("/")));
    }
}

#[tokio::test]
async fn nobody_else_logs_a_user_out_by_a_link() {
    let site = Site::new();
    let mut browser = site.signed_in().await;
    for headers in [
        &[][..],
        &[PERSON],
        &[PERSON, ("sec-fetch-site", "cross-site")],
        &[PERSON, ("sec-fetch-site", "same-site")],
        &[PERSON, ("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")],
        &[PERSON, ("sec-fetch-site", "same-origin"), ("sec-purpose", "prefetch")],
        &[PERSON, ("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "iframe")],
        &[ORIGIN, PERSON],
    ] {
        let (status, html) =
            page(&mut browser, &site, "GET", "/.truegate/logout?next=/bye&everywhere=true", headers).await;
        assert_eq!(status, 200);
        assert!(html.contains("<form method=\"post\" action=\"/.truegate/logout?everywhere=true\">"), "{html}");
        assert!(html.contains("name=\"next\" value=\"/bye\""), "{html}");
        assert!(browser.phone(&site).await.is_some(), "{headers:?}");
    }
}

#[tokio::test]
async fn the_form_of_a_logout_may_lead_to_where_it_leads() {
    let url = LogoutUrl::parse("https://id.example/end?a").unwrap();
    let site = Site::with(|sessions| sessions.logout_url(url));
    let answer = Browser::default().ask(&site, "GET", "/.truegate/logout", &[]).await;
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://id.example;"), "{policy}");
}

#[tokio::test]
async fn a_person_learns_whether_it_is_the_number_or_its_verification_that_is_refused() {
    let list = |prefix: &str| AllowList::only([AllowEntry::Prefix(prefix.parse().unwrap())]);
    for (list, heading, button) in [
        (list("+44"), "This number has no access", "Log out and use another number"),
        (list("+44").verified_by([VerificationMethod::App]), "This number has no access", "use another number"),
        (
            list("+91").verified_by([VerificationMethod::App]),
            "This page needs another login",
            "Log out and log in again",
        ),
        (AllowList::default().verified_by([]), "This page needs another login", "Log out and log in again"),
    ] {
        let rule = Rule::new("/vip/".parse().unwrap(), Access::Required(list));
        let site = Site::with(|sessions| sessions.rules(Rules::from_iter([rule])));
        let mut browser = site.signed_in().await;
        let (status, html) = page(&mut browser, &site, "GET", "/vip/", &[PERSON]).await;
        assert!(status == 403 && html.contains(heading) && html.contains(button), "{html}");
        let code = browser.ask(&site, "GET", "/vip/", &[]).await;
        assert!(String::from_utf8_lossy(code.body()).contains("\"not-allowed\""), "a script hears the same of both");
    }
}

#[tokio::test]
async fn a_number_is_hidden_but_for_its_end() {
    let rule = Rule::new("/vip/".parse().unwrap(), Access::Required(AllowList::only([])));
    let site = Site::with(|sessions| sessions.rules(Rules::from_iter([rule])));
    let mut browser = site.signed_in().await;
    for headers in [&[PERSON][..], &[("accept", "text/html")]] {
        let (status, html) = page(&mut browser, &site, "GET", "/vip/?a=b", headers).await;
        assert_eq!(status, 403);
        assert!(html.contains("+••••••••••99") && !html.contains("99999"), "{html}");
        assert!(html.contains("value=\"/.truegate/login?next=%2Fvip%2F%3Fa%3Db\""), "{html}");
    }
    let trusted = [("trusted", ""), ("x-forwarded-uri", "/vip/x"), ("x-forwarded-method", "GET"), PERSON];
    let (status, html) = page(&mut browser, &site, "GET", "/.truegate/auth", &trusted).await;
    assert_eq!(status, 403);
    assert!(html.contains("value=\"/.truegate/login?next=%2Fvip%2Fx\""), "{html}");
}
