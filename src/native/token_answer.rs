//! The answer of the token endpoint (RFC 6749 §5.1).

use std::borrow::Cow;

use serde::Deserialize;

use crate::{callback::AccessToken, json};

/// Returns the access token of an answer; none if there is no bearer token.
pub(crate) fn access_token(body: &[u8]) -> Option<AccessToken> {
    // A message of serde quotes the token, which must reach no log.
    let wire: TokenWire<'_> = serde_json::from_str(json::object(body)?).ok()?;
    let is_bearer = wire.token_type.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| AccessToken::parse(&wire.access_token)).flatten()
}

#[derive(Deserialize)]
struct TokenWire<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow)]
    token_type: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_bearer_token_is_taken() {
        for (body, token) in [
            (r#"{"access_token":"a.b-c","expires_in":3600,"token_type":"Bearer"}"#, Some("a.b-c")),
            (r#"{"token_type":"bearer","access_token":"t","expires_in":"soon","scope":[]}"#, Some("t")),
            (r#"{"access_token":"t"}"#, None),
            (r#"{"access_token":"t","token_type":null}"#, None),
            (r#"{"access_token":"t","token_type":"DPoP"}"#, None),
            (r#"{"access_token":"t t","token_type":"Bearer"}"#, None),
            (r#"{"access_token":"t\r\nX: y","token_type":"Bearer"}"#, None),
            (r#"{"access_token":"","token_type":"Bearer"}"#, None),
            (r#"{"access_token":7,"token_type":"Bearer"}"#, None),
            (r#"{"access_token":"t","access_token":"u","token_type":"Bearer"}"#, None),
            (r#"{"access_token":"t","token_type":"Bearer","token_type":"Bearer"}"#, None),
            (r#"["t","Bearer"]"#, None),
            (r#"{"access_token":"t","token_type":"Bearer"} x"#, None),
            ("", None),
        ] {
            assert_eq!(access_token(body.as_bytes()).as_ref().map(AccessToken::expose), token, "{body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_a_token_fits_in_one_header(
            token in "[a-z=+/ \\\\\"]{0,6}|\\PC{0,6}",
            kind in "[Bb]earer|\\PC{0,6}",
            rest in "\\PC{0,8}",
        ) {
            for body in [
                format!(r#"{{"access_token":"{token}","token_type":"{kind}"}}"#),
                serde_json::json!({ "access_token": token, "token_type": kind, "scope": rest }).to_string(),
                format!(r#"{{"access_token":{rest},"token_type":"{kind}"{rest}}}"#),
            ] {
                if let Some(token) = access_token(body.as_bytes()) {
                    prop_assert!(!token.expose().is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
                    prop_assert!(kind.eq_ignore_ascii_case("bearer"));
                }
            }
        }
    }
}
