//! No bytes panic a parser, and nothing that is parsed breaks what it promises.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use truegate::{
    callback::ProfileEndpoint,
    gate::CallbackPath,
    headers::HeaderNames,
    native::{ClientId, Credential},
    profile::{PhoneNumber, Profile},
};

/// Bytes that look like JSON more often than chance would have it.
fn jsonish() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("null".to_owned()),
        Just("-1e999".to_owned()),
        Just("\"isActive\"".to_owned()),
        Just("\"phoneNumbers\"".to_owned()),
        Just("\"name\"".to_owned()),
        Just("\"phone_number\"".to_owned()),
        Just("\"phone_number_verified\"".to_owned()),
        Just("\"phoneNumber\"".to_owned()),
        Just("true".to_owned()),
        Just("919999999999".to_owned()),
        Just("\"919999999999\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        "\\PC{0,8}",
    ];
    vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_bytes_panic_a_parser(bytes in prop_oneof![vec(any::<u8>(), 0..200), jsonish()]) {
        let _ = (Profile::parse(&bytes), Profile::parse_missed_call(&bytes), Credential::parse(&bytes));
        if let Ok(profile) = Profile::parse_userinfo(&bytes) {
            let members: BTreeMap<String, serde_json::Value> = serde_json::from_str(&profile.json).unwrap();
            prop_assert_eq!(&members["phone_number_verified"], true);
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = ProfileEndpoint::parse(&text);
        let _ = text.parse::<CallbackPath>();
        let _ = (PhoneNumber::parse(&text), text.parse::<ClientId>());
        let _ = HeaderNames::builder(&text);
    }

    #[test]
    fn a_phone_number_is_e164_or_none(text in "\\+?[0-9]{0,18}|\\PC{0,16}") {
        if let Some(number) = PhoneNumber::parse(&text) {
            let digits = number.as_str().strip_prefix('+').unwrap();
            prop_assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'));
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(text.trim_start_matches('+'), digits);
        }
    }
}
