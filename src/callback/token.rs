//! The access token: the bearer credential that a callback brings.

use std::fmt;

use zeroize::Zeroizing;

/// A bearer token for the profile endpoint, in the grammar of RFC 6750 §2.1 and at most 4096 bytes long.
///
/// # Security
///
/// It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Takes a token that follows the grammar.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() <= MAX_LENGTH && is_b64token(text)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The token as it goes behind `Authorization: Bearer`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_rfc_6750_says() {
        let longest = "t".repeat(MAX_LENGTH);
        for accepted in ["a", "a1asX--8_yw-OF--E6Gj", "-._~+/", "abc==", &longest] {
            assert!(AccessToken::parse(accepted).is_some(), "{accepted}");
        }
        let too_long = "t".repeat(MAX_LENGTH + 1);
        for refused in ["", "=", "a=b", "t t", "t\r\nHost: evil", "t\0", "té", "t,", "\"t\"", &too_long] {
            assert!(AccessToken::parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = AccessToken::parse("hunter2").unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(redacted)");
    }
}
