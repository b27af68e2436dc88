//! The path of the route for the site's own Android app.

use std::{fmt, str::FromStr};

use super::{ExactPath, ReservedPathError};

/// The path of the route that the site's own app posts to, in the form of a [callback path](super::CallbackPath).
///
/// It is in every copy of the app, so it is no secret. Defaults to `/truecaller/native`.
#[derive(Clone, PartialEq, Eq)]
pub struct NativePath(ExactPath);

impl NativePath {
    /// Returns the path, for the app or to compare it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the path is at or below the prefix of truegate's own routes, or could be read as if it were. Both are canonical.
    pub(crate) fn is_below(&self, prefix: &str) -> bool {
        let Some((start, rest)) = self.as_str().split_at_checked(prefix.len()) else { return false };
        start.eq_ignore_ascii_case(prefix) && (rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a path is this one, or could be read as if it were.
    #[cfg(feature = "gateway")]
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.0.compare(path) != super::PathMatch::None
    }

    pub(crate) fn exact(&self) -> &ExactPath {
        &self.0
    }
}

impl Default for NativePath {
    fn default() -> Self {
        "/truecaller/native".parse().expect("the path is canonical")
    }
}

impl FromStr for NativePath {
    type Err = ReservedPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for NativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativePath").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_path_like_any_other() {
        let path = NativePath::default();
        assert_eq!(path.as_str().parse(), Ok(path.clone()));
        assert_eq!(format!("{path:?}"), r#"NativePath("/truecaller/native")"#);
    }

    #[test]
    fn a_path_is_below_a_prefix_in_any_letter_case() {
        for (prefix, is_below) in [
            ("/truecaller/native", true),
            ("/Truecaller", true),
            ("/true", false),
            ("/truecaller/native/x", false),
            ("/truecaller/native2", false),
            ("/.truegate", false),
        ] {
            assert_eq!(NativePath::default().is_below(prefix), is_below, "{prefix}");
        }
    }
}
