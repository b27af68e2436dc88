//! Which requests carry a ticket, and on which pages.

use super::*;

#[tokio::test]
async fn requests_for_the_page_and_below_it_carry_the_ticket_unless_another_site_is_behind_them() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    browser.start(&site).await;
    let (cross, own) = (("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin"));
    for (method, target, headers, carries) in [
        ("GET", "/other-login", &[][..], true),
        ("GET", "/other-login/", &[], true),
        ("GET", "/other-login?next=/", &[OPENS], true),
        ("GET", "/other-login/code", &[own], true),
        ("HEAD", "/other-login/code/a", &[], true),
        ("GET", "/other-login", &[OPENS, cross], true),
        ("GET", "/other-login", &[("accept", "text/html"), cross], true),
        ("GET", "/other-login/picture", &[cross], false),
        ("GET", "/other-login/picture", &[("sec-fetch-site", "same-site")], false),
        ("POST", "/other-login", &[ORIGIN], true),
        ("POST", "/other-login/code", &[own], true),
        ("PUT", "/other-login/code", &[ORIGIN, own], true),
        ("POST", "/other-login", &[], false),
        ("POST", "/other-login", &[OPENS], false),
        ("POST", "/other-login", &[OPENS, cross, ("origin", "https://evil.example")], false),
        ("POST", "/other-login", &[OPENS, ("origin", "null")], false),
        ("POST", "/other-login", &[("origin", "https://evil.shop.example"), ("sec-fetch-site", "same-site")], false),
        ("POST", "/other-login", &[("origin", "https://shop.example.evil"), OPENS], false),
        ("GET", "/", &[OPENS], false),
        ("GET", "/other", &[OPENS], false),
        ("GET", "/other-login2", &[OPENS], false),
        ("GET", "/other-login%2fcode", &[OPENS], false),
        ("GET", "/Other-Login", &[OPENS], false),
        ("GET", "/a/other-login", &[OPENS], false),
        ("GET", "/public/other-login", &[OPENS], false),
    ] {
        let sent = ticket_for(&site, &mut browser, (method, target), headers).await;
        assert_eq!(sent.is_some(), carries, "{method} {target} {headers:?}");
    }
}

#[tokio::test]
async fn a_person_who_opens_the_page_or_sends_a_form_starts_a_login_and_nothing_else_does() {
    let (cross, frame) = (("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "iframe"));
    for (method, headers, starts) in [
        ("GET", &[OPENS][..], true),
        ("GET", &[("accept", "text/html")], true),
        ("GET", &[OPENS, cross, ("sec-fetch-dest", "document")], true),
        ("GET", &[OPENS, frame, ("sec-fetch-site", "same-origin")], true),
        ("POST", &[ORIGIN], true),
        ("GET", &[OPENS, frame, cross], false),
        ("GET", &[OPENS, frame, ("sec-fetch-site", "same-site")], false),
        ("GET", &[], false),
        ("GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
        ("HEAD", &[OPENS], false),
        ("POST", &[OPENS, cross, ("origin", "https://evil.example")], false),
        ("POST", &[], false),
    ] {
        let (site, mut browser) = (Site::with(with_page), Browser::default());
        let outcome = browser.go(&site, method, PAGE, headers).await;
        let lines = outcome.cookies().len();
        let Outcome::Passed { request, response } = outcome else { panic!("the page is open") };
        assert_eq!((ticket(&request).is_some(), lines), (starts, usize::from(starts)), "{method} {headers:?}");
        if starts {
            assert_eq!(response[header::CACHE_CONTROL], "private, no-store");
            assert_eq!(response[header::VARY], "Cookie");
            assert!(ticket_for(&site, &mut browser, ("GET", "/other-login/a"), &[]).await.is_some());
        }
    }
}

#[tokio::test]
async fn no_cache_hands_the_page_of_one_browser_to_all() {
    let page = ReturnPath::parse("/public/login").unwrap();
    let site = Site::with(|sessions| sessions.fallback(page).login_tickets());
    for mut browser in [Browser::default(), site.signed_in().await] {
        for (target, varies) in
            [("/public/login", &["Cookie"][..]), ("/public/login/code", &["Cookie"]), ("/public/", &[])]
        {
            let Outcome::Passed { request, response } = browser.go(&site, "GET", target, &[]).await else { panic!() };
            assert_eq!(ticket(&request), None, "{target}");
            assert_eq!(response.get_all(header::VARY).iter().collect::<Vec<_>>(), varies, "{target}");
        }
    }
}

#[tokio::test]
async fn a_page_that_is_for_users_gives_strangers_no_ticket() {
    let site = Site::with(|sessions| sessions.fallback(ReturnPath::parse("/account/login").unwrap()).login_tickets());
    let asked = site.store.asked();
    let led = Browser::default().go(&site, "GET", "/account/login", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /.truegate/login?next=%2Faccount%2Flogin");
    assert_eq!((led.cookies().len(), site.store.asked()), (0, asked));
}

#[tokio::test]
async fn the_root_has_nothing_below_it() {
    let site = Site::with(|sessions| sessions.fallback(ReturnPath::default()).login_tickets());
    for (target, carries) in [("/", true), ("/?a", true), ("/a", false), ("//", false)] {
        let mut browser = Browser::default();
        assert_eq!(ticket_for(&site, &mut browser, ("GET", target), &[OPENS]).await.is_some(), carries, "{target}");
    }
}

#[tokio::test]
async fn other_requests_ask_the_store_nothing_and_nothing_carries_a_ticket_unless_it_is_wished() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    browser.start(&site).await;
    let asked = site.store.asked();
    for target in ["/", "/public/", "/other", "/login"] {
        assert_eq!(ticket_for(&site, &mut browser, ("GET", target), &[OPENS]).await, None);
    }
    assert_eq!(site.store.asked(), asked);

    let site = Site::with(|sessions| sessions.fallback(ReturnPath::parse("/other-login").unwrap()));
    let (mut browser, asked) = (Browser::default(), site.store.asked());
    assert_eq!(ticket_for(&site, &mut browser, ("GET", PAGE), &[OPENS]).await, None);
    assert_eq!((browser.cookies.len(), site.store.asked()), (0, asked));
}

#[tokio::test]
async fn without_the_store_the_page_opens_without_a_ticket() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    site.store.set_down(true);
    for mut browser in [browser.clone(), Browser::default()] {
        let before = browser.cookies.clone();
        assert_eq!(ticket_for(&site, &mut browser, ("GET", PAGE), &[OPENS]).await, None);
        assert_eq!(browser.cookies, before);
    }
    assert!(matches!(finish(&site, &ticket).await, Err(FinishLoginError::Store(StoreError::Unavailable(_)))));
    let led = browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await;
    assert_eq!(led.summary(), "200");

    site.store.set_down(false);
    assert_eq!(finish(&site, &ticket).await, Ok(()), "it is not spent");
}

#[tokio::test]
async fn a_client_that_starts_too_many_logins_opens_the_page_without_a_ticket() {
    let limits = Limits { logins_per_minute: NonZero::new(2), ..Limits::default() };
    let site = Site::build(SharedStore::default(), with_page, |gate| gate.limits(limits));
    let client = ClientInfo { address: Some([192, 0, 2, 1].into()), scheme: None };
    let open = async |browser: &mut Browser| {
        let mut request = browser.request("GET", PAGE, &[OPENS]);
        request.extensions_mut().insert(client);
        let Outcome::Passed { request, response } = site.send(request).await else { panic!("the page is open") };
        (ticket(&request).is_some(), response.contains_key(header::SET_COOKIE))
    };
    for expected in [(true, true), (true, true), (false, false)] {
        assert_eq!(open(&mut Browser::default()).await, expected);
    }
    let (head, ()) = http::Request::get("http://shop.example/other-login/a").body(()).unwrap().into_parts();
    assert!(site.gate.asks_for_client(&head), "edges tell the address");
    let mut known = Browser::default();
    known.start(&site).await;
    assert_eq!(open(&mut known).await, (true, false), "a login that is in progress is not counted");
}

#[tokio::test]
async fn a_page_on_one_host_gives_tickets_there_and_a_page_of_each_host_everywhere() {
    let url = |host: &str| PublicUrl::parse(&format!("https://{host}")).unwrap();
    let urls = || PublicUrls::new(url("shop.example"), [url("wiki.example"), url("wiki.example:8443")]).unwrap();
    for (fallback, hosts) in [
        ("https://wiki.example/other-login", [false, true, false, false, false]),
        ("https://wiki.example:8443/other-login", [false, false, true, false, false]),
        ("/other-login", [true, true, true, true, false]),
    ] {
        let page = ReturnUrl::parse(fallback, &urls()).unwrap();
        let site = Site::of(urls(), |sessions| sessions.fallback(page).login_tickets());
        for (host, carries) in ["shop.example", "wiki.example", "wiki.example:8443", "shop.example.", "other.example"]
            .into_iter()
            .zip(hosts)
        {
            let mut browser = Browser::on(host);
            let outcome = browser.go(&site, "GET", PAGE, &[OPENS]).await;
            let carried = match &outcome {
                Outcome::Passed { request, .. } => ticket(request),
                Outcome::Answered(_) => None,
            };
            assert_eq!(carried.is_some(), carries, "{fallback} {host}");
            let Some(ticket) = carried else { continue };
            assert_eq!(finish(&site, &ticket).await, Ok(()));
            let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
            assert_eq!(led.summary(), "302 /account/", "{fallback} {host}");
            let passed = browser.go(&site, "GET", "/account/", &[]).await;
            assert_eq!(passed.summary(), "passed known", "{fallback} {host}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_asks_gets_the_ticket_and_the_cookie_of_a_login_that_was_started() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let about = |uri, method| [("trusted", ""), ("x-forwarded-uri", uri), ("x-forwarded-method", method)];
    let ask = async |browser: &mut Browser, about: &[(&str, &str)], headers: &[(&str, &str)]| {
        let answer = browser.ask(&site, "GET", "/.truegate/auth", &[about, headers].concat()).await;
        assert_eq!(answer.status(), 200);
        let sent = answer.headers()["x-truecaller-login"].to_str().unwrap().to_owned();
        (sent, answer.headers().contains_key(header::SET_COOKIE))
    };
    let (none, started) = ((String::new(), false), async |browser: &mut Browser| {
        ask(browser, &about("/other-login?next=/", "GET"), &[OPENS]).await
    });
    assert_eq!(ask(&mut browser, &about("/", "GET"), &[OPENS]).await, none);
    assert_eq!(ask(&mut browser, &about("/other-login", "GET"), &[]).await, none);
    let foreign = [("origin", "https://evil.example"), OPENS];
    assert_eq!(ask(&mut browser, &about("/other-login", "POST"), &foreign).await, none);
    assert_eq!(ask(&mut browser, &about("/other-login", "GET")[..2], &[OPENS]).await, none, "the method is not known");
    assert!(started(&mut browser).await.1);
    let (ticket, starts) = ask(&mut browser, &about("/other-login/code", "POST"), &[ORIGIN]).await;
    assert!(!starts && ask(&mut browser, &about("/other-login", "GET")[..2], &[ORIGIN]).await.0.len() > 99);

    assert_eq!(finish(&site, &ticket).await, Ok(()));
    assert_eq!(browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await.summary(), "302 /");
    assert_eq!(ask(&mut browser, &about("/other-login", "GET"), &[OPENS]).await, none, "there is a session");
    site.advance(Duration::from_hours(3));
    let over =
        browser.go(&site, "GET", "/.truegate/auth", &[&about("/other-login", "GET")[..], &[OPENS]].concat()).await;
    assert!(over.cookies()[0].starts_with(LOGIN), "some proxies pass on only the first line");

    let untrusted = [("x-forwarded-uri", "/other-login"), ("x-forwarded-method", "GET"), OPENS];
    let refused = Browser::default().go(&site, "GET", "/.truegate/auth", &untrusted).await;
    assert_eq!((refused.summary().as_str(), refused.cookies().len()), ("401", 0));
}
