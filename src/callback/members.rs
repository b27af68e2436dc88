//! The members of a callback: the request id, the access token and the status.

use std::sync::Arc;

use zeroize::Zeroizing;

/// The `requestId` of a callback: 8 to 64 characters of `A-Z a-z 0-9 - _ =`, compared exactly.
///
/// # Security
///
/// It is the request id of a login, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Reads an id of the right length and alphabet; returns none for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (8..=64).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte)))
            .then(|| Self(text.into()))
    }

    /// Returns the id, to compare it or to send it upstream.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

redacted!(RequestId);

/// A bearer token for the profile endpoint, in the grammar of RFC 6750 §2.1 and at most 4096 bytes long.
///
/// # Security
///
/// It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Reads a token that follows the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() <= MAX_TOKEN_LENGTH && is_b64token(text)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the token, to send it after `Authorization: Bearer`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

redacted!(AccessToken);

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| B64TOKEN_BYTES[usize::from(byte)])
}

/// Whether a byte may stand before the padding of a token, by its value. A table is quicker than seven comparisons.
const B64TOKEN_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < allowed.len() {
        let is_mark = matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        allowed[byte] = is_mark || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    allowed
};

/// The status of a login that has no profile, or none yet: one word of `a-z 0-9 _`.
///
/// # Security
///
/// It is never `verified`: only truegate says that word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CallbackStatus(Arc<str>);

impl CallbackStatus {
    /// Reads any text. A text that is not a plain word of at most 64 characters becomes `unknown`.
    pub(super) fn parse(text: &str) -> Self {
        let word = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let fits = (1..=64).contains(&text.len());
        Self(if word && fits && text != VERIFIED { text.into() } else { UNKNOWN.into() })
    }

    /// Whether the user refused. Such a callback must not have a token.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.as_str(), "user_rejected" | "use_another_number")
    }

    /// Returns the word.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The status of a request whose identity was verified.
pub(crate) const VERIFIED: &str = "verified";
const UNKNOWN: &str = "unknown";
const MAX_TOKEN_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_has_its_length_and_alphabet() {
        let longest = "n".repeat(64);
        for accepted in ["12345678", "RL8YZ41FQMt5Jiak2sc_Ys0OgQA=", "a-b_c=d0", &longest] {
            assert!(RequestId::parse(accepted).is_some(), "{accepted}");
        }
        let too_long = "n".repeat(65);
        for refused in
            ["", "1234567", "with space", "newline\n", "nul\0nulnul", "../../etc", "glob*glob", "ééééé", &too_long]
        {
            assert!(RequestId::parse(refused).is_none(), "{refused:?}");
        }
    }

    #[test]
    fn a_token_is_what_rfc_6750_says() {
        let longest = "t".repeat(MAX_TOKEN_LENGTH);
        for accepted in ["a", "a1asX--8_yw-OF--E6Gj", "-._~+/", "abc==", &longest] {
            assert!(AccessToken::parse(accepted).is_some(), "{accepted}");
        }
        let too_long = "t".repeat(MAX_TOKEN_LENGTH + 1);
        for refused in ["", "=", "a=b", "t t", "t\r\nHost: evil", "t\0", "té", "t,", "\"t\"", &too_long] {
            assert!(AccessToken::parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = AccessToken::parse("hunter2").unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(redacted)");
    }

    #[test]
    fn a_status_is_one_plain_word_or_unknown() {
        let longest = "s".repeat(64);
        for word in ["user_rejected", "use_another_number", "flow_invoked", "error_42", &longest] {
            assert_eq!(CallbackStatus::parse(word).as_str(), word);
        }
        let too_long = "s".repeat(65);
        for other in ["", "verified", "USER_REJECTED", "two words", "a\r\nb", "नमस्ते", "a-b", &too_long] {
            assert_eq!(CallbackStatus::parse(other).as_str(), "unknown", "{other:?}");
        }
    }
}
