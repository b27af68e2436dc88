//! The token of a session: it verifies anywhere, and is the same for half of its life.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use truegate::clock::{Clock as _, SystemClock};

use crate::{
    site::{Site, phone},
    support::{
        edge::Signing,
        program::Program,
        redis::{Redis, until},
        verifier::verify,
        visitor::Visitor,
    },
};

const HEADER: &str = "x-truecaller-assertion";

/// Longer than any test.
const LONG: Duration = Duration::from_mins(5);
/// The shortest that may be configured.
const SHORT: Duration = Duration::from_secs(10);
/// Half of that, in seconds.
const HALF: u64 = 5;

async fn signing(redis: &Redis, lifetime: Duration) -> Site {
    let mut site = Site::on(redis).await;
    let signing = Signing::with_keys(1);
    site.more = format!(
        "assertion:\n  issuer: {}\n  audience: {}\n  lifetime: {}s\n  key: {}\n",
        Signing::ISSUER,
        Signing::AUDIENCE,
        lifetime.as_secs(),
        json!(signing.keys[0]),
    );
    site
}

/// What the app gets with a request of a browser.
async fn token(site: &Site, browser: &mut Visitor) -> String {
    assert_eq!(browser.get_with("/account/", &format!("{HEADER}: e.y.\r\n")).await.status(), 200);
    site.reached_once().one(HEADER).unwrap().to_owned()
}

async fn claims(gateway: &Program, token: &str) -> Value {
    verify(gateway.address(), token, Signing::AUDIENCE).await.unwrap()["claims"].clone()
}

#[tokio::test]
async fn a_sessions_token_verifies_by_the_keys_of_any_gateway() {
    let redis = Redis::start();
    let site = signing(&redis, LONG).await;
    let [a, b] = [site.gateway(), site.gateway()];
    let mut browser = site.signed_in(&a, 8).await;

    let given = token(&site, &mut browser).await;
    for gateway in [&a, &b] {
        let mut claims = claims(gateway, &given).await;
        let own: Vec<_> = ["iat", "exp", "jti"].map(|claim| claims.as_object_mut().unwrap().remove(claim)).into();
        assert!(own.iter().all(Option::is_some));
        assert_eq!(
            own[1].as_ref().unwrap().as_u64(),
            own[0].as_ref().unwrap().as_u64().map(|iat| iat + LONG.as_secs())
        );
        let expected = json!({ "iss": Signing::ISSUER, "aud": Signing::AUDIENCE, "sub": "user-8-",
            "phone_number": phone(8), "name": "Zaphodina Beeblebroxova8", "given_name": "Zaphodina",
            "family_name": "Beeblebroxova8", "amr": ["web"] });
        assert_eq!(claims, expected);
    }
    let wrong = verify(a.address(), &given, "another-app").await;
    assert_eq!(wrong, Err("InvalidAudienceError".to_owned()));
}

#[tokio::test]
async fn forward_auth_answers_with_the_same_token() {
    let redis = Redis::start();
    let site = signing(&redis, LONG).await;
    let gateway = site.gateway();
    let mut browser = site.signed_in(&gateway, 8).await;

    let answer = browser.get("/.truegate/auth").await;
    assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (200, Some(&*phone(8))));
    let given = answer.one(HEADER).unwrap();
    assert_eq!(claims(&gateway, given).await["sub"], "user-8-");
    assert_eq!(token(&site, &mut browser).await, given);

    let stranger = crate::site::visitor(&gateway).get("/.truegate/auth").await;
    assert_eq!((stranger.status(), stranger.one(HEADER)), (401, None));
}

#[tokio::test]
async fn a_session_has_one_token_until_half_of_its_life_and_no_other_session_has_it() {
    let redis = Redis::start();
    let site = signing(&redis, SHORT).await;
    let gateway = site.gateway();
    let [mut browser, mut twin] = [site.signed_in(&gateway, 8).await, site.signed_in(&gateway, 8).await];

    let first = token(&site, &mut browser).await;
    assert_eq!(token(&site, &mut browser).await, first);
    assert_ne!(token(&site, &mut twin).await, first, "another session of the same user");
    let (issued, id) = issue(&first);
    let mut next = first.clone();
    until(async || {
        let asked = SystemClock.wall().duration_since(UNIX_EPOCH).unwrap().as_secs();
        next = token(&site, &mut browser).await;
        // The time of a token has no fractions of a second.
        assert!(next != first || asked <= issued + HALF, "{asked} {issued}");
        next != first
    })
    .await;

    let (renewed, next_id) = issue(&next);
    assert!(renewed >= issued + HALF, "{issued} {renewed}");
    assert_ne!(id, next_id);
}

/// When a token was issued, and its id.
fn issue(token: &str) -> (u64, String) {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    (claims["iat"].as_u64().unwrap(), claims["jti"].as_str().unwrap().to_owned())
}
