//! A login: from the browser that starts it to the session that it gets.

use std::{
    str::FromStr as _,
    time::{Duration, SystemTime},
};

use http::header;

use super::queue::now;
use super::{
    browser::Browser,
    site::{ORIGIN, Outcome, Site},
};
use crate::{random::Random, session::UpstreamCookie};

#[tokio::test]
async fn a_user_who_agrees_is_known_from_then_on() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    assert_eq!(browser.state(&site, &request_id).await, "pending");
    assert_eq!(site.decline(&request_id, "flow_invoked").await, 204);
    assert_eq!(browser.state(&site, &request_id).await, "opened");
    assert_eq!(site.grant(&request_id, "a-token").await, 204);
    assert_eq!(site.truecaller.fetches(), 0, "it is acknowledged first");
    assert_eq!(browser.phone(&site).await, None);

    assert_eq!(site.tasks.run(), 0);
    assert_eq!(browser.state(&site, &request_id).await, "verified");

    browser.cookies.insert("theirs".to_owned(), "1".to_owned());
    let headers = browser.pass(&site, "/account/").await;
    for (name, value) in [
        ("x-truecaller-status", "verified"),
        ("x-truecaller-phone", "+919999999999"),
        ("x-truecaller-method", "web"),
        ("x-truecaller-user-id", "42"),
        ("x-truecaller-name", "Rajat Kapoor"),
        ("x-truecaller-given-name", "Rajat"),
        ("x-truecaller-family-name", "Kapoor"),
        ("x-truecaller-country", "IN"),
        ("cookie", "theirs=1"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("x-truecaller-request-id"));
}

#[tokio::test]
async fn a_login_tells_who_starts_it_what_to_do() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let (status, answer) = browser.json(&site, "POST", "/.truegate/login", &[ORIGIN]).await;
    assert_eq!((status, answer["expires_in"].as_u64()), (201, Some(180)));
    let request_id = answer["request_id"].as_str().unwrap();
    for (link, start) in [
        ("deep_link", "truecallersdk://truesdk/web_verify?type=btmsheet&requestNonce="),
        ("intent_link", "intent://truesdk/web_verify?type=btmsheet&requestNonce="),
    ] {
        assert!(answer[link].as_str().unwrap().starts_with(&format!("{start}{request_id}&partnerKey=key")), "{answer}");
    }
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["__Host-truegate-login"]);
}

#[tokio::test]
async fn a_script_may_say_where_it_goes_on_within_the_site() {
    let site = Site::new();
    for (body, answer) in [
        ("", Some(None)),
        ("{}", Some(None)),
        (r#"{"next":null,"a":1}"#, Some(None)),
        (r#"{"next":"/cart"}"#, Some(Some("/cart"))),
        (r#"{"next":"//evil.example"}"#, Some(Some("/"))),
        ("[", None),
        (r#"{"next":1}"#, None),
        (r#"{"next":"/","next":"//evil"}"#, None),
    ] {
        let mut request = Browser::default().request("POST", "/.truegate/login", &[ORIGIN]);
        *request.body_mut() = body.into();
        let Outcome::Answered(response) = site.send(request).await else { panic!("a route of our own") };
        let started: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let next = (response.status() == 201).then(|| started["next"].as_str());
        assert_eq!(next, answer, "{body}");
    }
}

#[tokio::test]
async fn the_login_page_starts_no_login() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    let asked = site.store.asked();
    for (next, shown) in [("%2Faccount%2F%3Fa%3Db", "/account/?a=b"), ("%2F%2Fevil.example", "/"), ("", "/")] {
        let target = format!("/.truegate/login?next={next}");
        let page = Browser::default().ask(&site, "GET", &target, &[]).await;
        assert_eq!(
            (page.status().as_u16(), &page.headers()[header::CACHE_CONTROL]),
            (200, &"no-store".parse().unwrap())
        );
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        let html = std::str::from_utf8(page.body()).unwrap();
        let shown = shown.replace('&', "&amp;").replace('/', "&#x2f;");
        assert!(html.contains(&format!("data-next=\"{shown}\"")), "{html}");
        for method in ["GET", "HEAD"] {
            let page = browser.ask(&site, method, &target, &[]).await;
            assert_eq!((page.status().as_u16(), page.headers().contains_key(header::SET_COOKIE)), (200, false));
        }
    }
    assert_eq!(site.store.asked(), asked);
    assert_eq!(browser.state(&site, &request_id).await, "pending");
}

#[tokio::test]
async fn how_a_login_ends_is_for_the_browser_alone_that_started_it() {
    let (site, mut browser, mut other) = (Site::new(), Browser::default(), Browser::default());
    let (request_id, others) = (browser.start(&site).await, other.start(&site).await);
    site.grant(&request_id, "a-token").await;
    site.tasks.run();
    assert_eq!(other.state(&site, &request_id).await, "expired");
    assert_eq!(Browser::default().state(&site, &request_id).await, "expired");
    for request_id in ["unknown-nonce", "", "%00", "a", "..%2f"] {
        assert_eq!(browser.state(&site, request_id).await, "expired");
    }
    assert_eq!(other.phone(&site).await, None);
    assert_eq!(other.state(&site, &others).await, "pending");
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert_eq!(browser.phone(&site).await.unwrap(), "+919999999999");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_with_the_same_session() {
    let site = Site::new();
    let mut browser = Browser::default();
    let request_id = site.sign_in(&mut browser, "a-token").await;
    let mut lost = browser.clone();
    lost.cookies.remove("__Host-truegate");
    assert_eq!(lost.state(&site, &request_id).await, "verified");
    let (_, before) = browser.json(&site, "GET", "/.truegate/me", &[]).await;
    let (_, after) = lost.json(&site, "GET", "/.truegate/me", &[]).await;
    assert_eq!(before, after);

    assert_eq!(lost.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await.status(), 204);
    site.advance(Duration::from_secs(1));
    assert_eq!(browser.phone(&site).await, None, "it is one session");
    lost.cookies = browser.cookies.clone();
    assert_eq!(lost.state(&site, &request_id).await, "expired", "a session that ended is not given again");

    let mut late = Browser::default();
    let request_id = site.sign_in(&mut late, "a-token").await;
    site.advance(Duration::from_mins(3));
    assert_eq!(late.state(&site, &request_id).await, "expired");
}

#[tokio::test]
async fn a_browser_waits_for_its_login_to_move_on() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    let ask = |query: &str| {
        site.send(browser.request("GET", &format!("/.truegate/status?request_id={request_id}&{query}"), &[]))
    };
    let state = |outcome: Outcome| match outcome {
        Outcome::Answered(response) => String::from_utf8(response.body().to_vec()).unwrap(),
        Outcome::Passed { .. } => panic!("a route of our own"),
    };

    assert_eq!(state(now(ask("since=opened&wait=25")).unwrap()), r#"{"state":"pending"}"#);
    assert_eq!(state(now(ask("since=pending")).unwrap()), r#"{"state":"pending"}"#);
    let waiting = ask("since=pending&wait=25");
    let mut waiting = Box::pin(waiting);
    assert!(now(&mut waiting).is_none());
    site.advance(Duration::from_millis(300));
    assert!(now(&mut waiting).is_none());
    site.decline(&request_id, "user_rejected").await;
    site.advance(Duration::from_millis(300));
    assert_eq!(state(now(&mut waiting).unwrap()), r#"{"state":"refused"}"#);

    let mut waiting = Box::pin(ask("since=refused&wait=9999"));
    assert!(now(&mut waiting).is_none());
    for _ in 0..100 {
        site.advance(Duration::from_millis(299));
        assert!(now(&mut waiting).is_none());
    }
    site.advance(Duration::from_millis(100));
    assert_eq!(state(now(&mut waiting).unwrap()), r#"{"state":"refused"}"#, "30 s are enough");

    let mut waiting = Box::pin(ask("since=refused&wait=25"));
    assert!(now(&mut waiting).is_none());
    site.gate.stop_waiting();
    site.advance(Duration::from_millis(300));
    assert_eq!(state(now(&mut waiting).unwrap()), r#"{"state":"refused"}"#, "a server that stops keeps nobody");
    assert_eq!(state(now(ask("since=refused&wait=25")).unwrap()), r#"{"state":"refused"}"#);

    let elsewhere = browser.request(
        "GET",
        &format!("/.truegate/status?request_id={request_id}"),
        &[("sec-fetch-site", "cross-site")],
    );
    assert_eq!(state(now(site.send(elsewhere)).unwrap()), r#"{"state":"expired"}"#);

    for query in ["wait=soon", "wait=-1", "since=verify", "since=PENDING"] {
        assert_eq!(now(ask(query)).unwrap().summary(), "400");
    }
}

#[tokio::test]
async fn a_browser_waits_with_ten_requests_and_no_more() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let request_id = browser.start(&site).await;
    let ask = || {
        Box::pin(site.send(browser.request("GET", &format!("/.truegate/status?request_id={request_id}&wait=25"), &[])))
    };
    let mut waiting: Vec<_> = (0..10).map(|_| ask()).collect();
    assert!(waiting.iter_mut().all(|request| now(request).is_none()));
    let mut without_seat = ask();
    assert!(now(&mut without_seat).is_none());
    site.advance(Duration::from_secs(1));
    assert!(now(&mut without_seat).is_some(), "a second is enough to keep it from asking without end");

    waiting.pop();
    let mut seated = ask();
    assert!(now(&mut seated).is_none());
    site.advance(Duration::from_secs(1));
    assert!(now(&mut seated).is_none(), "a request that is given up makes room");
}

#[tokio::test]
async fn a_login_leaves_no_session_of_before_alive() {
    let site = Site::with(|sessions| sessions.upstream_cookies([UpstreamCookie::from_str("PHPSESSID").unwrap()]));
    let mut browser = site.signed_in().await;
    let before = browser.clone();
    let phpsessid = ("PHPSESSID".to_owned(), "of-a".to_owned());
    browser.cookies.extend([phpsessid.clone()]);

    let request_id = browser.start(&site).await;
    assert_eq!(browser.phone(&site).await.unwrap(), "+919999999999", "a login that runs ends nothing");
    site.grant(&request_id, "another").await;
    site.tasks.run();
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert_eq!(browser.phone(&site).await.unwrap(), "+918888888888");
    assert!(!browser.cookies.contains_key("PHPSESSID"), "what the app knew of the user before");

    browser.cookies.extend([phpsessid]);
    assert_eq!(browser.state(&site, &request_id).await, "verified");
    assert!(browser.cookies.contains_key("PHPSESSID"), "nothing changed by asking again");
    site.advance(Duration::from_secs(1));
    assert_eq!(before.clone().phone(&site).await, None);
}

#[tokio::test]
async fn a_browser_keeps_five_logins_and_the_newest_needs_no_name() {
    let (site, mut browser) = (Site::new(), Browser::default());
    let mut request_ids = Vec::new();
    for _ in 0..6 {
        request_ids.push(browser.start(&site).await);
    }
    assert_eq!(browser.state(&site, &request_ids[0]).await, "expired");
    for request_id in &request_ids[1..] {
        assert_eq!(browser.state(&site, request_id).await, "pending");
    }
    site.decline(&request_ids[5], "use_another_number").await;
    let (_, newest) = browser.json(&site, "GET", "/.truegate/status", &[]).await;
    assert_eq!(newest["state"], "another_number");
}

#[tokio::test]
async fn what_changes_something_is_for_our_own_pages() {
    let site = Site::new();
    for target in ["/.truegate/login", "/.truegate/logout", "/.truegate/logout?everywhere=true"] {
        let mut browser = site.signed_in().await;
        for headers in
            [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "same-site")], &[("origin", "null")]]
        {
            let refused = browser.ask(&site, "POST", target, headers).await;
            assert_eq!(super::site::code(&refused), (http::StatusCode::FORBIDDEN, "cross-site".to_owned()));
        }
        assert!(browser.phone(&site).await.is_some());
        let done = browser.ask(&site, "POST", target, &[("sec-fetch-site", "same-origin")]).await;
        assert!(done.status().is_success());
    }
    let mut browser = Browser::default();
    for (method, target) in [("PUT", "/.truegate/logout"), ("PUT", "/.truegate/login"), ("POST", "/.truegate/me")] {
        assert_eq!(browser.ask(&site, method, target, &[ORIGIN]).await.status(), 405);
    }
}

#[tokio::test]
async fn all_that_a_login_draws_comes_from_the_source_of_its_sessions() {
    let login = async |seed| {
        let site = Site::with(|sessions| sessions.random(Random::seeded(seed)));
        site.clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_hours(1));
        let mut browser = Browser::default();
        let request_id = site.sign_in(&mut browser, "a-token").await;
        (request_id, browser.cookies)
    };
    let (one, same, other) = (login(1).await, login(1).await, login(2).await);
    assert_eq!(one, same);
    assert!(one.0 != other.0 && one.1.len() == 2 && one.1.iter().all(|(name, value)| other.1[name] != *value));
}
