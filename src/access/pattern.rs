//! The paths that a rule covers.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::path::CanonicalPath;

/// The paths that a rule covers: a path and everything below it, or one path.
///
/// `/account` and `/account/` are the same pattern: it covers `/account`, `/account/` and `/account/x`, but not `/accounts`.
/// With [`exact`](Self::exact) the pattern covers only `/account` and `/account/`, because most servers answer both alike, or
/// redirect from one to the other.
///
/// # Canonical spelling
///
/// A pattern is written in the canonical spelling of its path: visible ASCII from the root, without empty segments and dot
/// segments. Letters, digits, `-`, `.`, `_` and `~` are not escaped. Bytes beyond ASCII and spaces are escaped, and escapes are
/// in upper case. Letter case counts. A pattern has no `;`, which some servers take for the start of parameters, and no `*`,
/// which people would take for a wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    /// Canonical, without a slash at the end; the root is empty.
    path: Box<str>,
    /// The same without escapes.
    decoded: Box<[u8]>,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Below,
    Exact,
}

/// Whether letter case makes a difference. For Express and Windows it does not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Case {
    Counts,
    Ignored,
}

impl PathPattern {
    /// Covers one path, given in its canonical spelling; a slash at its end does not count.
    ///
    /// # Errors
    ///
    /// When the path is not in its [canonical spelling](Self#canonical-spelling), or holds `;` or `*`.
    pub fn exact(text: &str) -> Result<Self, PathPatternError> {
        Self::new(text, Scope::Exact)
    }

    /// The path, in its canonical spelling and without a slash at its end, unless it is the root.
    pub(crate) fn as_str(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// The same without escapes; the root is empty.
    pub(super) fn decoded(&self) -> &[u8] {
        &self.decoded
    }

    /// Whether it covers one path alone.
    pub(crate) fn is_exact(&self) -> bool {
        self.scope == Scope::Exact
    }

    /// Whether this pattern covers every path that another pattern covers.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        (self.scope == Scope::Below || other.scope == Scope::Exact) && self.spans(&other.path)
    }

    /// Whether it covers a path in its canonical spelling.
    pub(super) fn matches(&self, path: &CanonicalPath<'_>) -> bool {
        let path = path.as_str();
        self.spans(path.strip_suffix('/').unwrap_or(path))
    }

    /// Whether it covers a reading of a path; readings are decoded.
    pub(super) fn covers_reading(&self, reading: &[u8], case: Case) -> bool {
        let Some((head, rest)) = reading.split_at_checked(self.decoded.len()) else { return false };
        let is_same = match case {
            Case::Counts => *head == *self.decoded,
            Case::Ignored => head.eq_ignore_ascii_case(&self.decoded),
        };
        is_same && self.reaches(rest.first())
    }

    /// Whether it covers every path.
    pub(super) fn is_root(&self) -> bool {
        self.path.is_empty() && self.scope == Scope::Below
    }

    fn new(text: &str, scope: Scope) -> Result<Self, PathPatternError> {
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
            let path = text.strip_suffix('/').unwrap_or(text);
            Ok(Self { path: path.into(), decoded: percent_decode_str(path).collect(), scope })
        } else {
            Err(PathPatternError::Escape)
        }
    }

    /// Whether it covers a path that is canonical and has no slash at its end.
    fn spans(&self, path: &str) -> bool {
        path.strip_prefix(&*self.path).is_some_and(|rest| self.reaches(rest.as_bytes().first()))
    }

    /// Whether it covers what follows its own path, by the first byte.
    fn reaches(&self, next: Option<&u8>) -> bool {
        next.is_none_or(|next| self.scope == Scope::Below && *next == b'/')
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text, Scope::Below)
    }
}

/// The reason why a text cannot be a pattern. The error does not repeat the text.
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
    #[error("must not hold `*`: a path covers everything below it")]
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
        PathPattern::from_str(pattern).unwrap().matches(&CanonicalPath::parse(path).unwrap())
    }

    #[test]
    fn a_path_covers_everything_below_it_by_whole_segments() {
        for pattern in ["/account", "/account/"] {
            for path in [
                "/account", "/account/", "/account/x", "/account/x/y/", "//account//x", "/%61ccount/x", "/b/../account",
            ] {
                assert!(matches(pattern, path), "{pattern} {path}");
            }
            for path in
                ["/", "/accounts", "/account-x", "/account%20", "/a/account/", "/Account/", "/account/..", "/accoun"]
            {
                assert!(!matches(pattern, path), "{pattern} {path}");
            }
        }
        assert!(matches("/", "/") && matches("/", "") && matches("/", "/a/b"));
        assert!(matches("/%C3%A9", "/\u{e9}/x") && matches("/a%20b/", "/a%20b"));
    }

    #[test]
    fn an_exact_path_is_one_path_with_or_without_a_slash_at_its_end() {
        for pattern in ["/login", "/login/"] {
            let pattern = PathPattern::exact(pattern).unwrap();
            let matches = |path: &str| pattern.matches(&CanonicalPath::parse(path).unwrap());
            assert!(matches("/login") && matches("/login/") && matches("/x/../login"));
            for path in ["/login/x", "/logins", "/LOGIN", "/login;a", "/"] {
                assert!(!matches(path), "{path}");
            }
        }
        let root = PathPattern::exact("/").unwrap();
        let matches = |path: &str| root.matches(&CanonicalPath::parse(path).unwrap());
        assert!(matches("/") && matches("") && matches("/a/..") && !matches("/a"));
    }

    #[test]
    fn a_pattern_is_shown_in_one_spelling() {
        for (text, shown) in [("/account/", "/account"), ("/account", "/account"), ("/", "/"), ("/a/b/", "/a/b")] {
            assert_eq!(PathPattern::from_str(text).unwrap().as_str(), shown);
            assert_eq!(PathPattern::from_str(text).unwrap(), PathPattern::from_str(shown).unwrap());
            assert_ne!(PathPattern::from_str(text).unwrap(), PathPattern::exact(text).unwrap());
        }
    }

    #[test]
    fn a_path_covers_what_is_below_it() {
        let below = |text: &str| PathPattern::from_str(text).unwrap();
        let exact = |text: &str| PathPattern::exact(text).unwrap();
        for (one, other, covered) in [
            (below("/"), below("/account/"), true),
            (below("/"), below("/"), true),
            (below("/"), exact("/"), true),
            (below("/account/"), below("/account"), true),
            (below("/account"), below("/account/"), true),
            (below("/account"), below("/account/x/"), true),
            (below("/account"), exact("/account/x"), true),
            (below("/account"), exact("/account"), true),
            (below("/account"), below("/accounts/"), false),
            (below("/account"), below("/"), false),
            (exact("/account"), exact("/account/"), true),
            (exact("/account"), below("/account"), false),
            (exact("/account"), exact("/account/x"), false),
            (exact("/"), below("/a"), false),
        ] {
            assert_eq!(one.covers(&other), covered, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_reading_is_covered_with_or_without_regard_to_case() {
        let covered = |pattern: &str, reading: &str| {
            let pattern = PathPattern::from_str(pattern).unwrap();
            [Case::Counts, Case::Ignored].map(|case| pattern.covers_reading(reading.as_bytes(), case))
        };
        for (pattern, reading) in [("/", ""), ("/", "/x"), ("/a%20b/", "/a b/c"), ("/account", "/account")] {
            assert_eq!(covered(pattern, reading), [true, true], "{pattern} {reading}");
        }
        for (pattern, reading) in [("/Account/", "/aCCOUNT"), ("/account", "/ACCOUNT/X"), ("/a%20b/", "/A b/c")] {
            assert_eq!(covered(pattern, reading), [false, true], "{pattern} {reading}");
        }
        for (pattern, reading) in [("/account/", "/accounts"), ("/account/x", "/account"), ("/login", "/logi")] {
            assert_eq!(covered(pattern, reading), [false, false], "{pattern} {reading}");
        }
        let exact = PathPattern::exact("/login").unwrap();
        assert!(exact.covers_reading(b"/Login", Case::Ignored) && !exact.covers_reading(b"/login/x", Case::Ignored));
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
            assert_eq!(PathPattern::from_str(text), Err(error), "{text}");
        }
    }
}
