use std::{collections::BTreeMap, time::UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::{
    callback::{Callback, Endpoints},
    identity::VerificationMethod,
    profile::Profile,
};

fn identity(profile: &Value) -> Identity {
    let grant = r#"{"requestId":"12345678","accessToken":"t","endpoint":"https://profile4.truecaller.com/v1/default"}"#;
    let Ok(Callback::Grant(grant)) = Callback::parse(grant.as_bytes(), &Endpoints::default()) else { panic!() };
    let profile = Profile::parse(profile.to_string().as_bytes()).unwrap();
    Identity::vouch(Some(grant.request_id().clone()), profile, VerificationMethod::Web)
}

fn assertions() -> Assertions {
    let keys = SigningKeys::new(SigningKey::generate());
    Assertions::new(keys, "https://shop.example".parse().unwrap(), "shop-backend".parse().unwrap())
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_700_000_000_999)
}

fn part(token: &HeaderValue, index: usize) -> Value {
    let part = token.to_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn claims(profile: &Value) -> Value {
    part(&assertions().sign(&identity(profile), now()), 1)
}

#[test]
fn a_token_says_who_calls_and_nothing_that_is_not_known() {
    let documented = json!({ "phoneNumbers": [919_999_999_999_u64], "userId": 1_319_413_476,
        "name": { "first": "राम", "last": "O'Brien \"😀\"" }, "onlineIdentities": { "email": "a@b.example" } });
    let mut said = claims(&documented);
    assert_eq!(said["jti"].as_str().unwrap().len(), 22);
    said.as_object_mut().unwrap().remove("jti");
    let expected = json!({ "iss": "https://shop.example", "aud": "shop-backend", "sub": "1319413476",
        "iat": 1_700_000_000, "exp": 1_700_000_300, "phone_number": "+919999999999", "amr": ["web"],
        "name": "राम O'Brien \"😀\"", "given_name": "राम", "family_name": "O'Brien \"😀\"" });
    assert_eq!(said, expected);

    let bare = claims(&json!({ "phoneNumbers": ["919999999999"] }));
    let names: Vec<_> = bare.as_object().unwrap().keys().collect();
    assert_eq!(names, ["amr", "aud", "exp", "iat", "iss", "jti", "phone_number", "sub"]);
    assert_eq!(bare["sub"], "+919999999999");
}

#[test]
fn a_token_tells_how_the_number_was_verified() {
    for method in VerificationMethod::ALL {
        let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        let token = assertions().sign(&Identity::vouch(None, profile, *method), now());
        assert_eq!(part(&token, 1)["amr"], json!([method.code()]));
    }
}

#[test]
fn a_token_lists_the_groups_of_the_user() {
    let identity = identity(&json!({ "phoneNumbers": ["919999999999"] }));
    let member = identity.in_groups(["staff", "boss"].into_iter().collect());
    assert_eq!(part(&assertions().sign(&member, now()), 1)["groups"], json!(["staff", "boss"]));
}

#[test]
fn what_a_user_typed_stays_small() {
    let long = claims(&json!({ "phoneNumbers": ["919999999999"], "id": "7".repeat(256),
        "name": { "first": "क".repeat(3000), "last": "x".repeat(3000) } }));
    assert_eq!(long["sub"], "+919999999999");
    for (claim, length) in [("given_name", 1023), ("family_name", 1024), ("name", 1023)] {
        assert_eq!(long[claim].as_str().unwrap().len(), length, "{claim}");
    }
}

#[test]
fn the_header_is_pinned() {
    let assertions = assertions();
    let token = assertions.sign(&identity(&json!({ "phoneNumbers": ["919999999999"] })), now());
    let key = assertions.keys.signer().id();
    assert_eq!(part(&token, 0), json!({ "typ": "JWT", "alg": "ES256", "kid": key }));
    assert!(token.is_sensitive() && !format!("{token:?}").contains("ey"));
}

#[test]
fn a_clock_before_1970_makes_a_token_that_has_expired() {
    let before = UNIX_EPOCH - Duration::from_secs(1);
    let token = assertions().sign(&identity(&json!({ "phoneNumbers": ["919999999999"] })), before);
    assert_eq!((&part(&token, 1)["iat"], &part(&token, 1)["exp"]), (&json!(0), &json!(300)));
}

#[test]
fn a_lifetime_counts_in_whole_seconds() {
    for (lifetime, seconds) in [(Duration::from_secs(10), 10), (Duration::from_millis(1999), 1), (Duration::MAX, 0)] {
        let token =
            assertions().lifetime(lifetime).sign(&identity(&json!({ "phoneNumbers": ["919999999999"] })), now());
        let (issued, expires) = (part(&token, 1)["iat"].as_u64().unwrap(), part(&token, 1)["exp"].as_u64().unwrap());
        assert_eq!(expires, if seconds == 0 { u64::MAX } else { issued + seconds });
    }
}

#[test]
fn every_key_is_published_and_no_secret() {
    let [first, second] = [SigningKey::generate(), SigningKey::generate()];
    let ids = [first.id().to_owned(), second.id().to_owned()];
    let mut keys = SigningKeys::new(first);
    keys.publish(second).unwrap();
    let assertions = Assertions::new(keys, "a".parse().unwrap(), "b".parse().unwrap());

    let set: BTreeMap<String, Vec<BTreeMap<String, String>>> = serde_json::from_slice(assertions.key_set()).unwrap();

    assert_eq!(set.keys().collect::<Vec<_>>(), ["keys"]);
    for (key, id) in set["keys"].iter().zip(&ids) {
        assert_eq!(key.keys().collect::<Vec<_>>(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        let said = ["alg", "crv", "kty", "use", "kid"].map(|member| key[member].as_str());
        assert_eq!(said, ["ES256", "P-256", "EC", "sig", id]);
    }
    assert_eq!(set["keys"].len(), 2);
}
