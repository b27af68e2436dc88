//! Logins that the site's own page finishes.

use std::{num::NonZero, time::Duration};

use http::{HeaderMap, header};

use super::{
    browser::Browser,
    queue::now,
    shared_store::SharedStore,
    site::{ORIGIN, Outcome, Site},
};
use crate::{
    gate::{ClientInfo, Limits},
    profile::PhoneNumber,
    session::{
        FinishLoginError, PublicUrl, PublicUrls, ReturnPath, ReturnUrl, SameSite, Sealer, Secret, SessionsBuilder,
        SiteUser, UpstreamCookie,
    },
    store::StoreError,
};

const PAGE: &str = "/other-login/";
const OPENS: (&str, &str) = ("sec-fetch-mode", "navigate");
const LOGIN: &str = "__Host-truegate-login";

fn with_page(sessions: SessionsBuilder) -> SessionsBuilder {
    sessions.fallback(ReturnPath::parse("/other-login?by=sms").unwrap()).login_tickets()
}

fn user() -> SiteUser {
    SiteUser::new(PhoneNumber::parse("+447911123456").unwrap()).name(" Zaphod Beeblebrox ")
}

async fn finish(site: &Site, ticket: &str) -> Result<(), FinishLoginError> {
    site.tasks.sessions().finish_login(&site.gate, ticket, user()).await
}

/// The ticket with which the app gets a request.
async fn ticket_for(
    site: &Site,
    browser: &mut Browser,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
) -> Option<String> {
    match browser.go(site, method, target, headers).await {
        Outcome::Passed { request, .. } => ticket(&request),
        Outcome::Answered(response) => panic!("{method} {target} was answered {}", response.status()),
    }
}

fn ticket(headers: &HeaderMap) -> Option<String> {
    headers.get("x-truecaller-login").map(|ticket| ticket.to_str().unwrap().to_owned())
}

/// The ticket of a browser that opens the page.
async fn opens_page(site: &Site, browser: &mut Browser) -> String {
    ticket_for(site, browser, ("GET", PAGE), &[OPENS]).await.expect("a login is in progress")
}

#[tokio::test]
async fn a_user_whom_the_site_verifies_is_known_from_then_on() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    opens_page(&site, &mut browser).await;
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [LOGIN], "the page alone has started a login");
    let ticket = ticket_for(&site, &mut browser, ("POST", PAGE), &[ORIGIN]).await.unwrap();
    assert_eq!(browser.phone(&site).await, None);

    assert_eq!(finish(&site, &ticket).await, Ok(()));

    let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /account/", "no script is needed");
    let headers = browser.pass(&site, "/account/").await;
    for (name, value) in [
        ("x-truecaller-status", "verified"),
        ("x-truecaller-phone", "+447911123456"),
        ("x-truecaller-method", "site"),
        ("x-truecaller-name", "Zaphod Beeblebrox"),
        ("x-truecaller-given-name", "Zaphod Beeblebrox"),
    ] {
        assert_eq!(headers[name], value);
    }
    for name in ["user-id", "family-name", "country", "request-id", "login"] {
        assert!(!headers.contains_key(format!("x-truecaller-{name}")), "{name}");
    }
}

#[tokio::test]
async fn a_page_that_waits_goes_on_when_the_site_has_finished_the_login() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let [started, finishing] = [site.twin(), Site::join(site.store.clone(), with_page)];
    let request_id = browser.start(&started).await;
    let waits = format!("/.truegate/status?request_id={request_id}&since=pending&wait=25");
    let mut waiting = Box::pin(site.send(browser.request("GET", &waits, &[])));
    assert!(now(&mut waiting).is_none());

    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&finishing, &ticket).await, Ok(()));

    site.advance(Duration::from_millis(300));
    let Some(Outcome::Answered(answer)) = now(&mut waiting) else { panic!("it hears of the end") };
    assert_eq!(*answer.body(), r#"{"state":"verified"}"#);
    assert!(answer.headers().contains_key(header::SET_COOKIE));
}

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
async fn the_login_in_progress_is_taken_and_another_one_is_started_once_it_has_ended() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let request_id = browser.start(&site).await;
    site.decline(&request_id, "flow_invoked").await;
    let before = browser.cookies.clone();
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(browser.cookies, before);
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    assert_eq!(browser.state(&site, &request_id).await, "verified");

    for ending in ["user_rejected", "use_another_number"] {
        let mut browser = Browser::default();
        let request_id = browser.start(&site).await;
        let before = browser.clone();
        site.decline(&request_id, ending).await;
        let mut other_tab = browser.clone();
        let ticket = opens_page(&site, &mut browser).await;
        assert_ne!(browser.cookies, before.cookies);
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        let (_, newest) = other_tab.json(&site, "GET", "/.truegate/status", &[]).await;
        assert_eq!(newest["state"], "verified", "it is the same browser");
    }
}

#[tokio::test]
async fn a_page_that_is_opened_once_more_takes_no_verified_login_away() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));

    // A form that is sent twice, another tab, or a link of another site.
    let cross = ("sec-fetch-site", "cross-site");
    for (method, headers) in [("POST", &[ORIGIN][..]), ("GET", &[OPENS]), ("GET", &[OPENS, cross])] {
        assert_eq!(ticket_for(&site, &mut browser, (method, PAGE), headers).await, None, "{method} {headers:?}");
    }

    let led = browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /");
    assert_eq!(browser.phone(&site).await.unwrap(), "+447911123456");
    browser.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    opens_page(&site, &mut browser).await;
}

#[tokio::test]
async fn a_form_that_comes_late_has_a_ticket_all_the_same() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let early = opens_page(&site, &mut browser).await;
    site.advance(Duration::from_mins(4));
    assert_eq!(finish(&site, &early).await, Err(FinishLoginError::LoginOver));
    for cookies in [browser.cookies.clone(), Default::default()] {
        browser.cookies = cookies;
        let ticket = ticket_for(&site, &mut browser, ("POST", PAGE), &[ORIGIN]).await.unwrap();
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        let led = browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await;
        assert_eq!(led.summary(), "302 /");
    }
}

#[tokio::test]
async fn a_ticket_works_once() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let twin = Site::join(site.store.clone(), with_page);
    let [ticket, another] = [opens_page(&site, &mut browser).await, opens_page(&site, &mut browser).await];
    assert_ne!(ticket, another, "each request has its own");
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    for site in [&site, &twin] {
        for ticket in [&ticket, &another] {
            assert_eq!(finish(site, ticket).await, Err(FinishLoginError::LoginOver));
        }
    }
}

#[tokio::test]
async fn a_ticket_works_only_while_its_login_runs() {
    let site = Site::with(with_page);
    let ended = async |end: &str| {
        let mut browser = Browser::default();
        let request_id = browser.start(&site).await;
        let ticket = opens_page(&site, &mut browser).await;
        match end {
            "verified" => {
                site.grant(&request_id, "a-token").await;
                site.tasks.run();
            }
            "failed" => {
                site.grant(&request_id, "inactive").await;
                site.tasks.run();
            }
            "replaced" => {
                for _ in 0..5 {
                    browser.start(&site).await;
                }
            }
            "expired" => site.advance(Duration::from_mins(3)),
            status => drop(site.decline(&request_id, status).await),
        }
        let state = browser.state(&site, &request_id).await;
        (finish(&site, &ticket).await, state, browser.state(&site, &request_id).await)
    };
    for end in ["verified", "failed", "replaced", "user_rejected", "use_another_number", "expired"] {
        let (finished, before, after) = ended(end).await;
        assert_eq!(finished, Err(FinishLoginError::LoginOver), "{end}");
        assert_eq!(before, after, "{end}");
    }
}

#[tokio::test]
async fn a_ticket_expires_by_itself_whatever_the_store_keeps() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    let asked = site.store.asked();
    site.clock.set_wall(site.gate.clock().wall() + Duration::from_mins(3));
    assert_eq!(finish(&site, &ticket).await, Err(FinishLoginError::LoginOver));
    assert_eq!(site.store.asked(), asked);
}

#[tokio::test]
async fn nothing_but_a_ticket_of_this_site_is_one() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    let sealed_elsewhere = SharedStore::default();
    let stranger = Site::join(sealed_elsewhere, |sessions| {
        let sessions = with_page(sessions);
        sessions.sealer(Sealer::new(&Secret::generate(), &[]))
    });
    let foreign = opens_page(&stranger, &mut Browser::default()).await;
    let session = site.signed_in().await.cookies["__Host-truegate"].clone();
    let asked = site.store.asked();
    for forged in
        [&foreign, &browser.cookies[LOGIN], &session, "", "a", &ticket[1..], &ticket[..ticket.len() - 1], "\u{e9}"]
    {
        assert_eq!(finish(&site, forged).await, Err(FinishLoginError::LoginOver));
    }
    assert_eq!(site.store.asked(), asked, "the store hears of none of them");
    assert_eq!(finish(&site, &ticket).await, Ok(()));
}

#[tokio::test]
async fn each_browser_gets_the_session_of_its_own_ticket() {
    let site = Site::with(with_page);
    let [mut victim, mut attacker] = [Browser::default(), Browser::default()];
    // The attacker sends the victim a link to the page. The victim's browser gets a login of its own.
    let [of_attacker, of_victim] = [opens_page(&site, &mut attacker).await, opens_page(&site, &mut victim).await];
    // Nobody can send a ticket of another browser along.
    let spoofs = [OPENS, ("x-truecaller-login", &*of_attacker), ("x_truecaller_login", &*of_attacker)];
    let Outcome::Passed { request, .. } = victim.go(&site, "GET", PAGE, &spoofs).await else { panic!() };
    assert_eq!(request.get_all("x-truecaller-login").iter().count(), 1);
    assert!(ticket(&request).is_some_and(|ticket| ticket != of_attacker));
    assert!(!request.contains_key("x_truecaller_login"));

    assert_eq!(finish(&site, &of_victim).await, Ok(()));

    for (browser, summary) in [(&mut attacker, "200"), (&mut victim, "302 /account/")] {
        let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
        assert_eq!(led.summary(), summary);
    }
    assert_eq!(attacker.phone(&site).await, None);
    assert_eq!(victim.phone(&site).await.unwrap(), "+447911123456");
}

#[tokio::test]
async fn a_browser_with_a_session_has_no_ticket_and_starts_no_login() {
    for page in ["/other-login", "/public/login"] {
        let fallback = |sessions: SessionsBuilder| sessions.fallback(ReturnPath::parse(page).unwrap()).login_tickets();
        let site = Site::with(fallback);
        let mut browser = site.signed_in().await;
        let before = browser.cookies.clone();
        assert_eq!(ticket_for(&site, &mut browser, ("GET", page), &[OPENS]).await, None, "{page}");
        assert_eq!(browser.cookies, before);
        let mut stranger = Browser::default();
        assert!(ticket_for(&site, &mut stranger, ("GET", page), &[OPENS]).await.is_some(), "{page}");

        site.advance(Duration::from_hours(3));
        let outcome = browser.go(&site, "GET", page, &[OPENS]).await;
        let Outcome::Passed { request, .. } = outcome else { panic!("the page is open") };
        assert!(ticket(&request).is_some(), "{page}: the session is over");
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
async fn a_login_that_began_on_an_alias_ends_there() {
    let (site, mut browser) = (Site::with(with_page), Browser::on("www.shop.example"));
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /account/");
    assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
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

#[tokio::test]
async fn the_login_hands_over_what_was_verified_to_a_person_and_only_while_it_is_valid() {
    let site = Site::with(|sessions| with_page(sessions).idle(Duration::from_mins(2)));
    let login = "/.truegate/login?next=/account/";
    let verified = async || {
        let mut browser = Browser::default();
        let ticket = opens_page(&site, &mut browser).await;
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        browser
    };
    let mut browser = verified().await;
    let asked = site.store.asked();
    for (method, headers) in [("GET", &[][..]), ("HEAD", &[("sec-fetch-mode", "cors")])] {
        assert_eq!(browser.go(&site, method, login, headers).await.summary(), "200", "a script asks");
    }
    assert_eq!(site.store.asked(), asked);
    let mut lost = browser.clone();
    for browser in [&mut browser, &mut lost] {
        assert_eq!(browser.go(&site, "GET", login, &[OPENS]).await.summary(), "302 /account/");
    }
    assert_eq!(
        browser.json(&site, "GET", "/.truegate/me", &[]).await,
        lost.json(&site, "GET", "/.truegate/me", &[]).await
    );

    browser.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    assert_eq!(browser.go(&site, "GET", login, &[OPENS]).await.summary(), "200", "a logout is final");
    let mut again = verified().await;
    assert_eq!(again.go(&site, "GET", login, &[OPENS]).await.summary(), "302 /account/");

    let mut idle = verified().await;
    site.advance(Duration::from_mins(2));
    assert_eq!(idle.go(&site, "GET", login, &[OPENS]).await.summary(), "200", "a session that is over stays so");
}

#[tokio::test]
async fn a_new_user_of_a_browser_gets_nothing_of_the_one_before() {
    let site =
        Site::with(|sessions| with_page(sessions).upstream_cookies(["PHPSESSID".parse::<UpstreamCookie>().unwrap()]));
    let mut browser = site.signed_in().await;
    let before = browser.clone();
    let request_id = browser.start(&site).await;
    let mut stranger = browser.clone();
    stranger.cookies.remove("__Host-truegate");
    let ticket = opens_page(&site, &mut stranger).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    browser.cookies.insert("PHPSESSID".to_owned(), "of-a".to_owned());
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert_eq!(browser.phone(&site).await.unwrap(), "+447911123456");
    assert!(!browser.cookies.contains_key("PHPSESSID"));
    site.advance(Duration::from_secs(1));
    assert_eq!(before.clone().phone(&site).await, None);
}

#[tokio::test]
async fn with_strict_cookies_the_login_looks_once_more_before_it_hands_over() {
    let (site, mut browser) =
        (Site::with(|sessions| with_page(sessions).same_site(SameSite::Strict)), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    let elsewhere = [OPENS, ("sec-fetch-site", "cross-site")];
    let mut without = Browser::default();
    let refreshed = without.go(&site, "GET", "/.truegate/login?next=/account/", &elsewhere).await;
    assert!(matches!(&refreshed, Outcome::Answered(answer) if answer.headers().contains_key("refresh")));
    let own = [OPENS, ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.go(&site, "GET", "/.truegate/login?next=/account/", &own).await.summary(), "302 /account/");
}

#[test]
fn nothing_is_shown_of_a_user() {
    assert_eq!(format!("{:?}", user()), "SiteUser(redacted)");
}
