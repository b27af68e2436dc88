//! People get pages, and scripts get problem details.

use std::num::NonZero;

use truegate::gate::Limits;

use crate::{
    claims::assert_problem,
    support::{
        client::Client,
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        raw::Message,
        scene::Scene,
    },
};

const PERSON: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n";

fn ruled(settings: &mut Settings) {
    let rules = vec![
        ("/public/", Need::Public),
        ("/the-last-of-it", Need::Public),
        ("/account/", Need::Required),
        ("/vip/", Need::Listed(vec!["+447911123456"])),
        ("/", Need::Optional),
    ];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

/// The text of a page, which is sent as every page of ours is.
fn page(answer: &Message) -> String {
    assert_eq!(answer.one("content-type"), Some("text/html; charset=utf-8"), "{answer:#?}");
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    assert_eq!(answer.one("x-content-type-options"), Some("nosniff"));
    let policy = answer.one("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    answer.text().replace("&#x2f;", "/").replace("&amp;", "&")
}

#[tokio::test]
async fn a_person_gets_a_page_and_a_script_gets_problem_details() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let browser = scene.signed_in().await;
        for (target, status, code, words) in [
            ("/vip/", 403, "not-allowed", "This number has no access"),
            ("/public/..%2fvip/", 400, "ambiguous-path", "This request cannot be answered"),
            ("/.truegate/nothing", 404, "not-found", "This request cannot be answered"),
        ] {
            for lines in [PERSON, "Accept: text/html,application/xhtml+xml;q=0.9\r\n"] {
                let answer = browser.clone().get_with(target, lines).await;
                assert_eq!(answer.status(), status, "{target}");
                assert!(page(&answer).contains(words), "{target}: {}", answer.text());
            }
            for lines in ["", "Accept: application/json\r\n", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n"] {
                assert_problem(&browser.clone().get_with(target, lines).await, status, code);
            }
        }
        scene.unreached("all of it is refused").await;
    }
}

#[tokio::test]
async fn a_person_who_is_not_listed_can_use_another_number() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let mut browser = scene.signed_in().await;
        let refused = page(&browser.get_with("/vip/x?y", PERSON).await);
        assert!(refused.contains("+••••••••••99") && !refused.contains("99999"), "{refused}");
        let next = "/.truegate/login?next=%2Fvip%2Fx%3Fy";
        assert!(refused.contains("<form method=\"post\" action=\"/.truegate/logout\">"), "{refused}");
        assert!(refused.contains(&format!("name=\"next\" value=\"{next}\"")), "{refused}");

        let form = "next=%2F.truegate%2Flogin%3Fnext%3D%252Fvip%252Fx%253Fy";
        let out = browser.post("/.truegate/logout", form).await;
        assert_eq!((out.status(), out.one("location")), (303, Some(next)));
        let login = browser.get_with(next, PERSON).await;
        assert_eq!(login.status(), 200, "nobody is logged in any more");
        assert!(page(&login).contains("data-next=\"/vip/x?y\""));
        scene.unreached("nobody came in").await;
    }
}

#[tokio::test]
async fn a_form_that_is_sent_without_a_session_is_not_lost_silently() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let lines = format!("{PERSON}Referer: https://shop.example/account/new?a=b\r\n");
        let answer = scene.visitor().send("POST /account/save", &lines, "text=a-long-letter").await;
        assert_eq!(answer.status(), 401);
        let text = page(&answer);
        assert!(text.contains("Your session has ended") && text.contains("did not reach A Shop"), "{text}");
        assert!(text.contains("href=\"/.truegate/login?next=%2Faccount%2Fnew%3Fa%3Db\""), "{text}");
        let script = scene.visitor().send("POST /account/save", "Sec-Fetch-Mode: cors\r\n", "text=a").await;
        assert_problem(&script, 401, "not-signed-in");
        scene.unreached("nobody is signed in").await;
    }
}

#[tokio::test]
async fn a_person_who_tries_too_often_gets_a_page() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            ruled(settings);
            settings.limits = Limits { logins_per_minute: NonZero::new(1), callbacks_per_second: None };
        })
        .await;
        scene.visitor().start_login().await;
        let lines = format!("{PERSON}Origin: {}\r\n", Sessions::ORIGIN);
        let answer = scene.visitor().send("POST /.truegate/login", &lines, "").await;
        assert_eq!(answer.status(), 429);
        assert!(page(&answer).contains("Too many tries") && answer.one("retry-after").is_some(), "{answer:#?}");
        assert_problem(&scene.visitor().post("/.truegate/login", "").await, 429, "too-many-requests");
    }
}

#[tokio::test]
async fn an_app_that_does_not_answer_is_a_page_for_people() {
    let mut scene = Scene::with(Kind::Gateway, ruled).await;
    scene.app.stop().await;
    let answer = scene.visitor().get_with("/x?y", PERSON).await;
    assert_eq!(answer.status(), 502);
    let text = page(&answer);
    assert!(text.contains("A Shop does not answer") && text.contains("href=\"/x?y\""), "{text}");
    assert_problem(&scene.visitor().get_with("/x?y", "Accept: */*\r\n").await, 502, "upstream-unavailable");
}

#[tokio::test]
async fn a_browser_that_is_logged_in_goes_on_from_the_login_page() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let mut browser = scene.signed_in().await;
        for (next, to) in [("/account/x%3Fy", "/account/x?y"), ("//evil.example", "/"), ("/.truegate/logout", "/")] {
            let answer = browser.get_with(&format!("/.truegate/login?next={next}"), PERSON).await;
            assert_eq!((answer.status(), answer.one("location")), (302, Some(to)));
        }
        assert_eq!(browser.get_with("/.truegate/login?next=/vip/", PERSON).await.one("location"), Some("/vip/"));
        assert_eq!(browser.get_with("/vip/", PERSON).await.status(), 403, "and there it ends");
        assert_eq!(browser.clone().post("/.truegate/logout", "").await.status(), 204);
        let answer = browser.get_with("/.truegate/login?next=/account/", PERSON).await;
        assert_eq!((answer.status(), browser.cookie("__Host-truegate")), (200, None), "nobody goes in circles");
    }
}

#[tokio::test]
async fn a_logout_link_asks_unless_a_page_of_the_site_leads_there() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let mut browser = scene.signed_in().await;
        for lines in [
            "",
            "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n",
            "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\n",
        ] {
            let answer = browser.get_with("/.truegate/logout?next=/bye", lines).await;
            assert_eq!(answer.status(), 200);
            assert!(page(&answer).contains("<form method=\"post\" action=\"/.truegate/logout\">"));
            assert_eq!(browser.get("/.truegate/me").await.status(), 200, "{lines}");
        }
        let answer = browser.get_with("/.truegate/logout?next=/bye", PERSON).await;
        assert_eq!((answer.status(), answer.one("location")), (303, Some("/bye")));
        assert_eq!(browser.cookie("__Host-truegate"), None);
        assert_eq!(browser.get("/.truegate/me").await.status(), 401);
    }
}

#[tokio::test]
async fn whatever_can_be_asked_for_can_be_gone_back_to() {
    let longest = format!("/account/{}", "%C3".repeat((8 * 1024 - 9) / 3));
    for kind in Kind::ALL {
        let scene = Scene::with(kind, ruled).await;
        let known = scene.signed_in().await;
        for (target, back) in [
            ("/account/?path=C:\\temp\\\\x", "/account/?path=C:\\temp\\\\x"),
            ("/account/?filter={a:[1|2]}^`~", "/account/?filter={a:[1|2]}^`~"),
            ("/account/दुकान?q=é", "/account/%E0%A4%A6%E0%A5%81%E0%A4%95%E0%A4%BE%E0%A4%A8?q=%C3%A9"),
            ("/account/?next=//evil.example/%2F", "/account/?next=//evil.example/%2F"),
            (&longest, &longest),
        ] {
            let mut client = Client::connect(scene.edge.address()).await;
            client.send(format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n{PERSON}\r\n")).await;
            let answer = client.read().await.unwrap();
            assert_eq!(answer.status(), 302, "{target}: {answer:#?}");
            let login = answer.one("location").unwrap();
            let answer = known.clone().get_with(login, PERSON).await;
            assert_eq!((answer.status(), answer.one("location")), (302, Some(back)));
        }
    }
}
