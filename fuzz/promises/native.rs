//! What the site's app posts, and what Truecaller says of its users.

use serde_json::{from_slice, from_str};
use url::Url;

use super::{Members, sent_once};
use crate::{
    identity::VerificationMethod,
    native::{Credential, token_answer::access_token},
    profile::Profile,
};

/// The credential that an app posts: whatever is in it, it stays one member of a form or one segment of a path.
pub fn credential(body: &[u8]) -> bool {
    let Some(credential) = Credential::parse(body) else { return false };
    let members: Members =
        from_slice(body).expect("without the types that are asked for, it is an object all the same");
    let has = |name: &str| members.get(name).is_some_and(|raw| raw.get() != "null");
    let shown = format!("{credential:?}");
    match credential {
        Credential::Code { code, verifier } => {
            assert!(has("code") && has("code_verifier") && !has("access_token"));
            let (code, verifier) = (code.expose(), verifier.expose());
            assert!(!code.is_empty() && code.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            assert!((43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved));
            assert_eq!(shown, "Code { code: AuthorizationCode(redacted), verifier: CodeVerifier(redacted) }");
        }
        Credential::MissedCall(token) => {
            assert!(has("access_token") && !has("code") && !has("code_verifier"));
            let token = token.expose();
            let url = Url::parse(&["https://otp.example/v1/", token].concat()).expect("a URL");
            assert_eq!((url.path().strip_prefix("/v1/"), url.query(), url.fragment()), (Some(token), None, None));
            assert_eq!(shown, "MissedCall(MissedCallToken(redacted))");
        }
    }
    true
}

/// The answer of the token endpoint: whatever is in it, the token fits in one header.
pub fn token(body: &[u8]) -> bool {
    let Some(token) = access_token(body) else { return false };
    let members: Members = from_slice(body).expect("an object");
    let kind: String = from_str(members["token_type"].get()).expect("a text");
    assert!(kind.eq_ignore_ascii_case("bearer"));
    let token = token.expose();
    assert!((1..=4096).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()));
    true
}

/// The answer of the userinfo endpoint: whatever is in it, a number counts only if it is verified.
pub fn userinfo(body: &[u8]) -> bool {
    let Ok(profile) = Profile::parse_userinfo(body) else { return false };
    let members: Members = from_slice(profile.json.as_bytes()).expect("an object");
    assert_eq!(members["phone_number_verified"].get(), "true");
    sent_once(profile, VerificationMethod::App);
    true
}

/// The answer of the missed-call endpoint: whatever is in it, it tells a number and a country.
pub fn missed_call(body: &[u8]) -> bool {
    let Ok(profile) = Profile::parse_missed_call(body) else { return false };
    let expected = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).expect("a profile");
    assert!(from_str::<Members>(&profile.json).is_ok());
    let (phone, json, country) = (profile.phone.clone(), profile.json.clone(), profile.country.clone());
    assert!(country.as_ref().is_none_or(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    assert_eq!(profile, Profile { phone, json, country, ..expected });
    sent_once(profile, VerificationMethod::MissedCall);
    true
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
