//! The path of a single route: one exact spelling. Other spellings that a server could read as this path are refused.

use std::str::FromStr;

use super::{any_reading, prefilter::may_begin_with};

/// The path of a single route, in its one canonical form.
///
/// It starts with a slash and does not end in one, has at most 512 bytes of visible ASCII without `%`, `;`, `?`, `#` and `\`,
/// and holds no empty segment and no dot segment.
///
/// # Security
///
/// It may be a secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ExactPath(Box<str>);

/// How a request's path relates to the path of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathMatch {
    Exact,
    /// A server could read the path as the route's, though it is spelled differently.
    Ambiguous,
    None,
}

impl ExactPath {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares a request's path, without its query; a path of up to 2 KiB costs no allocation.
    #[inline]
    pub(crate) fn compare(&self, path: &str) -> PathMatch {
        if path == &*self.0 {
            return PathMatch::Exact;
        }
        let is_same = |reading: &[u8]| reading.eq_ignore_ascii_case(self.0.as_bytes());
        if may_begin_with(path, &self.0) && any_reading(path, is_same) { PathMatch::Ambiguous } else { PathMatch::None }
    }
}

impl FromStr for ExactPath {
    type Err = ReservedPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let relative = text.strip_prefix('/').ok_or(ReservedPathError::NoLeadingSlash)?;
        if text.len() > MAX_LENGTH || relative.is_empty() {
            return Err(ReservedPathError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"%;?#\\".contains(&byte)) {
            return Err(ReservedPathError::Character);
        }
        if relative.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(ReservedPathError::Segment);
        }
        Ok(Self(text.into()))
    }
}

/// The reason why a path cannot be reserved for truegate. The error does not repeat the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReservedPathError {
    /// It does not start at the root.
    #[error("must start with a slash")]
    NoLeadingSlash,
    /// It is the root itself, or longer than 512 bytes.
    #[error("must have at least one segment and at most 512 bytes")]
    Length,
    /// It holds a byte that servers read in different ways.
    #[error("must be visible ASCII without `%`, `;`, `?`, `#` and `\\`")]
    Character,
    /// It holds a segment that servers drop.
    #[error("must not end in a slash or hold `//`, `/./` or `/../`")]
    Segment,
}

const MAX_LENGTH: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(path: &str) -> PathMatch {
        ExactPath::from_str("/Truecaller/callback-7f3a").unwrap().compare(path)
    }

    #[test]
    fn a_route_has_one_exact_spelling() {
        assert_eq!(compare("/Truecaller/callback-7f3a"), PathMatch::Exact);
    }

    #[test]
    fn a_path_that_becomes_the_one_of_a_route_is_ambiguous() {
        for path in [
            "/truecaller/callback-7f3a",
            "/Truecaller/callback-7f3a/",
            "/Truecaller//callback-7f3a",
            "//Truecaller/callback-7f3a",
            "/./Truecaller/x/../callback-7f3a",
            "/../Truecaller/callback-7f3a",
            "/Truecaller/%63allback-7f3a",
            "/Truecaller/%2563allback-7f3a",
            "/Truecaller/%25%36%33allback-7f3a",
            "/Truecaller%2Fcallback-7f3a",
            "/Truecaller%5ccallback-7f3a",
            "/Truecaller\\callback-7f3a",
            "/Truecaller;a=b/callback-7f3a;c",
            "/Truecaller/;/callback-7f3a",
            "/Truecaller/x/..;/callback-7f3a",
            "/Truecaller/callback-7f3a%00",
            "/Truecaller/callback-7f3a%00.png",
            "/Truecaller/callback-7f3a%3Fx",
            "/Truecaller/callback-7f3a%23x",
            "/Truecaller/callback-7f3a%09%3Fx",
            "/Truecaller/callback-7f3a%20",
            "/Truecaller/%2e%2e/Truecaller/callback-7f3a",
            "Truecaller/callback-7f3a",
        ] {
            assert_eq!(compare(path), PathMatch::Ambiguous, "{path}");
        }
    }

    #[test]
    fn every_other_path_is_ordinary() {
        let long = format!("/{}", "x/".repeat(4000));
        for path in [
            "/", "*", "", "/Truecaller", "/Truecaller/callback-7f3a/x", "/Truecaller/callback-7f3ab", "/%", "/%zz",
            &long,
        ] {
            assert_eq!(compare(path), PathMatch::None, "{path}");
        }
    }

    #[test]
    fn a_path_that_is_not_canonical_cannot_be_configured() {
        for (path, error) in [
            ("", ReservedPathError::NoLeadingSlash),
            ("callback", ReservedPathError::NoLeadingSlash),
            ("/", ReservedPathError::Length),
            ("/a/", ReservedPathError::Segment),
            ("//a", ReservedPathError::Segment),
            ("/a/./b", ReservedPathError::Segment),
            ("/a/..", ReservedPathError::Segment),
            ("/a%20b", ReservedPathError::Character),
            ("/a;b", ReservedPathError::Character),
            ("/a b", ReservedPathError::Character),
            ("/é", ReservedPathError::Character),
            ("/a?b", ReservedPathError::Character),
        ] {
            assert_eq!(ExactPath::from_str(path).err(), Some(error), "{path}");
        }
        assert!(ExactPath::from_str(&format!("/{}", "a".repeat(MAX_LENGTH))).is_err());
    }
}
