//! The paths that a rule is for.

use std::str::FromStr;

use super::path::CanonicalPath;
use crate::percent::once::decode_once;

/// The paths that a rule is for: a folder with all that is in it, or one path.
///
/// `/account/` is a folder: it matches `/account/`, `/account/x` and also `/account`, but not `/accounts`. `/account`
/// is one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    /// Without escapes and without a slash at the end.
    decoded: Box<[u8]>,
}

impl PathPattern {
    /// Takes a path in its canonical spelling.
    ///
    /// # Errors
    ///
    /// When the path is not canonical, or holds `;` or `*`, which mean something else to some servers or to whoever
    /// writes a wildcard.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let relative = text.strip_prefix('/').ok_or(PathPatternError::NoLeadingSlash)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b";\\?#".contains(&byte)) {
            return Err(PathPatternError::Character);
        }
        if text.contains('*') {
            return Err(PathPatternError::Wildcard);
        }
        if text.contains("//") || relative.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(PathPatternError::Segment);
        }
        if CanonicalPath::parse(text).is_ok_and(|path| path.as_str() == text) {
            let decoded = decode_once(text.strip_suffix('/').unwrap_or(text));
            Ok(Self { text: text.into(), decoded: decoded.to_vec().into() })
        } else {
            Err(PathPatternError::Escape)
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is for every path that another pattern is for.
    pub fn covers(&self, other: &Self) -> bool {
        self.spans(&other.text)
    }

    /// Whether it is for this very path.
    pub(super) fn matches(&self, path: &CanonicalPath<'_>) -> bool {
        self.spans(path.as_str())
    }

    /// Whether it is for a path that was read loosely: letter case and a slash at the end do not count.
    pub(super) fn could_mean(&self, reading: &[u8]) -> bool {
        let reading = reading.strip_suffix(b"/").unwrap_or(reading);
        let Some((head, rest)) = reading.split_at_checked(self.decoded.len()) else { return false };
        let inside = self.is_folder() && rest.starts_with(b"/");
        head.eq_ignore_ascii_case(&self.decoded) && (rest.is_empty() || inside)
    }

    /// Whether it is for every path.
    pub(super) fn is_root(&self) -> bool {
        &*self.text == "/"
    }

    /// Whether it is for a path, which is canonical.
    fn spans(&self, path: &str) -> bool {
        match self.text.strip_suffix('/') {
            Some(folder) => path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => path == &*self.text,
        }
    }

    fn is_folder(&self) -> bool {
        self.text.ends_with('/')
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text cannot be a pattern. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathPatternError {
    /// It does not start at the root.
    #[error("must start with a slash")]
    NoLeadingSlash,
    /// It holds a byte that servers read in different ways.
    #[error("must be visible ASCII without `;`, `\\`, `?` and `#`")]
    Character,
    /// It holds a star, which would match nothing but a star.
    #[error("must not hold `*`: a slash at the end stands for all that is inside")]
    Wildcard,
    /// It holds a segment that servers drop.
    #[error("must not hold `//`, `/./` or `/../`")]
    Segment,
    /// It holds an escape that no canonical path has.
    #[error("must escape only what has to be: no letter, digit, `-`, `.`, `_`, `~` or slash, and in upper case")]
    Escape,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::parse(pattern).unwrap().matches(&CanonicalPath::parse(path).unwrap())
    }

    #[test]
    fn a_folder_is_matched_by_whole_segments() {
        for path in
            ["/account", "/account/", "/account/x", "/account/x/y/", "//account//x", "/%61ccount/x", "/b/../account"]
        {
            assert!(matches("/account/", path), "{path}");
        }
        for path in
            ["/", "/accounts", "/account-x", "/account%20", "/a/account/", "/Account/", "/account/..", "/accoun"]
        {
            assert!(!matches("/account/", path), "{path}");
        }
        assert!(matches("/", "/") && matches("/", "") && matches("/", "/a/b"));
        assert!(matches("/%C3%A9/", "/\u{e9}/x") && matches("/a%20b/", "/a%20b"));
    }

    #[test]
    fn what_is_no_folder_is_one_path() {
        assert!(matches("/login", "/login") && matches("/login", "/x/../login"));
        for path in ["/login/", "/login/x", "/logins", "/LOGIN", "/login;a"] {
            assert!(!matches("/login", path), "{path}");
        }
    }

    #[test]
    fn a_folder_covers_what_is_inside() {
        let covers =
            |one: &str, other: &str| PathPattern::parse(one).unwrap().covers(&PathPattern::parse(other).unwrap());
        for (one, other, covered) in [
            ("/", "/account/", true),
            ("/", "/", true),
            ("/account/", "/account", true),
            ("/account/", "/account/x/", true),
            ("/account/", "/accounts/", false),
            ("/account/", "/", false),
            ("/account", "/account", true),
            ("/account", "/account/", false),
            ("/account", "/account/x", false),
        ] {
            assert_eq!(covers(one, other), covered, "{one} {other}");
        }
    }

    #[test]
    fn a_loose_reading_overlooks_case_and_a_slash_at_the_end() {
        let meant = |pattern: &str, reading: &str| PathPattern::parse(pattern).unwrap().could_mean(reading.as_bytes());
        assert!(meant("/Account/", "/aCCOUNT") && meant("/account/", "/ACCOUNT/X") && meant("/login", "/Login/"));
        assert!(meant("/", "") && meant("/", "/x") && meant("/a%20b/", "/A b/c"));
        assert!(!meant("/account/", "/accounts") && !meant("/login", "/login/x") && !meant("/login", "/logi"));
    }

    #[test]
    fn a_pattern_that_is_not_canonical_cannot_be_configured() {
        for (text, error) in [
            ("", PathPatternError::NoLeadingSlash),
            ("account/", PathPatternError::NoLeadingSlash),
            ("https://shop.example/", PathPatternError::NoLeadingSlash),
            ("/a b", PathPatternError::Character),
            ("/a;b", PathPatternError::Character),
            ("/a\\b", PathPatternError::Character),
            ("/a?b", PathPatternError::Character),
            ("/a#b", PathPatternError::Character),
            ("/caf\u{e9}", PathPatternError::Character),
            ("/a\n", PathPatternError::Character),
            ("/account/*", PathPatternError::Wildcard),
            ("//", PathPatternError::Segment),
            ("/a//b", PathPatternError::Segment),
            ("/a/./b", PathPatternError::Segment),
            ("/a/..", PathPatternError::Segment),
            ("/%61", PathPatternError::Escape),
            ("/a%2eb", PathPatternError::Escape),
            ("/%2e%2e/", PathPatternError::Escape),
            ("/a%2Fb", PathPatternError::Escape),
            ("/a%5Cb", PathPatternError::Escape),
            ("/a%00", PathPatternError::Escape),
            ("/a%c3%a9", PathPatternError::Escape),
            ("/100%", PathPatternError::Escape),
        ] {
            assert_eq!(PathPattern::parse(text), Err(error), "{text}");
        }
    }
}
