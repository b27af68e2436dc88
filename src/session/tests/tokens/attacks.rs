//! What is no token, and what a token beside other credentials does.

use std::time::Duration;

use http::{StatusCode, header};

use super::{
    super::{
        browser::Browser,
        site::{ORIGIN, Outcome, Site, code},
    },
    app::{
        ASHA, ASKED, App, COOKIE, RAJAT, assert_challenged, response, site, try_credentials, twin, two_hosts, with_app,
    },
};
use crate::{
    gate::Step,
    random::Random,
    session::{CookieDomain, SealPurpose, Sealer, Secret},
};

#[tokio::test]
async fn no_proxy_that_asks_gets_a_token_that_it_could_hand_to_the_app() {
    let site = site();
    let mut app = App::of(&site, RAJAT);
    let about = [("trusted", ""), ("x-forwarded-uri", "/account/")];
    for _ in 0..2 {
        let outcome = app.go(&site, "GET", "/.truegate/auth", &about).await;
        assert_eq!(outcome.summary(), "200");
        assert!(!response(&outcome).contains_key("x-truecaller-token") && outcome.cookies().is_empty());
        site.advance(Duration::from_hours(1));
    }
}

#[tokio::test]
async fn nothing_but_a_token_of_this_site_is_a_token() {
    let site = site();
    let (app, browser) = (App::of(&site, RAJAT), site.signed_in().await);
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    assert_eq!(browser.clone().go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
    let shared = &site.tasks.sessions().0;
    let session = shared.sealer.open_text(SealPurpose::Token(""), app.sealed().as_bytes()).unwrap();
    let (random, stranger) = (Random::seeded(1), Sealer::new(&Secret::generate(), &[]));
    let sealed = [
        stranger.seal_text(SealPurpose::Token(""), &session, &random),
        shared.sealer.seal_text(SealPurpose::Session(""), &session, &random),
        shared.sealer.seal_text(SealPurpose::Token("shop.example"), &session, &random),
        shared.sealer.seal_text(SealPurpose::Browser(""), &session, &random),
        shared.sealer.seal_text(SealPurpose::Token(""), b"{}", &random),
        browser.cookies[COOKIE].clone(),
    ];
    let changed = (0..app.sealed().len()).map(|at| {
        let mut changed = app.sealed().to_owned().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(changed).unwrap()
    });
    let good = app.sealed();
    let cut = [&good[1..], &good[..good.len() - 1], &good[..good.len() / 2], ""].map(str::to_owned);
    let more = [format!("{good}="), format!("{good}A"), format!("{good}.{good}"), format!("truegate.{good}")];
    let kept = shared.opened.len();
    for text in sealed.into_iter().chain(changed).chain(cut).chain(more) {
        assert_challenged(&try_credentials(&site, &format!("Bearer truegate.{text}")).await, &text);
    }
    for credentials in [
        format!("Bearer TRUEGATE.{good}"),
        format!("Bearer {t}, Bearer {t}", t = app.token),
        format!("Basic YTpi,Bearer {}", app.token),
        format!("Bearer {},", app.token),
    ] {
        assert_challenged(&try_credentials(&site, &credentials).await, &credentials);
    }
    assert_eq!(shared.opened.len(), kept, "no bad token is kept");
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
}

#[tokio::test]
async fn a_token_is_no_cookie_however_often_it_was_seen() {
    let site = site();
    let app = App::of(&site, RAJAT);
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    for name in [COOKIE, "__Host-truegate-login", "__Secure-truegate", "truegate", "Authorization"] {
        for value in [app.token.clone(), app.sealed().to_owned(), format!("Bearer {}", app.token)] {
            let mut browser = Browser::default();
            browser.cookies.insert(name.to_owned(), value);
            assert_eq!(browser.go(&site, "GET", "/account/", &[]).await.summary(), "401", "{name}");
        }
    }
}

#[tokio::test]
async fn other_credentials_are_others_business() {
    let site = site();
    let app = App::of(&site, RAJAT);
    for credentials in [
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned(),
        "Basic YTpi".to_owned(),
        app.token.clone(),
        format!("Token {}", app.token),
        format!("DPoP {}", app.token),
        format!("Bearer\"{}\"", app.token),
    ] {
        let lines = [("authorization", &*credentials)];
        let outcome = Browser::default().go(&site, "GET", "/account/", &lines).await;
        assert_eq!(outcome.summary(), "401", "{credentials}");
        assert!(!response(&outcome).contains_key(header::WWW_AUTHENTICATE), "{credentials}");
        let mut browser = site.signed_in().await;
        let Outcome::Passed { request, .. } = browser.go(&site, "GET", "/account/", &lines).await else {
            panic!("the cookie counts: {credentials}")
        };
        assert_eq!(request[header::AUTHORIZATION], *credentials);
        assert_eq!(request["x-truecaller-phone"], "+919999999999");
    }
    for name in ["proxy-authorization", "x-authorization", "x-truecaller-token", "truegate"] {
        let bearer = format!("Bearer {}", app.token);
        let outcome = Browser::default().go(&site, "GET", "/account/", &[(name, &bearer)]).await;
        assert_eq!(outcome.summary(), "401", "{name}");
    }
    for target in ["/account/?access_token=", "/.truegate/me?access_token=", "/account/?token="] {
        let target = format!("{target}{}", app.token);
        assert_eq!(Browser::default().go(&site, "GET", &target, &[]).await.summary(), "401");
    }
}

#[tokio::test]
async fn a_token_beside_other_credentials_signs_nobody_in_and_leaves_those_alone() {
    let site = site();
    let app = App::of(&site, RAJAT);
    let token = format!("Bearer {}", app.token);
    for lines in [
        [("authorization", &*token), ("authorization", "Basic YTpi")],
        [("authorization", "Bearer other"), ("authorization", &token)],
        [("authorization", &token), ("authorization", &token)],
    ] {
        let mut browser = site.signed_in().await;
        for (method, target) in ASKED {
            assert_challenged(&browser.go(&site, method, target, &lines).await, target);
        }
        let Outcome::Passed { request, .. } = browser.go(&site, "GET", "/public/", &lines).await else {
            panic!("it is open")
        };
        let others: Vec<_> = lines.iter().map(|(_, line)| *line).filter(|line| *line != token).collect();
        assert_eq!(request.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>(), others);
    }
}

#[tokio::test]
async fn a_token_and_the_cookie_of_another_number_contradict_each_other() {
    let site = site();
    let mut app = App::of(&site, ASHA);
    let mut browser = site.signed_in().await;
    let others = [("POST", "/.truegate/logout"), ("GET", "/.truegate/login"), ("POST", "/.truegate/login")];
    for (method, target) in ASKED.into_iter().chain(others) {
        let Outcome::Answered(answer) = app.go_with(&mut browser, &site, method, target, &[]).await else {
            panic!("{method} {target} passed")
        };
        let expected = (StatusCode::BAD_REQUEST, "conflicting-sessions".to_owned());
        assert_eq!(code(&answer), expected, "{method} {target}");
    }
    let public = app.go_with(&mut browser, &site, "GET", "/public/", &[]).await;
    assert_eq!(public.summary(), "passed unknown");
    assert!(browser.phone(&site).await.is_some(), "the cookie's session goes on");
    assert_eq!(app.summary(&site, "/account/").await, "passed known", "and so does the token's");

    // By a gate that has yet to ask the store.
    let fresh = twin(&site);
    let Outcome::Answered(answer) = app.go_with(&mut browser, &fresh, "GET", "/account/", &[]).await else {
        panic!("it passed")
    };
    assert_eq!(code(&answer).1, "conflicting-sessions");
}

#[tokio::test]
async fn a_cookie_of_the_same_number_or_of_no_session_changes_nothing() {
    let site = site();
    let mut app = App::of(&site, RAJAT);
    let (mut same, mut garbage, mut over) = (site.signed_in().await, Browser::default(), Browser::default());
    garbage.cookies.insert(COOKIE.to_owned(), "garbage".to_owned());
    site.sign_in(&mut over, "another").await;
    over.clone().ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    for browser in [&mut same, &mut garbage, &mut over] {
        for target in ["/account/", "/"] {
            let outcome = app.go_with(browser, &site, "GET", target, &[]).await;
            let Outcome::Passed { request, .. } = &outcome else { panic!("{target} is answered") };
            assert_eq!(request["x-truecaller-phone"], "+919999999999", "{target}");
            assert_eq!(request["x-truecaller-method"], "app", "{target}: the token counts");
            assert_eq!(outcome.cookies(), Vec::<&str>::new(), "{target}");
        }
    }
}

#[tokio::test]
async fn no_page_of_another_site_can_have_a_token_sent() {
    let site = site();
    let socket = [("upgrade", "websocket"), ("origin", "https://evil.example")];
    let cross_site = [("sec-fetch-site", "cross-site")];
    let mut app = App::of(&site, RAJAT);
    assert_eq!(app.go(&site, "GET", "/account/", &socket).await.summary(), "passed known");
    assert_eq!(app.go(&site, "GET", "/.truegate/me", &cross_site).await.summary(), "200");
    let about = [("trusted", ""), ("x-forwarded-uri", "/account/"), socket[0], socket[1]];
    assert_eq!(app.go(&site, "GET", "/.truegate/auth", &about).await.summary(), "200");
    assert_eq!(app.go(&site, "POST", "/.truegate/login", &[]).await.summary(), "201");
    assert_eq!(app.go(&site, "POST", "/.truegate/logout", &[]).await.summary(), "204");
}

#[tokio::test]
async fn a_bad_token_opens_no_door_to_the_cookie_beside_it() {
    let site = site();
    let mut victim = site.signed_in().await;
    let (over, mut good) = (App::of(&site, RAJAT), App::of(&site, RAJAT));
    over.clone().go(&site, "POST", "/.truegate/logout", &[]).await;
    let garbage = App { token: "truegate.garbage".to_owned(), ..over.clone() };
    let socket = [("upgrade", "websocket"), ("origin", "https://evil.example")];
    for app in [&over, &garbage] {
        for (method, target, lines) in [
            ("POST", "/.truegate/logout", &[("origin", "https://evil.example")][..]),
            ("POST", "/.truegate/logout", &[]),
            ("POST", "/.truegate/logout?everywhere=true", &[ORIGIN]),
            ("POST", "/.truegate/login", &[("origin", "https://evil.example")]),
            ("GET", "/.truegate/me", &[("sec-fetch-site", "cross-site")]),
            ("GET", "/", &socket),
            ("GET", "/account/", &socket),
        ] {
            let outcome = app.clone().go_with(&mut victim, &site, method, target, lines).await;
            assert_challenged(&outcome, &format!("{method} {target} {lines:?}"));
        }
        assert!(victim.phone(&site).await.is_some(), "the session lives");
    }
    for target in ["/.truegate/login", "/.truegate/logout"] {
        let bearer = [("authorization", "Bearer other"), ("origin", "https://evil.example")];
        let refused = victim.ask(&site, "POST", target, &bearer).await;
        assert_eq!(code(&refused).1, "cross-site", "{target}: what is not truegate's changes nothing");
    }
    assert_eq!(good.go(&site, "GET", "/account/", &[]).await.summary(), "passed known");
}

#[tokio::test]
async fn a_token_is_for_the_host_or_the_domain_where_it_was_made() {
    let shared = two_hosts().share_sessions("shop.example".parse::<CookieDomain>().unwrap()).unwrap();
    for (urls, elsewhere) in [(two_hosts(), "401"), (shared, "passed known")] {
        let site = Site::of_with(urls, with_app);
        let app = App::of(&site, RAJAT);
        let abroad = App { host: "wiki.shop.example".to_owned(), ..app.clone() };
        let outside = App { host: "other.example".to_owned(), ..app.clone() };
        for _ in 0..2 {
            assert_eq!(app.summary(&site, "/account/").await, "passed known");
            assert_eq!(abroad.summary(&site, "/account/").await, elsewhere);
            assert_eq!(outside.summary(&site, "/account/").await, "421");
        }
        let native = App::on("wiki.shop.example", &site, RAJAT);
        assert_eq!(native.summary(&site, "/account/").await, "passed known");
    }
}

#[tokio::test]
async fn what_an_edge_withholds_counts_as_what_it_leaves() {
    let site = site();
    let (app, browser) = (App::of(&site, RAJAT), site.signed_in().await);
    let token = format!("Bearer {}", app.token);
    assert_eq!(app.summary(&site, "/account/").await, "passed known");
    for (lines, is_known, left) in [
        (&[&*token][..], true, &[][..]),
        (&["Bearer other"], false, &["Bearer other"]),
        (&["Bearer other", &token], false, &["Bearer other"]),
        (&["Bearer truegate.garbage"], false, &[]),
    ] {
        for browser in [&Browser::default(), &browser] {
            let lines: Vec<_> = lines.iter().map(|line| ("authorization", *line)).collect();
            let (mut head, _) = browser.request("GET", "/account/", &lines).into_parts();
            let withheld = site.gate.withhold(&mut head.headers);
            assert_eq!(head.headers.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>(), left);
            assert!(!head.headers.contains_key(header::COOKIE));
            let passes = matches!(site.gate.inspect_withheld(&head, &withheld), Step::Forward(_));
            let cookie_counts = !browser.cookies.is_empty() && withheld.tokens.is_empty();
            assert_eq!(passes, is_known || cookie_counts, "{lines:?}");
        }
    }
}
