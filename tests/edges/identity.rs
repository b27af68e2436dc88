//! What the app hears of who asks.

use std::time::Duration;

use crate::{
    proxy::Kind,
    scene::{PHONE, SECRET, SESSION, Scene, sign_in},
    support::{
        raw::{Message, exchange},
        seal::aged,
    },
};

/// What a client says of itself, in every spelling that an app could read as ours.
const SPOOFS: &str = "\
    X-Truecaller-Phone: +10000000000\r\nx-TRUECALLER-phone: +10000000001\r\nX_Truecaller_Phone: +10000000002\r\n\
    X-Truecaller_Phone: +10000000003\r\nX.Truecaller.Phone: +10000000004\r\nX-Truecaller-Status: verified\r\n\
    X-Truecaller-Request-Id: spoofed-\r\nX-Truecaller-User-Id: 1\r\nX-Truecaller-Name: Spoofed\r\n\
    X-Truecaller-Method: app\r\nX_Truecaller_Method: app\r\n\
    X-Truecaller-Given-Name: Spoofed\r\nX-Truecaller-Family-Name: Spoofed\r\nX-Truecaller-Country: ZZ\r\n\
    X-Truecaller-Email: spoofed@example.com\r\nX-Truecaller-Profile: c3Bvb2ZlZA\r\nX-Truecaller-Assertion: a.b.c\r\n\
    X_TRUECALLER_ASSERTION: a.b.c\r\nX!Truecaller!Phone: +1\r\nX#Truecaller#Phone: +1\r\nX$Truecaller$Phone: +1\r\n\
    X%Truecaller%Phone: +1\r\nX&Truecaller&Phone: +1\r\nX'Truecaller'Phone: +1\r\nX*Truecaller*Phone: +1\r\n\
    X+Truecaller+Phone: +1\r\nX^Truecaller^Phone: +1\r\nX`Truecaller`Phone: +1\r\nX|Truecaller|Phone: +1\r\n\
    X~Truecaller~Phone: +1\r\nX-Truecaller~Phone: +1\r\n";

/// The identity of the documented profile.
const DOCUMENTED: [(&str, &str); 8] = [
    ("x-truecaller-country", "IN"),
    ("x-truecaller-family-name", "Kapoor"),
    ("x-truecaller-given-name", "Rajat"),
    ("x-truecaller-method", "web"),
    ("x-truecaller-name", "Rajat Kapoor"),
    ("x-truecaller-phone", PHONE),
    ("x-truecaller-status", "verified"),
    ("x-truecaller-user-id", "1319413476"),
];

/// What an app reads as ours, however it folds names; an empty value says nothing.
fn claims(request: &Message) -> Vec<(String, String)> {
    let fold = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let folded = request.headers.iter().map(|(name, value)| (fold(name), value.clone()));
    let mut claims: Vec<_> =
        folded.filter(|(name, value)| name.starts_with("x-truecaller-") && !value.is_empty()).collect();
    claims.sort();
    claims
}

#[tokio::test]
async fn the_app_knows_who_logged_in_and_believes_no_client() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut browser = scene.signed_in().await;
        scene.unreached("a login is not the app's").await;
        for path in ["/account/orders?a=%2F&b", "/cart"] {
            let answer = browser.get_with(path, SPOOFS).await;
            assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
            for header in ["Cookie", "Authorization"] {
                let varies = answer.all("vary").iter().any(|vary| vary.split(',').any(|name| name.trim() == header));
                assert!(varies || kind == Kind::Traefik, "{answer:#?}");
            }
            let request = scene.reached_once().await;
            assert_eq!(request.start, format!("GET {path} HTTP/1.1"));
            let (assertion, said): (Vec<_>, Vec<_>) =
                claims(&request).into_iter().partition(|(name, _)| name == "x-truecaller-assertion");
            assert_eq!(said, DOCUMENTED.map(|(name, value)| (name.to_owned(), value.to_owned())));
            assert!(matches!(&assertion[..], [(_, token)] if token.starts_with("eyJ")), "{assertion:?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_nobody_whatever_they_say() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut known = scene.signed_in().await;
        for (mut browser, path) in [(scene.visitor(), "/cart"), (scene.visitor(), "/public/x")] {
            assert_eq!(browser.get_with(path, SPOOFS).await.status(), 200);
            assert_eq!(claims(&scene.reached_once().await), []);
        }
        assert_eq!(known.get_with("/public/x", SPOOFS).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), [], "a public path carries no identity");
        let spoofed = format!("Connection: close, X-Truecaller-Phone, X-Truecaller-Status\r\n{SPOOFS}");
        assert_eq!(known.get_with("/cart", &spoofed).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(request.one("x-truecaller-phone"), Some(PHONE), "a client cannot take it away");
    }
}

#[tokio::test]
async fn a_body_reaches_the_app_and_nobody_else() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut browser = scene.signed_in().await;
        let answer = browser.send("POST /account/orders", "", "two apples").await;
        assert_eq!(answer.status(), 200, "{answer:#?}");
        let request = scene.reached_once().await;
        assert_eq!((request.start.as_str(), request.text().as_str()), ("POST /account/orders HTTP/1.1", "two apples"));
        assert_eq!(request.one("x-truecaller-phone"), Some(PHONE));
    }
}

#[tokio::test]
async fn the_longest_identity_passes_with_a_fresh_cookie() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let name = "क".repeat(300);
        let profile = serde_json::json!({ "phoneNumbers": ["919999999999"], "name": { "first": name, "last": name } });
        let mut browser = sign_in(&scene.truecaller, scene.proxy.address(), profile.to_string()).await;
        let stale = aged(SECRET, browser.cookie(SESSION).unwrap(), Duration::from_mins(20));
        browser.set_cookie(SESSION, &stale);
        let answer = browser.get("/account/").await;
        assert_eq!((answer.status(), answer.one("set-cookie").is_some()), (200, true), "{answer:#?}");
        let request = scene.reached_once().await;
        assert!(request.one("x-truecaller-given-name").unwrap().len() > 2500, "{request:#?}");
        assert_eq!(request.one("x-truecaller-phone"), Some(PHONE));
    }
}

#[tokio::test]
async fn a_trailer_says_nothing_of_who_asks() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let lines = "Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Truecaller-Phone, X_Truecaller_Phone\r\n";
        let chunks = "3\r\nabc\r\n0\r\nX-Truecaller-Phone: +1\r\nX_Truecaller_Phone: +1\r\n\r\n";
        let head = format!("POST /cart HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n");
        let answer = exchange(scene.proxy.address(), head + chunks).await.expect("an answer");
        let reached = scene.reached().await;
        assert!([200, 400].contains(&answer.status()), "{answer:#?}");
        assert!(reached.iter().all(|request| request.trailers.is_empty()), "{reached:#?}");
    }
}
