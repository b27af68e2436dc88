//! No bytes panic a parser, and nothing that is parsed breaks what it promises.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*};
use truegate::{
    callback::{Callback, Endpoints, ProfileEndpoint},
    gate::CallbackPath,
    headers::{Encoding, HeaderNames},
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
        Just("\"requestId\"".to_owned()),
        Just("\"accessToken\"".to_owned()),
        Just("\"endpoint\"".to_owned()),
        Just("\"status\"".to_owned()),
        Just("\"phoneNumbers\"".to_owned()),
        Just("\"name\"".to_owned()),
        Just("\"919999999999\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        "\\PC{0,8}",
    ];
    vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_bytes_panic_a_parser(bytes in prop_oneof![vec(any::<u8>(), 0..200), jsonish()]) {
        let _ = Callback::parse(&bytes, &Endpoints::default());
        let _ = Profile::parse(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = ProfileEndpoint::parse(&text);
        let _ = CallbackPath::parse(&text);
        let _ = PhoneNumber::parse(&text);
        let _ = HeaderNames::builder(&text);
    }

    #[test]
    fn only_a_listed_endpoint_is_ever_admitted(text in "(https?:)?[/\\\\]{0,2}[a-z0-9.:@-]{0,12}(profile4\\.truecaller\\.com)?[:@.\\\\/a-z0-9 ]{0,12}(/v1/default)?\\PC{0,4}") {
        let endpoints = Endpoints::default();
        let admitted = endpoints.admit(&text).is_some();
        prop_assert_eq!(admitted, endpoints.iter().any(|listed| listed.url().as_str() == text));
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

    #[test]
    fn percent_encoding_gives_back_any_text(text in any::<String>()) {
        let encoded = Encoding::Percent.encode(&text);
        let decoded = percent_decode(encoded.to_str().unwrap());
        prop_assert_eq!(String::from_utf8(decoded).unwrap(), text);
    }

    #[test]
    fn every_encoding_makes_a_header_value(text in any::<String>()) {
        for (_, encoding) in Encoding::NAMES {
            let encoded = encoding.encode(&text);
            prop_assert!(encoded.as_bytes().iter().all(|byte| *byte >= b' ' && *byte != 0x7f));
        }
    }

    #[test]
    fn nothing_of_the_namespace_survives_stripping(
        names in vec("[xX][-_.!~'*+]?[tT]ruecaller[-_.!~'*+][a-zA-Z-]{0,8}|[a-z]{1,6}|connection|trailer", 0..12),
        values in vec("[ ,]{0,2}([xX][-_]truecaller[-_]phone|close|[a-z]{1,6}){0,2}[ ,]{0,2}", 12),
    ) {
        let ours = HeaderNames::default();
        let mut headers = HeaderMap::new();
        for (name, value) in names.iter().zip(&values) {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let untouched: Vec<_> = names.iter().filter(|name| !folded(name).starts_with("x-truecaller-")).collect();
        let _ = ours.strip(&mut headers);
        prop_assert!(!headers.keys().any(|name| folded(name.as_str()).starts_with("x-truecaller-")));
        for list in ["connection", "trailer"] {
            for value in headers.get_all(list) {
                prop_assert!(!value.to_str().unwrap().split(',').any(|token| folded(token.trim()).starts_with("x-truecaller-")));
            }
        }
        for name in untouched.into_iter().filter(|name| !["connection", "trailer"].contains(&name.as_str())) {
            prop_assert!(headers.contains_key(name.as_str()));
        }
        let stripped = headers.clone();
        let _ = ours.strip(&mut headers);
        prop_assert_eq!(headers, stripped);
    }
}

fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next().expect("two digits"), bytes.next().expect("two digits")];
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).expect("two digits")
            }
            byte => byte,
        });
    }
    decoded
}
