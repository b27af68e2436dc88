//! The page after a login: a path of this site.

use std::sync::LazyLock;

use percent_encoding::{CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::path::decode_fully;

/// A path of this site, with query and fragment, to send a browser to.
///
/// # Security
///
/// Anyone can write a link to the login, and its path goes into `Location`. No browser and no server on the way may take it
/// for a path of another site. The path may be private to one user, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnPath(Box<str>);

impl ReturnPath {
    /// Takes the target of a request, with an optional fragment, as it stands; UTF-8 is percent-encoded, as browsers do.
    ///
    /// As it is then written, it has at most 8 KiB. It has no space or control character, starts with one slash, and has no
    /// backslash in its path.
    /// Whether its escapes are left alone, decoded once or until none is left, it stays on this site, its path does not
    /// start with two slashes once dot segments are resolved, and its path holds no control character.
    pub fn parse(text: &str) -> Option<Self> {
        let path = path_of(text);
        let is_plain = |character: char| !character.is_ascii_control() && character != ' ';
        let written = utf8_percent_encode(text, CONTROLS).to_string();
        if written.len() > MAX_LENGTH || !text.chars().all(is_plain) || path.contains('\\') {
            return None;
        }
        // Servers on the way decode the path once, or each a little.
        let (once, fully) = (percent_decode_str(path).decode_utf8_lossy(), decode_fully(path.as_bytes()));
        let spellings = [text, &once, &String::from_utf8_lossy(&fully)];
        spellings.into_iter().all(stays).then(|| Self(written.into()))
    }

    /// Takes a path. Defaults to the root if there is none, or if it is refused.
    pub(crate) fn or_root(text: Option<&str>) -> Self {
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

redacted!(ReturnPath);

fn path_of(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or(text)
}

/// Whether a browser that follows a reference stays on this site, and stays again when it follows the path that came out.
fn stays(reference: &str) -> bool {
    // Two slashes lead to another host, also to one that is named as the site below is.
    let is_rooted = reference.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if !is_rooted || reference.contains(|character: char| character.is_ascii_control()) {
        return false;
    }
    SITE.join(reference).is_ok_and(|url| url.origin() == SITE.origin() && !url.path().starts_with("//"))
}

/// Any site: what leaves one leaves all.
static SITE: LazyLock<Url> = LazyLock::new(|| Url::parse("https://site.invalid/").expect("it is a URL"));

/// The longest target that the gateway lets pass.
const MAX_LENGTH: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_site_is_taken_as_it_stands() {
        for path in [
            "/", "/a", "/a/", "/a//b", "/a?b=c#d", "/a?next=//evil.example", "/a/../b", "/a%20b", "/a%2Fb", "/@a",
            "/a?b=\\c\\\\d", "/a?b={\"c\":[<d>|`^]}", "/a#b\\c",
        ] {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn a_path_in_another_script_is_written_as_browsers_write_it() {
        for (path, written) in [
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/\u{939}\u{93f}?q=\u{1f600}#\u{e9}", "/%E0%A4%B9%E0%A4%BF?q=%F0%9F%98%80#%C3%A9"),
            ("/\u{ff0f}evil.example", "/%EF%BC%8Fevil.example"),
            ("/\u{85}/evil", "/%C2%85/evil"),
        ] {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), written);
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_becomes_the_root() {
        for text in [
            "", "a", "//evil", "//site.invalid", "/%2fsite.invalid", "/%5csite.invalid", "/\\evil", "\\/evil",
            "/%09/evil", "/\t/evil", "/%2f/evil", "/%5cevil", "/%252fevil", "/.//evil", "/..//evil", "/./\\evil",
            "/%2e%2e//evil", "/a/..%2f/evil", "https:evil", "javascript:alert(1)", "/a\r\nb", "/a b", "/a\\b",
            "/a\u{7f}",
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
        let grows = format!("/{}", "\u{e9}".repeat(MAX_LENGTH / 6));
        let written = ReturnPath::parse(&grows).unwrap();
        assert_eq!(ReturnPath::parse(written.as_str()).as_ref(), Some(&written));
        assert!(ReturnPath::parse(&format!("{grows}{grows}")).is_none(), "as it is written, it is too long");
    }
}
