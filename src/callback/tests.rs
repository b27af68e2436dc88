use proptest::{collection::vec, prelude::*};

use super::*;

fn parse(body: &str) -> Result<Callback, CallbackError> {
    Callback::parse(body.as_bytes(), &Endpoints::default())
}

const ENDPOINT: &str = "https://profile4-noneu.truecaller.com/v1/default";

#[test]
fn a_token_for_a_listed_endpoint_is_a_grant() {
    for extra in ["", r#","status":null"#, r#","status":"flow_invoked""#, r#","status":"brand_new""#, r#","state":7"#] {
        let body = format!(r#"{{"requestId":"12345678","accessToken":"t~0","endpoint":"{ENDPOINT}"{extra}}}"#);
        let Ok(Callback::Grant(grant)) = parse(&body) else { panic!("{body}") };
        assert_eq!(grant.request_id().expose(), "12345678");
        assert_eq!(grant.token().expose(), "t~0");
        assert_eq!(grant.endpoint().url().as_str(), ENDPOINT);
    }
}

#[test]
fn a_status_without_a_token_is_a_decline() {
    for (body, status) in [
        (r#"{"requestId":"12345678","status":"user_rejected"}"#, "user_rejected"),
        (r#"{"requestId":"12345678","status":"flow_invoked","accessToken":null}"#, "flow_invoked"),
        (r#"{"requestId":"12345678","status":"verified"}"#, "unknown"),
        (r#"{"requestId":"12345678","status":"","endpoint":"http://evil.example/"}"#, "unknown"),
    ] {
        let Ok(Callback::Decline(decline)) = parse(body) else { panic!("{body}") };
        assert_eq!(decline.status.as_str(), status);
    }
}

#[test]
fn anything_else_is_malformed() {
    let grant = |members: &str| format!(r#"{{{members},"accessToken":"t","endpoint":"{ENDPOINT}"}}"#);
    for body in [
        grant(r#""requestId":"12345678","status":"user_rejected""#),
        grant(r#""requestId":"12345678","status":"use_another_number""#),
        grant(r#""requestId":"12345678","status":7"#),
        grant(r#""requestId":"12345678","requestId":"12345678""#),
        grant(r#""requestId":"12345678","accessToken":"u""#),
        grant(r#""requestId":"12345678","endpoint":"https://evil.example/""#),
        grant(r#""requestId":12345678"#),
        grant(r#""requestId":["12345678"]"#),
        grant(r#""requestId":null"#),
        grant(r#""requestNonce":"12345678""#),
        r#"{"requestId":"12345678"}"#.to_owned(),
        r#"{"requestId":"12345678","accessToken":"t"}"#.to_owned(),
        r#"{"requestId":"12345678","accessToken":"t","endpoint":null}"#.to_owned(),
        format!(r#"{{"requestId":"12345678","accessToken":"","endpoint":"{ENDPOINT}"}}"#),
        format!(r#"["12345678","t","{ENDPOINT}",null]"#),
        r#"{"requestId":"12345678","status":"flow_invoked"} x"#.to_owned(),
        r#"{"requestId":"12345678","status":"flow_invoked",}"#.to_owned(),
        r#"{"requestId":"12345678","status":"\ud800"}"#.to_owned(),
    ] {
        assert_eq!(parse(&body).err(), Some(CallbackError::Malformed), "{body}");
    }
}

#[test]
fn an_unlisted_endpoint_is_told_apart_from_a_malformed_callback() {
    let body = r#"{"requestId":"12345678","accessToken":"t","endpoint":"http://169.254.169.254/latest/"}"#;
    assert_eq!(parse(body).err(), Some(CallbackError::EndpointNotAllowed));
}

#[test]
fn debug_shows_neither_request_id_nor_token() {
    let body = format!(r#"{{"requestId":"request_id-0123","accessToken":"token-0123","endpoint":"{ENDPOINT}"}}"#);
    let shown = format!("{:?}", parse(&body).unwrap());
    assert!(!shown.contains("0123"), "{shown}");
}

proptest! {
    #[test]
    fn only_a_listed_endpoint_is_ever_admitted(text in "(https?:)?[/\\\\]{0,2}[a-z0-9.:@-]{0,12}(profile4\\.truecaller\\.com)?[:@.\\\\/a-z0-9 ]{0,12}(/v1/default)?\\PC{0,4}") {
        let endpoints = Endpoints::default();
        let admitted = endpoints.admit(&text).is_some();
        prop_assert_eq!(admitted, endpoints.iter().any(|listed| listed.url().as_str() == text));
    }

    #[test]
    fn no_bytes_panic_the_parser(bytes in prop_oneof![vec(any::<u8>(), 0..200), jsonish()]) {
        let _ = Callback::parse(&bytes, &Endpoints::default());
    }
}

/// Bytes that look like a callback more often than chance would have it.
fn jsonish() -> impl Strategy<Value = Vec<u8>> {
    let known = ["{", "}", "[", "]", ",", ":", "null", "-1e999", r#""\ud800""#];
    let members = [r#""requestId""#, r#""accessToken""#, r#""endpoint""#, r#""status""#, r#""12345678""#];
    let known = proptest::sample::select([&known[..], &members].concat());
    vec(prop_oneof![9 => known.prop_map(str::to_owned), 1 => "\\PC{0,8}"], 0..40)
        .prop_map(|words| words.concat().into_bytes())
}
