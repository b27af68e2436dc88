//! How people come in and go out.

use std::time::Duration;

use crate::{
    proxy::Kind,
    scene::{ORIGIN, PHONE, SECRET, SESSION, Scene},
    support::{
        seal::aged,
        site_login::{TOKEN, finish},
    },
};

const NAVIGATION: &str = "Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n";

#[tokio::test]
async fn a_person_is_sent_to_the_login_and_a_script_is_told() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let page = scene.visitor().get_with("/account/orders?a=1&b=%2F", NAVIGATION).await;
        let next = "/.truegate/login?next=%2Faccount%2Forders%3Fa%3D1%26b%3D%252F";
        assert_eq!((page.status(), page.one("location")), (302, Some(next)));
        let script = scene.visitor().get_with("/account/orders", "Accept: */*\r\n").await;
        assert_eq!((script.status(), script.code().as_str()), (401, "not-signed-in"));
        let posted = scene.visitor().send("POST /account/orders", NAVIGATION, "two apples").await;
        assert_eq!((posted.status(), posted.one("location")), (401, None));
        scene.unreached("nobody was signed in").await;

        let login = scene.visitor().get_with(next, "Accept: text/html\r\n").await;
        assert_eq!((login.status(), login.one("content-type")), (200, Some("text/html; charset=utf-8")));
    }
}

#[tokio::test]
async fn who_is_not_on_the_list_stays_outside() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut known = scene.signed_in().await;
        let script = known.get_with("/staff/", "Accept: */*\r\n").await;
        assert_eq!((script.status(), script.code().as_str()), (403, "not-allowed"));
        let page = known.get_with("/staff/", NAVIGATION).await;
        assert_eq!((page.status(), page.one("content-type")), (403, Some("text/html; charset=utf-8")));
        scene.unreached("they may not").await;
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_for_good() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut browser = scene.signed_in().await;
        let thief = browser.clone();
        let foreign = browser.clone().send("POST /.truegate/logout", "Origin: https://evil.example\r\n", "").await;
        assert_eq!(foreign.status(), 403);
        assert_eq!(browser.post("/.truegate/logout", "").await.status(), 204);
        assert_eq!(browser.cookie(SESSION), None);
        assert_eq!(browser.get("/account/").await.status(), 401);

        let replayed = thief.clone().get("/account/").await;
        assert_eq!((replayed.status(), replayed.code().as_str()), (401, "not-signed-in"));
        scene.unreached("the session is over").await;
        let (mut again, answer) = (thief.clone(), thief.clone().get("/cart").await);
        assert_eq!(answer.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-phone").unwrap_or_default(), "");
        again.get("/cart").await;
        assert_eq!(again.cookie(SESSION), None, "a cookie that is worth nothing is cleared");
    }
}

#[tokio::test]
async fn a_broken_or_expired_cookie_is_no_cookie() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let good = scene.signed_in().await.cookie(SESSION).unwrap().to_owned();
        let expired = aged(SECRET, &good, Duration::from_hours(3));
        let flipped = good.replacen(&good[20..21], if &good[20..21] == "A" { "B" } else { "A" }, 1);
        for cookie in [
            "",
            "x",
            "\"\"",
            &good[1..],
            &good[..good.len() - 4],
            &expired,
            &flipped,
            &format!("\"{good}\""),
            &"x".repeat(3000),
        ] {
            let mut browser = scene.visitor();
            browser.set_cookie(SESSION, cookie);
            let answer = browser.get("/account/").await;
            assert_eq!((answer.status(), answer.code().as_str()), (401, "not-signed-in"), "{cookie}");
            assert_eq!(
                browser.cookie(SESSION).is_none(),
                cookie == expired,
                "what truegate did not seal is left alone"
            );
        }
        scene.unreached("nobody was signed in").await;
    }
}

#[tokio::test]
async fn the_page_of_the_site_gets_a_ticket_and_finishes_the_login_with_it() {
    for kind in Kind::ALL {
        let configure = |text: String| {
            let page = format!("  public_url: {ORIGIN}\n  fallback_url: /sign-in\n");
            let configured = text.replace(&format!("  public_url: {ORIGIN}\n"), &page);
            assert_ne!(configured, text, "truegate.yaml has its public URL on a line of its own");
            configured + &format!("admin: {{ listen: 127.0.0.1:0, token: {TOKEN} }}\n")
        };
        let scene = Scene::configured(kind, configure, |text| text).await;
        let mut browser = scene.visitor();
        let claimed = format!("{NAVIGATION}X-Truecaller-Login: claimed\r\nX-Truecaller-Method: app\r\n");
        assert_eq!(browser.get_with("/sign-in", &claimed).await.status(), 200);
        assert!(browser.cookie("__Host-truegate-login").is_some(), "a login was started for the browser");
        let request = scene.reached_once().await;
        let tickets = request.all("x-truecaller-login");
        assert!(matches!(tickets[..], [ticket] if !ticket.is_empty() && ticket != "claimed"), "{request:#?}");
        assert_eq!(request.one("x-truecaller-method").unwrap_or_default(), "");
        assert_eq!(browser.get_with("/cart", &claimed).await.status(), 200);
        let elsewhere = scene.reached_once().await;
        assert_eq!(elsewhere.one("x-truecaller-login").unwrap_or_default(), "", "only that page gets a ticket");

        let admin = scene.truegate.admin();
        assert_eq!(finish(admin, tickets[0], PHONE).await.status(), 204);
        let back = browser.get_with("/.truegate/login?next=%2Faccount%2F", NAVIGATION).await;
        assert_eq!((back.status(), back.one("location")), (302, Some("/account/")), "{back:#?}");
        assert_eq!(browser.get("/account/").await.status(), 200);
        let request = scene.reached_once().await;
        let known = ["x-truecaller-phone", "x-truecaller-method"].map(|name| request.one(name));
        assert_eq!(known, [Some(PHONE), Some("site")]);
    }
}
