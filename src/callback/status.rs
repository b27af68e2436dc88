//! The status of a callback that brings no token.

use std::sync::Arc;

/// What Truecaller says of a login that has no profile (yet), as one word of `a-z 0-9 _`.
///
/// # Security
///
/// A callback cannot say `verified`: only truegate says that word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Status(Arc<str>);

impl Status {
    /// Takes any text; what is no plain word of at most 64 characters becomes `unknown`.
    pub(super) fn parse(text: &str) -> Self {
        let word = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let fits = (1..=MAX_LENGTH).contains(&text.len());
        Self(if word && fits && text != VERIFIED { text.into() } else { UNKNOWN.into() })
    }

    /// Whether the user said no, so that no token may follow.
    pub fn is_refusal(&self) -> bool {
        matches!(self.as_str(), "user_rejected" | "use_another_number")
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The status of a request whose identity was verified.
pub(crate) const VERIFIED: &str = "verified";
const UNKNOWN: &str = "unknown";
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_plain_word_or_unknown() {
        let longest = "s".repeat(64);
        for word in ["user_rejected", "use_another_number", "flow_invoked", "error_42", &longest] {
            assert_eq!(Status::parse(word).as_str(), word);
        }
        let too_long = "s".repeat(65);
        for other in ["", "verified", "USER_REJECTED", "two words", "a\r\nb", "नमस्ते", "a-b", &too_long] {
            assert_eq!(Status::parse(other).as_str(), "unknown", "{other:?}");
        }
    }
}
