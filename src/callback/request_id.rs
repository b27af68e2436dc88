//! The request id: the nonce of a login, by which its callbacks are told apart.

use std::{fmt, sync::Arc};

/// The `requestId` of a callback: 8 to 64 characters of `A-Z a-z 0-9 - _ =`, compared exactly.
///
/// # Security
///
/// It is the nonce of a login, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes an id of the right length and alphabet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = LENGTH.contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte)))
            .then(|| Self(text.into()))
    }

    /// The id, to compare it or to send it upstream.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestId(redacted)")
    }
}

const LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

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
}
