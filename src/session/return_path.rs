//! Where a browser goes after a login.

use std::{fmt, sync::LazyLock};

use url::Url;

use crate::percent::{decode_fully, once::decode_once};

/// A path of this site, with query and fragment, to send a browser to.
///
/// # Security
///
/// It comes from whoever wrote the link to the login, and goes into `Location`: whatever it holds, no browser and no
/// server on the way takes it for another site's. It may hold what was meant for one user, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnPath(Box<str>);

impl ReturnPath {
    /// Takes a path as it stands; one that would need to be changed is refused.
    ///
    /// It is visible ASCII without a backslash, of at most 2048 bytes, and starts with one slash. Whether its escapes
    /// are left alone, decoded once or until none is left, it stays on this site, its path does not start with two
    /// slashes once dot segments are resolved, and holds no control character.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= MAX_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let path = text.split(['?', '#']).next()?;
        (plain && stays(text) && decoded(path).iter().all(|path| stays(path))).then(|| Self(text.into()))
    }

    /// Takes a path, or the root in place of none or one that is refused.
    pub fn or_root(text: Option<&str>) -> Self {
        text.and_then(Self::parse).unwrap_or_default()
    }

    /// The path, as a `Location` has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The root.
impl Default for ReturnPath {
    fn default() -> Self {
        Self("/".into())
    }
}

impl fmt::Debug for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReturnPath(redacted)")
    }
}

/// A path as servers on the way may spell it, who decode it once, or each a little.
fn decoded(path: &str) -> Vec<String> {
    if !path.contains('%') {
        return Vec::new();
    }
    [decode_once(path), decode_fully(path)].iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Whether a browser that follows a reference stays on this site, and does so again when it is given the path that
/// came out.
fn stays(reference: &str) -> bool {
    if !reference.starts_with('/') || reference.contains(|character: char| character.is_control()) {
        return false;
    }
    SITE.join(reference).is_ok_and(|url| url.origin() == SITE.origin() && !url.path().starts_with("//"))
}

/// Any site: what leaves one leaves all.
static SITE: LazyLock<Url> = LazyLock::new(|| Url::parse("https://site.invalid/").expect("it is a URL"));

const MAX_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_site_is_taken_as_it_stands() {
        for path in
            ["/", "/a", "/a/", "/a//b", "/a?b=c#d", "/a?next=//evil.example", "/a/../b", "/a%20b", "/a%2Fb", "/@a"]
        {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn what_leads_elsewhere_becomes_the_root() {
        for text in [
            "",
            "a",
            "//evil",
            "/\\evil",
            "\\/evil",
            "/%09/evil",
            "/\t/evil",
            "/%2f/evil",
            "/%5cevil",
            "/%252fevil",
            "/.//evil",
            "/..//evil",
            "/./\\evil",
            "/%2e%2e//evil",
            "/a/..%2f/evil",
            "https:evil",
            "javascript:alert(1)",
            "/a\r\nb",
            "/a b",
            "/caf\u{e9}",
        ] {
            assert_eq!(ReturnPath::or_root(Some(text)), ReturnPath::default(), "{text:?}");
        }
        assert_eq!(ReturnPath::or_root(None).as_str(), "/");
    }

    #[test]
    fn a_path_has_its_bound() {
        let longest = format!("/{}", "a".repeat(MAX_LENGTH - 1));
        assert!(ReturnPath::parse(&longest).is_some());
        assert!(ReturnPath::parse(&format!("{longest}a")).is_none());
    }
}
