//! The path of the callback route, which is a secret.

use std::str::FromStr;

#[cfg(feature = "gateway")]
use super::decode_fully;
use super::{ExactPath, PathMatch, ReservedPathError, guessable::is_unguessable};

/// The path of the callback route, in its one canonical form.
///
/// It starts with a slash and does not end in one, has at most 512 bytes of visible ASCII without `%`, `;`, `?`, `#` and `\`,
/// and holds no empty segment and no dot segment.
///
/// # Security
///
/// Its random part is the only secret between Truecaller and the site, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackPath(ExactPath);

impl CallbackPath {
    /// Returns the path, to compare it or to register it at Truecaller.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// Returns whether an attacker could guess the path, because no segment of it looks random enough.
    ///
    /// 20 random hexadecimal digits are enough, or 16 random characters of base64url. `truegate keys path` makes a path
    /// with more than that. Words, dates and repetitions add no safety, however long they are.
    pub fn is_guessable(&self) -> bool {
        !is_unguessable(self.expose())
    }

    /// Whether a path is this one, or could be read as if it were: a request for it is taken as a callback or refused.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.compare(path) != PathMatch::None
    }

    /// Compares a request's path, without its query; a path of up to 2 KiB costs no allocation.
    pub(crate) fn compare(&self, path: &str) -> PathMatch {
        self.0.compare(path)
    }

    /// Whether a path tells the random part of this one, escaped or not, although it may be another path.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_told_by(&self, path: &[u8]) -> bool {
        let decoded = decode_fully(path);
        let is_in = |segment: &str| {
            let mut parts = decoded.windows(segment.len().max(1));
            parts.any(|part| part.eq_ignore_ascii_case(segment.as_bytes()))
        };
        self.expose().split('/').any(|segment| is_in(segment) && is_unguessable(segment))
    }

    /// Whether a text may tell the random part of some callback path, escaped or not: nobody could guess a part of it.
    #[cfg(feature = "gateway")]
    pub(crate) fn may_be_told_by(text: &str) -> bool {
        is_unguessable(&String::from_utf8_lossy(&decode_fully(text.as_bytes())))
    }
}

impl FromStr for CallbackPath {
    type Err = ReservedPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

redacted!(CallbackPath);

/// The callback path can be guessed, but sessions need one that cannot. The error does not repeat the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the callback path can be guessed: sessions need one with a random part (`truegate keys path` makes one)")]
#[non_exhaustive]
pub struct GuessableCallbackPath;

#[cfg(all(test, feature = "gateway"))]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_holds_the_random_part_tells_it() {
        let path: CallbackPath = "/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse().unwrap();
        for (other, tells) in [
            ("/truecaller/x7Kq2vNf9TzR4mWb6pLd", true),
            ("/truecaller/x7Kq2vNf9TzR4mWb6pLd/more", true),
            ("/a;b=X7KQ2VNF9TZR4MWB6PLD.json", true),
            ("/truecaller/%78%2537Kq2vNf9TzR4mWb6pLd/", true),
            ("/truecaller/x7Kq2vNf9TzR4mWb6pL", false),
            ("/truecaller/", false),
            ("", false),
        ] {
            assert_eq!(path.is_told_by(other.as_bytes()), tells, "{other}");
            assert!(!tells || CallbackPath::may_be_told_by(other), "{other}");
        }
        let guessable: CallbackPath = "/truecaller/callback".parse().unwrap();
        assert!(!guessable.is_told_by(b"/truecaller/callback/more"), "it is no secret");
        assert!(!CallbackPath::may_be_told_by("/truecaller/callback/more"));
    }
}
