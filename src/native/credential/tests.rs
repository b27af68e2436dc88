use proptest::{collection::vec, prelude::*};
use url::Url;

use super::*;

/// The verifier of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn parse(body: &str) -> Option<Credential> {
    Credential::parse(body.as_bytes())
}

fn code(code: &str, verifier: &str) -> Credential {
    let (code, verifier) = (AuthorizationCode::parse(code).unwrap(), CodeVerifier::parse(verifier).unwrap());
    Credential::Code { code, verifier }
}

fn missed_call(token: &str) -> Credential {
    Credential::MissedCall(MissedCallToken::parse(token).unwrap())
}

#[test]
fn each_form_is_a_credential_of_its_own() {
    for (body, credential) in [
        (format!(r#"{{"code":"c0de","code_verifier":"{VERIFIER}"}}"#), code("c0de", VERIFIER)),
        (format!(r#" {{ "code_verifier":"{VERIFIER}", "code":"\u0063" }} "#), code("c", VERIFIER)),
        (format!(r#"{{"code":"c","code_verifier":"{VERIFIER}","access_token":null}}"#), code("c", VERIFIER)),
        (format!(r#"{{"code":"c","code_verifier":"{VERIFIER}","state":7,"state":[]}}"#), code("c", VERIFIER)),
        (r#"{"access_token":"t0-k.en_~="}"#.to_owned(), missed_call("t0-k.en_~=")),
        (r#"{"access_token":"t","code":null,"code_verifier":null}"#.to_owned(), missed_call("t")),
    ] {
        assert_eq!(parse(&body), Some(credential), "{body}");
    }
}

#[test]
fn anything_else_is_none() {
    let with = |members: &str| format!(r#"{{"code":"c","code_verifier":"{VERIFIER}",{members}}}"#);
    for body in [
        with(r#""access_token":"t""#),
        with(r#""code":"c""#),
        with(r#""code":null"#),
        with(&format!(r#""code_verifier":"{VERIFIER}""#)),
        r#"{"code":"c","access_token":"t"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}","access_token":"t"}}"#),
        r#"{"code":"c"}"#.to_owned(),
        format!(r#"{{"code_verifier":"{VERIFIER}"}}"#),
        format!(r#"{{"code":null,"code_verifier":"{VERIFIER}"}}"#),
        format!(r#"{{"code":"","code_verifier":"{VERIFIER}"}}"#),
        format!(r#"{{"code":7,"code_verifier":"{VERIFIER}"}}"#),
        format!(r#"{{"code":["c"],"code_verifier":"{VERIFIER}"}}"#),
        r#"{"code":"c","code_verifier":"too-short"}"#.to_owned(),
        r#"{"access_token":"t","access_token":"t"}"#.to_owned(),
        r#"{"access_token":null}"#.to_owned(),
        r#"{"access_token":""}"#.to_owned(),
        r#"{"access_token":"../userinfo"}"#.to_owned(),
        r#"{"access_token":".."}"#.to_owned(),
        r#"{"access_token":"\u002e\u002E"}"#.to_owned(),
        r#"{"access_token":{"token":"t"}}"#.to_owned(),
        r#"{"accessToken":"t"}"#.to_owned(),
        r#"["c","v","t"]"#.to_owned(),
        r#"{"access_token":"t"} x"#.to_owned(),
        r#"{"access_token":"t",}"#.to_owned(),
        r#"{"access_token":"\ud800"}"#.to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        assert_eq!(parse(&body), None, "{body}");
    }
    assert_eq!(Credential::parse(b"{\"access_token\":\"\xff\"}"), None);
}

#[test]
fn a_code_is_what_rfc_6749_says() {
    let longest = "c".repeat(4096);
    for accepted in ["c", " ~", "a&b=c%+d", &longest] {
        assert_eq!(AuthorizationCode::parse(accepted).unwrap().expose(), accepted);
    }
    let too_long = "c".repeat(4097);
    for refused in ["", "a\nb", "\0", "\x7f", "é", &too_long] {
        assert_eq!(AuthorizationCode::parse(refused), None, "{refused:?}");
    }
}

#[test]
fn a_verifier_is_what_rfc_7636_says() {
    let longest = "A0-._~a9".repeat(16);
    for accepted in [VERIFIER, &longest] {
        assert_eq!(CodeVerifier::parse(accepted).unwrap().expose(), accepted);
    }
    let (too_short, too_long) = (&VERIFIER[1..], "v".repeat(129));
    let of = |character: char| VERIFIER.replacen('-', &character.to_string(), 1);
    for refused in ["", too_short, &too_long, &of('='), &of(' '), &of('+'), &of('/'), &of('%'), &of('é')] {
        assert_eq!(CodeVerifier::parse(refused), None, "{refused:?}");
    }
}

#[test]
fn a_token_of_a_missed_call_is_one_segment_of_a_path() {
    let longest = "t".repeat(4096);
    for accepted in ["t", "a.b", "..a", "=", "A-Z_~09==", &longest] {
        assert_eq!(MissedCallToken::parse(accepted).unwrap().expose(), accepted);
    }
    let too_long = "t".repeat(4097);
    for refused in [
        "", ".", "..", "...", "a/b", "/", "a\\b", "%2e%2e", "a%2fb", "a;b", "a?b", "a#b", "a b", "a+b", "a\r\nb", "\0",
        "é", "．．", &too_long,
    ] {
        assert_eq!(MissedCallToken::parse(refused), None, "{refused:?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    for body in
        [format!(r#"{{"code":"c-0123","code_verifier":"{VERIFIER}"}}"#), r#"{"access_token":"t-0123"}"#.to_owned()]
    {
        let shown = format!("{:?}", parse(&body).unwrap());
        assert!(!shown.contains("0123") && !shown.contains(VERIFIER), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_the_parser(bytes in prop_oneof![vec(any::<u8>(), 0..200), jsonish()]) {
        let _ = Credential::parse(&bytes);
    }

    #[test]
    fn whatever_is_accepted_stays_where_it_is_put(text in "[ -~]{0,8}|[.a=%/]{1,4}|\\PC{1,6}") {
        if let Some(token) = MissedCallToken::parse(&text) {
            let url = Url::parse(&["https://otp.example/v1/", token.expose()].concat()).unwrap();
            prop_assert_eq!(url.path(), ["/v1/", &text].concat());
            prop_assert_eq!((url.query(), url.fragment()), (None, None));
        }
        if let Some(code) = AuthorizationCode::parse(&text) {
            prop_assert!(code.expose().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }
}

/// Bytes that look like a credential more often than chance would have it.
fn jsonish() -> impl Strategy<Value = Vec<u8>> {
    let known = ["{", "}", "[", "]", ",", ":", "null", "-1e999", r#""\ud800""#, r#""t""#];
    let members = [r#""code""#, r#""code_verifier""#, r#""access_token""#];
    let known = proptest::sample::select([&known[..], &members].concat());
    let verifier = Just(format!("\"{VERIFIER}\""));
    vec(prop_oneof![8 => known.prop_map(str::to_owned), 1 => verifier, 1 => "\\PC{0,8}"], 0..40)
        .prop_map(|words| words.concat().into_bytes())
}
