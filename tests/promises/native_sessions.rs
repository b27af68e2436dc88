//! Whole logins of the site's own app, where truegate keeps sessions: the app behind it hears of each request's user alone.

use serde_json::Value;
use truegate::simulator::{AppUser, Fault};

use crate::{
    claims::{assert_problem, claims, of_app, of_missed_call},
    native::with_app,
    support::{
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        native::{CLIENT_ID, NATIVE, PHONE, code, missed_call, user},
        raw::Message,
        scene::Scene,
        visitor::json,
    },
};

fn with_sessions(settings: &mut Settings) {
    with_app(settings);
    let rules = vec![("/public/", Need::Public), ("/account/", Need::Required), ("/", Need::Optional)];
    settings.sessions = Some(Sessions { rules, ..Sessions::usual() });
}

/// The token in the answer to a login.
fn token(answer: &Message) -> String {
    assert_eq!(answer.status(), 200, "{answer:#?}");
    json(answer)["token"].as_str().unwrap().to_owned()
}

async fn asked(scene: &Scene, start: &str, lines: &str) -> Message {
    scene.send(format!("{start} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n")).await
}

#[tokio::test]
async fn a_login_by_either_credential_is_a_session_for_later_requests() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_sessions).await;
        for (body, method, known) in [
            (code(&scene.truecaller, user()), "app", of_app()),
            (missed_call(&scene.truecaller, user()), "missed-call", of_missed_call()),
        ] {
            let answer = scene.app_login(body).await;

            assert_eq!(answer.one("content-type"), Some("application/json"));
            assert_eq!((answer.one("cache-control"), answer.one("set-cookie")), (Some("no-store"), None));
            scene.unreached("truegate answers it").await;
            let told = json(&answer);
            assert_eq!((&told["phone"], &told["method"]), (&PHONE.into(), &method.into()));
            assert!(told["expires_at"].as_str().unwrap().ends_with('Z'));

            let bearer = format!("Authorization: Bearer {}\r\n", token(&answer));
            for path in ["/account/orders", "/"] {
                let page = asked(&scene, &format!("GET {path}"), &bearer).await;
                assert_eq!((page.status(), page.one("set-cookie")), (200, None), "{path}");
                let request = scene.reached_once().await;
                assert_eq!((claims(&request), request.one("authorization")), (known.clone(), None), "{path}");
            }
            let me = json(&asked(&scene, "GET /.truegate/me", &bearer).await);
            assert_eq!((&me["phone"], &me["expires_at"]), (&PHONE.into(), &told["expires_at"]));
            assert_eq!(asked(&scene, "GET /public/", &bearer).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!((claims(&request), request.one("authorization")), (vec![], None));
        }
        assert_problem(&asked(&scene, "GET /account/", "").await, 401, "not-signed-in");
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_of_the_app() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_sessions).await;
        let [first, second, other] = [
            (user(), "/.truegate/logout"),
            (user(), "/.truegate/logout?everywhere=true"),
            (AppUser::new("+919888888888").client_id(CLIENT_ID), ""),
        ];
        let login = async |user: AppUser| {
            let answer = scene.app_login(code(&scene.truecaller, user)).await;
            format!("Authorization: Bearer {}\r\n", token(&answer))
        };
        let (one, two, stranger) = (login(first.0).await, login(second.0).await, login(other.0).await);
        assert_eq!(asked(&scene, &format!("POST {}", first.1), &one).await.status(), 204);
        let refused = asked(&scene, "GET /account/", &one).await;
        assert_problem(&refused, 401, "not-signed-in");
        assert_eq!(refused.one("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert_eq!(asked(&scene, "GET /account/", &two).await.status(), 200, "the other device goes on");
        assert_eq!(asked(&scene, &format!("POST {}", second.1), &two).await.status(), 204);
        assert_problem(&asked(&scene, "GET /account/", &two).await, 401, "not-signed-in");
        assert_eq!(asked(&scene, "GET /account/", &stranger).await.status(), 200);
    }
}

#[tokio::test]
async fn whoever_is_refused_gets_no_token() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_sessions).await;
        let elsewhere = || AppUser::new(PHONE).client_id("another-client-id");
        for (fault, body, status, refused) in [
            (Fault::None, "{}".to_owned(), 400, "malformed-credential"),
            (Fault::None, r#"{"access_token":"a-token-of-nobody"}"#.to_owned(), 403, "token-refused"),
            (Fault::None, code(&scene.truecaller, elsewhere()), 403, "token-refused"),
            (Fault::Close, missed_call(&scene.truecaller, user()), 502, "profile-unavailable"),
            (Fault::Malformed, missed_call(&scene.truecaller, user()), 502, "profile-unusable"),
        ] {
            scene.truecaller.set_fault(fault);
            let answer = scene.app_login(body).await;
            assert_problem(&answer, status, refused);
            assert_eq!(answer.one("set-cookie"), None);
            scene.unreached(refused).await;
        }
    }
}

#[tokio::test]
async fn a_session_that_the_sender_has_already_changes_nothing_about_a_login() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_sessions).await;
        let browser = scene.signed_in().await;
        let cookie = format!("Cookie: __Host-truegate={}\r\n", browser.cookie("__Host-truegate").unwrap());
        let other = AppUser::new("+919888888888").client_id(CLIENT_ID);
        let answer = scene.app_login_with(&cookie, code(&scene.truecaller, other)).await;
        assert_eq!(json(&answer)["phone"], "+919888888888");
        let bearer = format!("Authorization: Bearer {}\r\n", token(&answer));
        let again = scene.app_login_with(&bearer, code(&scene.truecaller, user())).await;
        assert_eq!(json(&again)["phone"], PHONE);
        assert_problem(&asked(&scene, "GET /", &(cookie + &bearer)).await, 400, "conflicting-sessions");
    }
}

#[tokio::test]
async fn an_app_logs_in_on_the_hosts_of_the_site_alone() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            with_sessions(settings);
            let sessions = settings.sessions.as_mut().unwrap();
            sessions.other_hosts = vec!["https://wiki.example"];
            sessions.rules.insert(0, ("api.example/", Need::Public));
        })
        .await;
        let login = async |host: &str| {
            let body = code(&scene.truecaller, user());
            let length = body.len();
            scene
                .send(format!("POST {NATIVE} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"))
                .await
        };
        let [shop, wiki] = [token(&login("shop.example").await), token(&login("wiki.example").await)];
        let before = scene.truecaller.fetches();
        assert_problem(&login("evil.example").await, 421, "misdirected-request");
        assert_problem(&login("api.example").await, 421, "misdirected-request");
        assert_eq!(scene.truecaller.fetches(), before, "no code is spent for it");
        for (host, token, status) in [
            ("shop.example", &shop, 200),
            ("wiki.example", &wiki, 200),
            ("wiki.example", &shop, 401),
            ("shop.example", &wiki, 401),
        ] {
            let lines = format!("GET /account/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
            assert_eq!(scene.send(lines).await.status(), status, "{host}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_asks_is_told_of_the_apps_users_and_of_no_other_spelling_of_its_route() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            with_sessions(settings);
            settings.trusted = true;
        })
        .await;
        let bearer = format!(
            "Authorization: Bearer {}\r\n",
            token(&scene.app_login(missed_call(&scene.truecaller, user())).await)
        );
        let ask = async |path: &str, lines: &str| {
            let lines = format!("X-Forwarded-Uri: {path}\r\nX-Forwarded-Method: GET\r\n{lines}");
            asked(&scene, "GET /.truegate/auth", &lines).await
        };
        let known = ask("/account/", &bearer).await;
        let told = ["phone", "method"].map(|name| known.one(&format!("x-truecaller-{name}")));
        assert_eq!((known.status(), told), (200, [Some(PHONE), Some("missed-call")]));
        assert_eq!(ask("/account/", "").await.status(), 401);
        for path in ["/truecaller/Native", "/truecaller//native", "/truecaller/%6eative"] {
            assert_problem(&ask(path, &bearer).await, 400, "ambiguous-path");
        }
        scene.unreached("only truegate was asked").await;
    }
}

#[tokio::test]
async fn without_an_app_nobody_is_known_by_a_token() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_sessions).await;
        let answer: Value = json(&scene.app_login(code(&scene.truecaller, user())).await);
        let bearer = format!("Authorization: Bearer {}\r\n", answer["token"].as_str().unwrap());
        let scene = Scene::with(kind, |settings| {
            with_sessions(settings);
            settings.native = None;
        })
        .await;
        assert_problem(&asked(&scene, "GET /account/", &bearer).await, 401, "not-signed-in");
        for (lines, left) in [(&bearer, None), (&"Authorization: Bearer other\r\n".to_owned(), Some("Bearer other"))] {
            assert_eq!(asked(&scene, "GET /public/", lines).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!((claims(&request), request.one("authorization")), (vec![], left), "another gate may take it");
        }
    }
}
