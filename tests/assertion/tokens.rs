//! The tokens: with every verified identity, with no other request, and never from a client.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    support::{
        edge::{Kind, PATH, Signing},
        raw::{Message, get},
        scene::Scene,
    },
    verifier::{verify, verify_for},
};

const REFUSAL: &str = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;

async fn scene(kind: Kind, signing: Signing) -> Scene {
    Scene::with(kind, |settings| settings.signing = Some(signing)).await
}

fn callback(body: &str, lines: &str) -> String {
    format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{lines}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The headers that some server would take for an assertion.
fn asserted(request: &Message) -> Vec<&str> {
    let reads = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-") == "x-truecaller-assertion";
    request.headers.iter().filter(|(name, _)| reads(name)).map(|(_, value)| value.as_str()).collect()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "a gateway has no clock but the machine's")]
async fn every_verified_callback_carries_a_token_that_verifies() {
    for kind in Kind::ALL {
        let signing = Signing { lifetime: Duration::from_secs(75), ..Signing::with_keys(1) };
        let id = signing.ids().remove(0);
        let scene = scene(kind, signing).await;
        let before = seconds(SystemTime::now());

        assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);

        let request = scene.reached_once().await;
        let mut verified = verify(&scene, request.one("X-Truecaller-Assertion").unwrap()).await.unwrap();
        assert_eq!(verified["header"], json!({ "typ": "JWT", "alg": "ES256", "kid": id }));
        let claims = verified["claims"].as_object_mut().unwrap();
        let [issued, expires] = ["iat", "exp"].map(|claim| claims.remove(claim).unwrap().as_u64().unwrap());
        assert!((before..=seconds(SystemTime::now())).contains(&issued) && expires - issued == 75);
        assert_eq!(claims.remove("jti").unwrap().as_str().unwrap().len(), 22);
        let expected = json!({ "iss": Signing::ISSUER, "aud": Signing::AUDIENCE, "sub": "1319413476",
            "phone_number": "+919999999999", "amr": ["web"], "name": "Rajat Kapoor", "given_name": "Rajat",
            "family_name": "Kapoor" });
        assert_eq!(verified["claims"], expected);
    }
}

#[tokio::test]
async fn no_name_but_the_users_own_is_asserted() {
    for kind in Kind::ALL {
        let scene = scene(kind, Signing::with_keys(1)).await;
        for (profile, names) in [
            (r#"{"phoneNumbers":["919999999999"]}"#, json!({})),
            (
                r#"{"phoneNumbers":["919999999999"],"name":{"last":"张三 \"\r\nX: y"}}"#,
                json!({ "name": "张三 \"\r\nX: y", "family_name": "张三 \"\r\nX: y" }),
            ),
        ] {
            scene.callback(scene.grant(profile)).await;
            let verified = verify(&scene, scene.reached_once().await.one("x-truecaller-assertion").unwrap()).await;
            let mut claims = verified.unwrap()["claims"].clone();
            let own = ["iss", "aud", "iat", "exp", "jti", "sub", "phone_number", "amr"];
            own.iter().for_each(|claim| assert!(claims.as_object_mut().unwrap().remove(*claim).is_some()));
            assert_eq!(claims, names);
        }
    }
}

#[tokio::test]
async fn whoever_is_not_verified_is_not_asserted_whatever_a_client_sends() {
    for kind in Kind::ALL {
        let scene = scene(kind, Signing::with_keys(1)).await;
        for forged in [unsigned(), signed_by_another_key(&scene).await] {
            println!("forged: {forged}");
            let lines = format!(
                "X-Truecaller-Assertion: {forged}\r\nx_truecaller_assertion: {forged}\r\n\
                 X.Truecaller.Assertion: {forged}\r\nConnection: X-Truecaller-Assertion\r\n"
            );
            scene.send(get("/", &lines)).await;
            scene.send(callback(REFUSAL, &lines)).await;
            for request in scene.reached().await {
                assert_eq!(asserted(&request), Vec::<&str>::new(), "{request:?}");
            }
            scene.send(callback(&scene.grant(DOCUMENTED_PROFILE), &lines)).await;
            let request = scene.reached_once().await;
            let [token] = asserted(&request)[..] else { panic!("{request:?}") };
            assert_ne!(token, forged);
            assert_eq!(verify(&scene, token).await.unwrap()["claims"]["sub"], "1319413476");
            verify(&scene, &forged).await.expect_err("a verifier would believe it");
        }
    }
}

#[tokio::test]
async fn a_callback_that_is_refused_is_asserted_to_nobody() {
    for kind in Kind::ALL {
        let scene = scene(kind, Signing::with_keys(1)).await;
        for body in [scene.grant_at(DOCUMENTED_PROFILE, "https://evil.invalid/"), "{}".to_owned(), scene.grant("{}")] {
            let answer = scene.callback(&body).await;
            assert!((400..600).contains(&answer.status()) && asserted(&answer).is_empty(), "{answer:?}");
            scene.unreached(body).await;
        }
    }
}

#[tokio::test]
async fn without_keys_nothing_is_asserted() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.callback(scene.grant(DOCUMENTED_PROFILE)).await;
        assert_eq!(asserted(&scene.reached_once().await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn an_app_sends_no_assertion_to_a_client() {
    let answer = "HTTP/1.1 200 OK\r\nX-Truecaller-Assertion: e.y.\r\nContent-Length: 2\r\n\r\nok";
    for kind in Kind::ALL {
        let app = crate::support::recorder::Recorder::answering(answer).await;
        let scene = Scene::before(kind, app, |settings| settings.signing = Some(Signing::with_keys(1))).await;
        for request in [get("/", ""), callback(&scene.grant(DOCUMENTED_PROFILE), "").into_bytes()] {
            assert_eq!(asserted(&scene.send(request).await), Vec::<&str>::new());
        }
    }
}

#[tokio::test]
async fn a_token_is_for_one_audience_and_no_two_are_the_same() {
    let scene = scene(Kind::Tower, Signing::with_keys(1)).await;
    let mut ids = HashSet::new();
    for _ in 0..20 {
        scene.callback(scene.grant(DOCUMENTED_PROFILE)).await;
        let token = scene.reached_once().await.one("x-truecaller-assertion").unwrap().to_owned();
        if ids.is_empty() {
            assert_eq!(verify_for(&scene, &token, "another-app").await, Err("InvalidAudienceError".to_owned()));
            assert_eq!(verify(&scene, &altered(&token)).await, Err("InvalidSignatureError".to_owned()));
        }
        ids.insert(part(&token, 1)["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 20);
}

/// The same header and signature around other claims.
fn altered(token: &str) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let mut claims = part(token, 1);
    claims["sub"] = json!("1");
    parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
    parts.join(".")
}

/// A token of `alg: none`, in the name of somebody else.
fn unsigned() -> String {
    let claims = json!({ "iss": Signing::ISSUER, "aud": Signing::AUDIENCE, "sub": "1", "exp": 9_999_999_999_u64 });
    let [header, claims] = [json!({ "alg": "none", "typ": "JWT" }), claims].map(|part| part.to_string());
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// A token that is right but for its key.
async fn signed_by_another_key(scene: &Scene) -> String {
    let other = self::scene(Kind::Tower, Signing::with_keys(1)).await;
    other.callback(other.grant(DOCUMENTED_PROFILE)).await;
    let token = other.reached_once().await.one("x-truecaller-assertion").unwrap().to_owned();
    assert_eq!(verify(scene, &token).await, Err("PyJWKClientError".to_owned()));
    token
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}
