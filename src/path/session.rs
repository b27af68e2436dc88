//! The prefix of truegate's own routes, which the app never gets.

use std::str::FromStr;

use super::{ExactPath, ReservedPathError, any_reading, prefilter::may_begin_with};

/// The prefix of truegate's own routes, such as `/.truegate`, in the form of a [callback path](super::CallbackPath).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPath(Box<str>);

impl SessionPath {
    /// The path, without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path is at or below this one, or could be read as if it were.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.strip(path).is_some()
    }

    /// Returns the part after this prefix and a slash; empty for a path that could only be read as one at or below this prefix.
    ///
    /// A path of up to 2 KiB costs no allocation.
    pub(crate) fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let exact = path.strip_prefix(self.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let is_read = || may_begin_with(path, &self.0) && any_reading(path, |reading| self.is_prefix_of(reading));
        exact.or_else(|| is_read().then_some(""))
    }

    fn is_prefix_of(&self, reading: &[u8]) -> bool {
        let Some((start, rest)) = reading.split_at_checked(self.0.len()) else { return false };
        start.eq_ignore_ascii_case(self.0.as_bytes()) && matches!(rest.first(), None | Some(b'/'))
    }
}

impl Default for SessionPath {
    fn default() -> Self {
        Self("/.truegate".into())
    }
}

impl FromStr for SessionPath {
    type Err = ReservedPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ExactPath>().map(|path| Self(path.as_str().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_prefix_is_one_exact_spelling() {
        for (path, rest) in [
            ("/.truegate/login", Some("login")),
            ("/.truegate/auth/", Some("auth/")),
            ("/.truegate/auth/a/../b%2f", Some("auth/a/../b%2f")),
            ("/.truegate/../public", Some("../public")),
            ("/.truegate//login", Some("/login")),
            ("/", None),
            ("/.truegat", None),
            ("/.truegate2/login", None),
            ("/a/.truegate/login", None),
            ("/.truegate%2g", None),
        ] {
            assert_eq!(SessionPath::default().strip(path), rest, "{path}");
        }
    }

    #[test]
    fn every_other_spelling_of_the_prefix_is_closed() {
        for path in [
            "/.truegate", "/.truegate/", "/.TRUEGATE/login", "//.truegate/login", "/%2etruegate/login",
            "/.truegate%2flogin", "/a/../.truegate/login", "/.truegate;a/login", "/.truegate\\login",
        ] {
            assert_eq!(SessionPath::default().strip(path), Some(""), "{path}");
        }
    }

    #[test]
    fn the_default_is_canonical() {
        assert_eq!("/.truegate".parse(), Ok(SessionPath::default()));
    }
}
