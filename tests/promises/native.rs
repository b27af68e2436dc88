//! What the site's own app gets, whatever Truecaller answers.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use truegate::simulator::{DOCUMENTED_PROFILE, Fault};

use crate::{
    claims::{assert_problem, claims, documented, of_app, of_missed_call},
    support::{
        client::Client,
        edge::{Kind, Settings, Signing},
        native::{CLIENT_ID, NATIVE, PHONE, VERIFIER, code, missed_call, user},
        raw::post,
        scene::Scene,
    },
};

/// A site with an app.
pub fn with_app(settings: &mut Settings) {
    settings.native = Some(NATIVE);
}

#[tokio::test]
async fn a_user_with_truecaller_reaches_the_app_with_a_verified_identity() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = code(&scene.truecaller, user());

        let answer = scene.app_login_with("Content-Type: application/json\r\nX-App: 7.1\r\n", &body).await;

        assert_eq!((answer.status(), answer.text()), (200, "ok".to_owned()), "the app's own answer");
        let request = scene.reached_once().await;
        assert_eq!((request.start.as_str(), request.text()), ("POST /truecaller/native HTTP/1.1", body.clone()));
        assert_eq!((request.one("x-app"), request.one("content-type")), (Some("7.1"), Some("application/json")));
        assert_eq!(claims(&request), of_app());
        let [token, userinfo] = &scene.truecaller.seen()[..] else { panic!("two questions") };
        assert_eq!((token.method.as_str(), token.target.path()), ("POST", "/v1/token"));
        assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
        let form: Vec<_> = url::form_urlencoded::parse(&token.body).into_owned().collect();
        let sent = serde_json::from_str::<Value>(&body).unwrap()["code"].as_str().unwrap().to_owned();
        let expected = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", sent.as_str()),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((userinfo.method.as_str(), userinfo.target.path()), ("GET", "/v1/userinfo"));
        assert!(userinfo.headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    }
}

#[tokio::test]
async fn a_user_without_truecaller_reaches_the_app_with_a_number_and_a_country_alone() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let body = missed_call(&scene.truecaller, user());
        assert_eq!(scene.app_login(&body).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!((request.text(), claims(&request)), (body, of_missed_call()));
        let [asked] = &scene.truecaller.seen()[..] else { panic!("one question") };
        assert!(asked.target.path().starts_with("/v1/otp/client/installation/phoneNumberDetail/"));
        assert_eq!((asked.method.as_str(), &asked.headers["clientid"]), ("GET", &CLIENT_ID.parse().unwrap()));
    }
}

#[tokio::test]
async fn callbacks_are_taken_as_ever_beside_the_app() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let grant = scene.grant(DOCUMENTED_PROFILE);
        assert_eq!(scene.callback(&grant).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
        assert_problem(&scene.callback(code(&scene.truecaller, user())).await, 400, "malformed-callback");
        assert_problem(&scene.app_login(grant).await, 400, "malformed-credential");
        scene.unreached("each was sent to the other's route").await;
    }
}

#[tokio::test]
async fn a_signed_assertion_says_how_the_number_was_verified() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            with_app(settings);
            settings.signing = Some(Signing::with_keys(1));
        })
        .await;
        for (body, method) in
            [(code(&scene.truecaller, user()), "app"), (missed_call(&scene.truecaller, user()), "missed-call")]
        {
            assert_eq!(scene.app_login(body).await.status(), 200);
            let request = scene.reached_once().await;
            let payload = request.one("x-truecaller-assertion").unwrap().split('.').nth(1).unwrap();
            let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
            assert_eq!((&claims["phone_number"], &claims["amr"]), (&json!(PHONE), &json!([method])));
        }
    }
}

/// How Truecaller answers the questions about one credential, and what the app hears; with how many requests.
type Case = (Vec<Fault>, (u16, &'static str, usize));

fn status(code: u16) -> Fault {
    Fault::Status(StatusCode::from_u16(code).unwrap())
}

/// The faults that are the same for each endpoint, with the number of tries.
fn common(tries: usize) -> Vec<(Fault, (u16, &'static str, usize))> {
    let unavailable = (502, "profile-unavailable", tries);
    let unusable = (502, "profile-unusable", 1);
    vec![
        (status(500), unavailable),
        (status(503), unavailable),
        (status(408), unavailable),
        (status(429), unavailable),
        (Fault::RetryAfter(StatusCode::TOO_MANY_REQUESTS, "3600".parse().unwrap()), unavailable),
        (Fault::Cut, unavailable),
        (Fault::Close, unavailable),
        (status(200), unusable),
        (status(204), unusable),
        (status(418), unusable),
        (Fault::Redirect("/v1/userinfo".parse().unwrap()), unusable),
        (Fault::Malformed, unusable),
        (Fault::Gzip, unusable),
        (Fault::Huge, unusable),
    ]
}

async fn assert_answers(scene: &Scene, cases: Vec<Case>, body: impl Fn(&Scene) -> String) {
    for (plan, (status, code, tries)) in cases {
        println!("faults: {plan:?}");
        let before = scene.truecaller.fetches();
        scene.truecaller.plan(plan);
        let body = body(scene);
        let answer = scene.app_login(&body).await;
        assert_problem(&answer, status, code);
        assert_eq!(scene.truecaller.fetches() - before, tries);
        scene.truecaller.plan([]);
        scene.unreached(code).await;
    }
}

#[tokio::test]
async fn every_answer_of_the_token_endpoint_has_its_own_and_no_code_is_sent_again() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let more = [
            (status(400), (403, "token-refused", 1)),
            (status(403), (403, "token-refused", 1)),
            (status(401), (502, "misconfigured", 1)),
            (status(404), (502, "profile-unusable", 1)),
            (status(422), (502, "profile-unusable", 1)),
        ];
        let cases = common(1).into_iter().chain(more).map(|(fault, answer)| (vec![fault], answer));
        assert_answers(&scene, cases.collect(), |scene| code(&scene.truecaller, user())).await;
    }
}

#[tokio::test]
async fn every_answer_of_the_userinfo_endpoint_has_its_own() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let more = [
            (status(401), (403, "token-refused", 1)),
            (status(404), (502, "profile-unusable", 1)),
            (status(422), (502, "misconfigured", 1)),
            (status(400), (502, "profile-unusable", 1)),
            (status(403), (502, "profile-unusable", 1)),
            (Fault::Unverified, (403, "number-not-verified", 1)),
            (Fault::NoPhone, (502, "profile-unusable", 1)),
        ];
        let cases = common(2).into_iter().chain(more).map(|(fault, (status, code, tries))| {
            // The token was fetched before.
            (vec![Fault::None, fault.clone(), fault], (status, code, tries + 1))
        });
        assert_answers(&scene, cases.collect(), |scene| code(&scene.truecaller, user())).await;
    }
}

#[tokio::test]
async fn every_answer_of_the_missed_call_endpoint_has_its_own() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        let more = [
            (status(404), (502, "misconfigured", 1)),
            (status(401), (502, "profile-unusable", 1)),
            (status(403), (502, "profile-unusable", 1)),
            (Fault::NoPhone, (502, "profile-unusable", 1)),
        ];
        let cases =
            common(2).into_iter().chain(more).map(|(fault, answer)| (vec![fault.clone(), fault], answer)).collect();
        assert_answers(&scene, cases, |scene| missed_call(&scene.truecaller, user())).await;
        let unknown = r#"{"access_token":"a-token-of-nobody"}"#;
        assert_answers(&scene, vec![(vec![], (403, "token-refused", 1))], |_| unknown.to_owned()).await;
    }
}

#[tokio::test]
async fn a_number_that_comes_on_the_second_try_is_as_good() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, with_app).await;
        for (plan, body, tries) in [
            (vec![Fault::None, Fault::Close], code(&scene.truecaller, user()), 3),
            (vec![status(503)], missed_call(&scene.truecaller, user()), 2),
        ] {
            let before = scene.truecaller.fetches();
            scene.truecaller.plan(plan);
            assert_eq!(scene.app_login(body).await.status(), 200);
            assert_eq!(scene.truecaller.fetches() - before, tries);
            scene.reached_once().await;
        }
    }
}

#[tokio::test]
async fn a_truecaller_that_is_late_is_a_timeout() {
    // Side by side, for each waits until the deadline.
    join_all(Kind::ALL.map(async |kind| {
        let scene = Scene::with(kind, |settings| {
            with_app(settings);
            // A busy machine must have asked before it.
            settings.deadline = Duration::from_secs(2);
        })
        .await;
        for (plan, body) in [
            (vec![Fault::Hang], code(&scene.truecaller, user())),
            (vec![Fault::None, Fault::Hang], code(&scene.truecaller, user())),
            (vec![Fault::Hang], missed_call(&scene.truecaller, user())),
        ] {
            let asked = scene.truecaller.fetches() + plan.len();
            scene.truecaller.plan(plan);
            assert_problem(&scene.app_login(body).await, 504, "profile-timeout");
            assert_eq!(scene.truecaller.fetches(), asked, "{kind:?}");
        }
        scene.unreached("it was too late").await;
    }))
    .await;
}

#[tokio::test]
async fn an_app_that_goes_away_meanwhile_leaves_nothing_behind() {
    for kind in Kind::ALL {
        let mut scene = Scene::with(kind, with_app).await;
        scene.truecaller.set_fault(Fault::Hang);
        let body = code(&scene.truecaller, user());
        let mut client = Client::connect(scene.edge.address()).await;
        client.send(post(NATIVE, body.as_bytes())).await;
        scene.truecaller.wait_for_fetches(1).await;
        drop(client);
        scene.wait_for_abandoned_app_logins(1).await;
        scene.truecaller.set_fault(Fault::None);
        scene.unreached("nobody waits for it").await;
        assert_eq!(scene.app_login(missed_call(&scene.truecaller, user())).await.status(), 200);
    }
}

#[tokio::test]
async fn without_an_app_its_path_is_one_like_any_other() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        assert_eq!(scene.app_login(code(&scene.truecaller, user())).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), []);
        assert_eq!(scene.truecaller.connections(), 0);
    }
}
