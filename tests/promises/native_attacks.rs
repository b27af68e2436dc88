//! What an attacker can send to the route of the site's own app, and what comes of it.

use futures_util::future::join_all;
use serde_json::{Value, json};
use truegate::{
    gate::Limits,
    simulator::{AppUser, Fault, code_challenge},
};

use crate::{
    claims::{assert_problem, claims, of_app, of_missed_call},
    native::with_app,
    support::{
        edge::{Kind, Sessions},
        native::{CLIENT_ID, NATIVE, PHONE, VERIFIER, code, missed_call, user},
        raw::{exchange_from, post},
        scene::Scene,
    },
};

const SPELLINGS: [&str; 9] = [
    "X-Truecaller-Phone", "x-TRUECALLER-phone", "X_Truecaller_Phone", "X.Truecaller-Method", "X!Truecaller~Phone",
    "X-Truecaller-Email", "X-Truecaller-Request-Id", "X-Truecaller-Groups", "X-Truecaller-Assertion",
];

#[tokio::test]
async fn what_the_sender_claims_beside_a_credential_reaches_nobody() {
    let claimed: String = SPELLINGS.iter().map(|name| format!("{name}: +10000000000\r\n")).collect();
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for lines in [
            claimed.clone(),
            format!("{claimed}{claimed}Connection: close, X-Truecaller-Phone, X-Truecaller-Method\r\n"),
            format!("Trailer: X-Truecaller-Phone\r\n{claimed}Proxy: http://evil.example\r\n"),
        ] {
            assert_eq!(scene.app_login_with(&lines, code(&scene.truecaller, user())).await.status(), 200);
            let request = scene.reached_once().await;
            assert_eq!((claims(&request), request.one("proxy")), (of_app(), None));
            let named = ["connection", "trailer"].map(|name| request.all(name).join(",")).concat();
            assert!(!named.to_lowercase().contains("truecaller"), "{request:#?}");
            assert_eq!(scene.app_login_with(&lines, missed_call(&scene.truecaller, user())).await.status(), 200);
            assert_eq!(claims(&scene.reached_once().await), of_missed_call(), "nothing is added to a missed call");
        }
    }
}

#[tokio::test]
async fn no_trailer_of_a_login_is_an_identity() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = code(&scene.truecaller, user());
        let trailers = "X-Truecaller-Phone: +1\r\nx_truecaller_method: web\r\n";
        let request = format!(
            "POST {NATIVE} HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\
             {trailers}\r\n",
            body.len()
        );
        assert_eq!(scene.send(request).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((request.text(), claims(&request)), (body, of_app()));
        assert!(!format!("{:?}", request.trailers).to_lowercase().contains("truecaller"), "{request:#?}");
    }
}

#[tokio::test]
async fn a_code_lets_its_user_in_once() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = code(&scene.truecaller, user());
        assert_eq!(scene.app_login(&body).await.status(), 200);
        scene.reached_once().await;
        assert_problem(&scene.app_login(&body).await, 403, "token-refused");
        scene.unreached("it was used before").await;

        let body = code(&scene.truecaller, user());
        let answers = join_all((0..10).map(|_| scene.app_login(&body))).await;
        let accepted = answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!((accepted, scene.reached().await.len()), (1, 1), "{answers:#?}");
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_its_own_verifier() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let stolen: Value = serde_json::from_str(&code(&scene.truecaller, user())).unwrap();
        let verifier = "another-verifier-of-the-thief-0123456789-abcdefgh";
        let guessed = json!({ "code": stolen["code"], "code_verifier": verifier }).to_string();
        assert_problem(&scene.app_login(guessed).await, 403, "token-refused");
        let other = scene.truecaller.authorize(user(), code_challenge(verifier));
        let swapped = json!({ "code": other, "code_verifier": VERIFIER }).to_string();
        assert_problem(&scene.app_login(swapped).await, 403, "token-refused");
        scene.unreached("no code has this verifier").await;
    }
}

#[tokio::test]
async fn a_credential_that_a_user_gave_to_another_app_is_refused() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let elsewhere = || AppUser::new(PHONE).client_id("the-client-id-of-another-app");
        assert_problem(&scene.app_login(code(&scene.truecaller, elsewhere())).await, 403, "token-refused");
        assert_problem(&scene.app_login(missed_call(&scene.truecaller, elsewhere())).await, 502, "misconfigured");
        scene.unreached("it is for another app").await;
        let asked = scene.truecaller.seen();
        assert!(asked.iter().any(|asked| asked.headers.get("clientid").is_some_and(|id| id == CLIENT_ID)));
    }
}

#[tokio::test]
async fn neither_credential_is_taken_for_the_other() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let code: Value = serde_json::from_str(&code(&scene.truecaller, user())).unwrap();
        let as_token = json!({ "access_token": code["code"] }).to_string();
        assert_problem(&scene.app_login(as_token).await, 403, "token-refused");
        let token: Value = serde_json::from_str(&missed_call(&scene.truecaller, user())).unwrap();
        let as_code = json!({ "code": token["access_token"], "code_verifier": VERIFIER }).to_string();
        assert_problem(&scene.app_login(as_code).await, 403, "token-refused");
        scene.unreached("each is for another endpoint").await;
    }
}

#[tokio::test]
async fn a_path_that_could_be_read_as_the_apps_is_refused() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = code(&scene.truecaller, user());
        for target in [
            "/Truecaller/native", "/truecaller/native/", "/truecaller//native", "//truecaller/native",
            "/x/../truecaller/native", "/truecaller/%6eative", "/truecaller/%256eative", "/truecaller%2fnative",
            "/truecaller%5cnative", "/truecaller/native;v=1", "/truecaller/x/..;/native", "/truecaller/native%00",
            "/truecaller/native%3fa", "/truecaller/native/?a",
        ] {
            assert_problem(&scene.send(post(target, body.as_bytes())).await, 400, "ambiguous-path");
            scene.unreached(target).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
        for target in [format!("{NATIVE}?a=b"), format!("http://app.example{NATIVE}")] {
            let body = code(&scene.truecaller, user());
            assert_eq!(scene.send(post(&target, body.as_bytes())).await.status(), 200, "{target}");
            assert_eq!(claims(&scene.reached_once().await), of_app());
        }
        assert_eq!(scene.send(post("/truecaller/native2", b"{}")).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), []);
    }
}

#[tokio::test]
async fn no_page_of_another_site_logs_its_visitor_in_as_somebody_else() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        // What a form with enctype="text/plain" can send: no preflight comes before it.
        let body = code(&scene.truecaller, user()).replace('}', r#","x":"="}"#);
        for lines in [
            "Origin: https://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: https://wiki.shop.example\r\nSec-Fetch-Site: same-site\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
        ] {
            let lines = format!("Content-Type: text/plain\r\n{lines}");
            assert_problem(&scene.app_login_with(&lines, &body).await, 403, "cross-site");
            scene.unreached(lines).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
        let own = "Origin: https://shop.example\r\nSec-Fetch-Site: same-origin\r\n";
        assert_eq!(scene.app_login_with(own, &body).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), of_app());
    }
}

#[tokio::test]
async fn an_address_that_tries_too_often_is_refused_and_nobody_else_is() {
    let [one, another] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(Into::into);
    for (kind, has_sessions) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let scene = Scene::with(kind, |settings| {
            with_app(settings);
            settings.sessions = has_sessions.then(Sessions::usual);
            settings.limits = Limits { logins_per_minute: std::num::NonZero::new(2), callbacks_per_second: None };
        })
        .await;
        let login = async |from| {
            let body = code(&scene.truecaller, user());
            exchange_from(from, scene.edge.address(), post(NATIVE, body.as_bytes())).await.unwrap()
        };
        let bogus = post(NATIVE, br#"{"access_token":"guessed"}"#);
        let bogus = exchange_from(one, scene.edge.address(), bogus).await.unwrap();
        assert_problem(&bogus, 403, "token-refused");
        assert_eq!(login(one).await.status(), 200);
        let asked = scene.truecaller.fetches();
        let refused = login(one).await;
        assert_problem(&refused, 429, "too-many-requests");
        assert!((1..=60).contains(&refused.one("retry-after").unwrap().parse::<u64>().unwrap()));
        assert_eq!(scene.truecaller.fetches(), asked, "Truecaller is not asked");
        assert_eq!(login(another).await.status(), 200);
    }
}

#[tokio::test]
async fn two_users_at_once_get_their_own_identities() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        scene.truecaller.set_fault(Fault::Slow(std::time::Duration::from_millis(20)));
        let logins = (0..40).map(async |number| {
            let phone = format!("+9199999000{number:02}");
            let user = AppUser::new(&phone).client_id(CLIENT_ID);
            let body =
                if number % 2 == 0 { code(&scene.truecaller, user) } else { missed_call(&scene.truecaller, user) };
            assert_eq!(scene.app_login(&body).await.status(), 200);
            (body, phone)
        });
        let sent: std::collections::HashMap<_, _> = join_all(logins).await.into_iter().collect();
        scene.truecaller.set_fault(Fault::None);
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 40);
        for request in reached {
            assert_eq!(request.one("x-truecaller-phone"), Some(&*sent[&request.text()]));
        }
    }
}
