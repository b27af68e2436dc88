//! The site's own page finishes logins: its requests carry tickets, and nobody else's do.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
};

use truegate::{
    gate::Limits,
    profile::PhoneNumber,
    session::{FinishLoginError, SiteUser},
};

use crate::{
    claims::{claims, is_claim},
    support::{
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions, Store},
        },
        raw::{exchange_from, get},
        recorder::Recorder,
        redis::Redis,
        scene::Scene,
        visitor::Visitor,
    },
};

const PAGE: &str = "/other-login/";
const OPENS: &str = "Sec-Fetch-Mode: navigate\r\n";
const LOGIN: &str = "__Host-truegate-login";
const PHONE: &str = "+447911123456";

fn sessions() -> Sessions {
    let rules = vec![("/public/", Need::Public), ("/account/", Need::Required), ("/", Need::Optional)];
    Sessions { rules, fallback: Some("/other-login"), tickets: true, ..Sessions::usual() }
}

fn with_page(settings: &mut Settings) {
    settings.sessions = Some(sessions());
}

/// The ticket of the one request that has reached the app.
async fn ticket(scene: &Scene) -> Option<String> {
    scene.reached_once().await.one("x-truecaller-login").map(str::to_owned)
}

/// Another gateway of the site, in this process.
async fn finish(redis: &Redis, ticket: &str) -> Result<(), FinishLoginError> {
    let sessions = Sessions { store: Store::Redis(redis.url()), ..sessions() };
    let mut settings = Settings::listing(["https://profile4.truecaller.com/v1/default"]);
    settings.sessions = Some(sessions.clone());
    let user = SiteUser::new(PhoneNumber::parse(PHONE).unwrap()).name("Zaphod Beeblebrox");
    sessions.engine(&[]).finish_login(&settings.gate_builder().build(), ticket, user).await
}

#[tokio::test]
async fn a_user_whom_the_site_has_verified_at_another_gateway_is_known_to_the_app() {
    let redis = Redis::start();
    for kind in Kind::ALL {
        let on_redis = |settings: &mut Settings| {
            settings.sessions = Some(Sessions { store: Store::Redis(redis.url()), ..sessions() });
        };
        let scene = Scene::with(kind, on_redis).await;
        let mut browser = scene.visitor();
        let led = browser.get_with("/account/", OPENS).await;
        assert_eq!((led.status(), browser.cookie(LOGIN)), (302, None));
        let page = browser.get_with(PAGE, OPENS).await;
        assert_eq!((page.status(), page.text().as_str()), (200, "ok"));
        assert_eq!((page.one("cache-control"), page.one("vary")), (Some("private, no-store"), Some("Cookie")));
        assert!(browser.cookie(LOGIN).is_some() && ticket(&scene).await.is_some());

        let (form, waits) = ("code=".to_owned() + &"7".repeat(100_000), "/.truegate/status?since=pending&wait=25");
        assert_eq!(browser.post(PAGE, &form).await.status(), 200);
        let posted = scene.reached_once().await;
        assert_eq!(posted.text(), form, "the form arrives as it was sent");
        let ticket = posted.one("x-truecaller-login").unwrap();
        let mut waiting = browser.clone();
        let (waited, finished) = tokio::join!(waiting.get(waits), finish(&redis, ticket));
        assert_eq!((finished, waited.text().as_str()), (Ok(()), r#"{"state":"verified"}"#));
        assert_eq!(self::finish(&redis, ticket).await, Err(FinishLoginError::LoginOver));

        let led = browser.get_with("/.truegate/login?next=/account/", OPENS).await;
        assert_eq!((led.status(), led.one("location")), (302, Some("/account/")));
        for browser in [&mut browser, &mut waiting] {
            assert_eq!(browser.get_with("/account/", OPENS).await.status(), 200);
            let known = claims(&scene.reached_once().await);
            let expected = [
                ("x-truecaller-given-name", "Zaphod Beeblebrox"),
                ("x-truecaller-method", "site"),
                ("x-truecaller-name", "Zaphod Beeblebrox"),
                ("x-truecaller-phone", PHONE),
                ("x-truecaller-status", "verified"),
            ];
            let known: Vec<_> = known.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(known, expected);
        }
    }
}

#[tokio::test]
async fn no_client_brings_a_ticket_in_any_spelling_or_has_the_next_hop_drop_one() {
    let spoofs: String = "-_.!#$%&'*+^`|~"
        .chars()
        .flat_map(|c| [format!("X{c}Truecaller{c}Login"), format!("x-truecaller{c}LOGIN")])
        .map(|name| format!("{name}: a-ticket-of-another-browser\r\n"))
        .collect();
    let lists = "Connection: X-Truecaller-Login\r\nTE: trailers\r\nTrailer: X-Truecaller-Login, x_truecaller_login\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_page).await;
        let mut browser = scene.visitor();
        for (path, tickets) in [("/", 0), ("/public/", 0), ("/other-login2", 0), (PAGE, 1), (PAGE, 1)] {
            let origin = format!("{OPENS}Origin: {}\r\n", Sessions::ORIGIN);
            browser.get_with(path, &format!("{OPENS}{spoofs}")).await;
            let opened = scene.reached_once().await;
            let lines = format!("{origin}{lists}{spoofs}Transfer-Encoding: chunked\r\n");
            let chunked = "3\r\nabc\r\n0\r\nX-Truecaller-Login: a-ticket\r\nx_truecaller_login: another\r\n\r\n";
            let cookie = browser.cookie(LOGIN).map(|value| format!("Cookie: {LOGIN}={value}\r\n")).unwrap_or_default();
            let head = format!("POST {path} HTTP/1.1\r\nHost: shop.example\r\n{lines}{cookie}\r\n");
            assert_eq!(scene.send(head + chunked).await.status(), 200, "{path}");
            let posted = scene.reached_once().await;
            assert_eq!(posted.text(), "abc");
            assert!(!posted.trailers.iter().any(|(name, _)| is_claim(name)), "{posted:#?}");
            for request in [opened, posted] {
                let carried = claims(&request);
                assert_eq!(carried.len(), tickets, "{path}: {request:#?}");
                assert!(carried.iter().all(|(_, value)| value.len() > 99 && !value.contains("ticket")), "{request:#?}");
                for name in ["connection", "trailer"] {
                    let tokens = request.all(name).join(",");
                    assert!(!tokens.split(',').any(|token| is_claim(token.trim())), "{request:#?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_app_gives_no_ticket_to_a_client() {
    let answer = "HTTP/1.1 200 OK\r\nX-Truecaller-Login: a-ticket\r\nx_truecaller_login: a-ticket\r\nContent-Length: 2\r\n\r\nok";
    for kind in Kind::ALL {
        let scene = Scene::before(kind, Recorder::answering(answer).await, with_page).await;
        for path in [PAGE, "/"] {
            assert_eq!(claims(&scene.visitor().get_with(path, OPENS).await), []);
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_carries_no_ticket() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_page).await;
        let mut browser = scene.visitor();
        browser.get_with(PAGE, OPENS).await;
        assert!(ticket(&scene).await.is_some());
        for lines in [
            "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n",
            "Origin: https://evil.shop.example\r\nSec-Fetch-Site: same-site\r\n",
            "Origin: null\r\n",
            "",
        ] {
            let lines = format!("{OPENS}{lines}");
            browser.send(&format!("POST {PAGE}"), &lines, "phone=%2B15550100000&code=123456").await;
            assert_eq!(ticket(&scene).await, None, "{lines}");
        }
        browser.post(PAGE, "code=123456").await;
        assert!(ticket(&scene).await.is_some());
    }
}

#[tokio::test]
async fn whoever_opens_the_page_too_often_gets_it_without_a_ticket_and_nobody_else_does() {
    let one = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let another = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    for kind in Kind::ALL {
        let strict = |settings: &mut Settings| {
            with_page(settings);
            settings.limits = Limits { logins_per_minute: NonZero::new(2), ..settings.limits };
        };
        let scene = Scene::with(kind, strict).await;
        for (from, carries) in [(one, true), (one, true), (one, false), (one, false), (another, true)] {
            let answer = exchange_from(from, scene.edge.address(), get(PAGE, OPENS)).await;
            let answer = answer.unwrap();
            assert_eq!((answer.status(), answer.all("set-cookie").len()), (200, usize::from(carries)), "{kind:?}");
            assert_eq!(ticket(&scene).await.is_some(), carries, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_full_store_and_a_session_leave_the_page_as_it_is() {
    for kind in Kind::ALL {
        let full = |settings: &mut Settings| settings.sessions = Some(Sessions { max_pending: 1, ..sessions() });
        let scene = Scene::with(kind, full).await;
        let mut known: Visitor = scene.signed_in().await;
        let before = known.cookie(LOGIN).unwrap().to_owned();
        assert_eq!(known.get_with(PAGE, OPENS).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(
            (request.one("x-truecaller-login"), request.one("x-truecaller-phone")),
            (None, Some("+919999999999"))
        );
        assert_eq!(known.cookie(LOGIN), Some(&*before));

        let page = scene.visitor().get_with(PAGE, OPENS).await;
        assert_eq!((page.status(), page.all("set-cookie").len()), (200, 0), "{kind:?}");
        assert_eq!(ticket(&scene).await, None);
    }
}
