//! The canonical path: the one spelling that rules are held against.

use std::borrow::Cow;

use percent_encoding::percent_encode_byte;

use super::{
    decode::{PathBytes, decode_fully, decode_once, octet},
    single_reading::is_plain,
};

/// A path in its canonical spelling: visible ASCII from the root, without dot segments or empty ones.
///
/// Percent-escapes of unreserved characters (RFC 3986 §2.3) are decoded once, other escapes are in upper case, slashes
/// are folded, then dot segments resolved. Letter case is kept, and so is a slash at the end. Bytes beyond ASCII are
/// escaped. The empty path is the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CanonicalPath<'a>(Cow<'a, str>);

impl<'a> CanonicalPath<'a> {
    /// Takes a path as it came, without query.
    ///
    /// A plain path costs no allocation: one that is canonical already and has neither escapes nor parameters.
    ///
    /// # Errors
    ///
    /// When servers are known to read the path in different ways, whether or not that makes a difference to any rule:
    /// - it is not absolute (`*`, a whole URL);
    /// - it holds a backslash, a question mark, a hash sign or a control character, raw or escaped, or a raw space;
    /// - it holds an escaped slash, a dot segment with an escape, or one with parameters (`..;`, `;..`);
    /// - it holds a `%` without two hexadecimal digits, or an overlong form of UTF-8 (`%C0%AF`).
    pub(crate) fn parse(raw: &'a str) -> Result<Self, AmbiguousPath> {
        if raw.is_empty() {
            return Ok(Self(Cow::Borrowed("/")));
        }
        if is_plain(raw) {
            return Ok(Self(Cow::Borrowed(raw)));
        }
        let relative = raw.strip_prefix('/').ok_or(AmbiguousPath)?;
        let path = resolve(relative)?;
        // Only an escaped `%` can hide a byte from the first decoding.
        let has_nested = relative.as_bytes().windows(3).any(|escape| escape == b"%25");
        if has_nested && has_overlong(&decode_fully(relative.as_bytes())) {
            return Err(AmbiguousPath);
        }
        Ok(Self(Cow::Owned(path)))
    }

    /// The path as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without escapes and without a slash at its end; the root is empty.
    pub(crate) fn decoded(&self) -> PathBytes {
        decode_once(self.trimmed(), |_| false)
    }

    fn trimmed(&self) -> &[u8] {
        self.0.strip_suffix('/').unwrap_or(&self.0).as_bytes()
    }
}

/// Servers could read the path in different ways, of which one may need an identity that another does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmbiguousPath;

/// Folds slashes and resolves dot segments. A path that ends in a dot segment ends in a slash.
fn resolve(relative: &str) -> Result<String, AmbiguousPath> {
    let mut path = String::with_capacity(relative.len() + 1);
    for segment in relative.split('/') {
        match segment {
            "" | "." => {}
            ".." => path.truncate(path.rfind('/').unwrap_or(0)),
            _ => push_segment(&mut path, segment)?,
        }
    }
    if matches!(relative.rsplit('/').next(), Some("" | "." | "..")) {
        path.push('/');
    }
    Ok(path)
}

/// Adds a segment, with its unreserved characters decoded.
fn push_segment(path: &mut String, segment: &str) -> Result<(), AmbiguousPath> {
    path.push('/');
    let start = path.len();
    let (mut left, mut before) = (segment.as_bytes(), b'/');
    while let [first, rest @ ..] = left {
        let (byte, is_escaped, rest) = match (first, rest) {
            (b'%', [high, low, rest @ ..]) => (octet(*high, *low).ok_or(AmbiguousPath)?, true, rest),
            (b'%', _) => return Err(AmbiguousPath),
            (byte, rest) => (*byte, false, rest),
        };
        match byte {
            b'/' | b'\\' | b'?' | b'#' | ..b' ' | 0x7f => return Err(AmbiguousPath),
            _ if has_overlong(&[before, byte]) => return Err(AmbiguousPath),
            b' ' if !is_escaped => return Err(AmbiguousPath),
            b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() || (byte.is_ascii() && !is_escaped) => path.push(char::from(byte)),
            _ => path.push_str(percent_encode_byte(byte)),
        }
        (left, before) = (rest, byte);
    }
    if hides_dots(&path[start..]) { Err(AmbiguousPath) } else { Ok(()) }
}

/// Whether a segment would be a dot segment for a server that drops its parameters, or takes them for the name.
fn hides_dots(name: &str) -> bool {
    // A search for a text costs as much as all the rest, and most names have no dot.
    name.contains('.') && name.split(';').flat_map(|part| part.split("%3B")).any(|part| matches!(part, "." | ".."))
}

/// Whether bytes hold a character in more bytes than UTF-8 allows, as slashes and dots were smuggled past servers.
fn has_overlong(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f]))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    proptest! {
        #[test]
        fn no_overlong_character_is_in_a_canonical_path(
            pieces in vec(select(vec!["/", "a", "..", "%c0", "%25c1", "%E0", "%f0", "%25F0", "%80", "%2580", "%af", "%c3%a9", "é", "%25", "%2525"]), 0..7),
        ) {
            let path = format!("/{}", pieces.concat());
            prop_assert!(CanonicalPath::parse(&path).is_err() || !has_overlong(&decode_fully(path.as_bytes())), "{:?}", path);
        }
    }

    fn canonical(raw: &str) -> Option<String> {
        CanonicalPath::parse(raw).ok().map(|path| path.as_str().to_owned())
    }

    #[test]
    fn a_plain_path_is_canonical_and_costs_nothing() {
        for path in ["/", "/a", "/a/", "/A/b.c/~d", "/a/b:c@d,e=f", "/*"] {
            assert!(
                matches!(CanonicalPath::parse(path), Ok(CanonicalPath(Cow::Borrowed(same))) if same == path),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_has_one_canonical_spelling() {
        for (raw, expected) in [
            ("", "/"),
            ("//", "/"),
            ("//admin", "/admin"),
            ("/a///b//", "/a/b/"),
            ("/.", "/"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/public/../admin", "/admin"),
            ("/public//..//admin", "/admin"),
            ("/%61%64min", "/admin"),
            ("/%7e%2d%2E%5fa", "/~-._a"),
            ("/a%2eb", "/a.b"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/a%20b%c3%a9", "/a%20b%C3%A9"),
            ("/\u{e9}", "/%C3%A9"),
            ("/%252e%252e%252fadmin", "/%252e%252e%252fadmin"),
            ("/%25%32%65", "/%252e"),
            ("/a;b=c/d", "/a;b=c/d"),
            ("/a%3Bb", "/a%3Bb"),
            ("/PUBLIC/x", "/PUBLIC/x"),
        ] {
            assert_eq!(canonical(raw).as_deref(), Some(expected), "{raw}");
        }
    }

    #[test]
    fn what_servers_read_in_different_ways_is_ambiguous() {
        for raw in [
            "*", "admin", "http://other.example/public", "/public/..%2fadmin", "/public/..%2F", "/a%2fb",
            "/public/..\\admin", "/..%5cadmin", "/a\\b", "/public/%2e%2e/admin", "/public/%2E%2e/admin",
            "/public/.%2e/admin", "/public/%2e/admin", "/public/..;/admin", "/public/;../admin",
            "/public/..;a=b/admin", "/public/a;../admin", "/public/.;/admin", "/public/..%3b/admin",
            "/public/%2e%2e;/admin", "/public%00/x", "/public/x%00", "/public/\0", "/a%0ab", "/a%09", "/a%7f", "/a b",
            "/a\tb", "/public/secret%23/endpoint", "/public/secret%3fx", "/a#/b", "/admin?x=/public/", "/%", "/%4",
            "/%zz", "/%u002e", "/%+1", "/a/%", "/public/%c0%ae%c0%ae/admin", "/public/..%c0%afadmin",
            "/public/%e0%80%ae/admin", "/public/%f0%80%80%af", "/public/%25c0%25af",
        ] {
            assert_eq!(CanonicalPath::parse(raw), Err(AmbiguousPath), "{raw:?}");
        }
    }
}
