//! The ids of HTTP requests (`X-Request-Id`), by which the logs of all servers that a request passes can be joined.
//!
//! They have nothing to do with the request ids of logins, which are secrets.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::hex::push_hex;
use crate::{
    headers::{CasedName, HeaderTarget, NameSet, only, remove_where},
    random::Random,
};

/// Gives each request its id.
pub(super) struct RequestIds(Random);

/// The id of an HTTP request: up to 128 visible characters of ASCII. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpRequestId(HeaderValue);

impl RequestIds {
    pub(super) fn new(random: Random) -> Self {
        Self(random)
    }

    /// The id of a request with these headers: that of a trusted proxy, or a new one. What a client says does not count, because
    /// it could join its request to those of others.
    pub(super) fn of(&self, headers: &HeaderMap, by_proxy: bool) -> HttpRequestId {
        let given = if by_proxy { only(headers, NAME.name()) } else { None };
        given.filter(|id| is_valid(id.as_bytes())).map_or_else(|| self.draw(), |id| HttpRequestId(id.clone()))
    }

    /// 128 random bits in hexadecimal, as nginx makes them, and as the ids of traces are written.
    fn draw(&self) -> HttpRequestId {
        let mut bits = [0; 16];
        self.0.fill(&mut bits);
        let mut text = Vec::with_capacity(2 * bits.len());
        push_hex(&mut text, &bits);
        HttpRequestId(HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits are visible"))
    }
}

impl HttpRequestId {
    /// The id as the value of its header.
    pub(super) fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Puts the id into a request or an answer, in place of all others.
    pub(super) fn tell(&self, head: &mut impl HeaderTarget) {
        remove_where(head, |name| NAMES.contains(name.as_str().as_bytes()));
        head.insert(&NAME, self.0.clone());
    }
}

/// Whether a text is short, visible, and not a list or a part of one.
fn is_valid(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\",;".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(is_plain)
}

const LONGEST: usize = 128;
static NAME: CasedName = CasedName::from_static("x-request-id", "X-Request-Id");
/// The header in every spelling that an app might read so.
static NAMES: LazyLock<NameSet> = LazyLock::new(|| NameSet::from_iter(["x-request-id"]));

#[cfg(test)]
mod tests {
    use super::*;

    fn id(lines: &[&[u8]], by_proxy: bool) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-request-id", HeaderValue::from_bytes(line).unwrap());
        }
        let id = RequestIds::new(Random::seeded(1)).of(&headers, by_proxy);
        id.value().to_str().unwrap().to_owned()
    }

    #[test]
    fn only_a_proxy_says_which_id_a_request_has_and_only_if_it_is_one() {
        let (long, longest) = ([b'a'; 129], [b'a'; 128]);
        let fresh = id(&[], false);
        assert!(fresh.len() == 32 && fresh.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{fresh}");
        for (line, is_taken) in [
            (&b"7f3a-b_c.d~e/f+g=h:i"[..], true),
            (&longest, true),
            (&long, false),
            (b"", false),
            (b"a b", false),
            (b"a,b", false),
            (b"a;b", false),
            (b"a\"b", false),
            (b"a\tb", false),
            (b"a\xc3\xa9", false),
        ] {
            assert_eq!(id(&[line], true).as_bytes(), if is_taken { line } else { fresh.as_bytes() });
            assert_eq!(id(&[line], false), fresh, "a client says nothing");
        }
        assert_eq!(id(&[b"a", b"b"], true), fresh, "two ids are none");
    }

    #[test]
    fn a_request_has_one_id_in_one_spelling() {
        let mut headers = HeaderMap::new();
        for name in ["x-request-id", "x_request_id", "x.request-id", "x-request-id-2"] {
            headers.append(name, HeaderValue::from_static("theirs"));
        }
        RequestIds::new(Random::seeded(1)).of(&headers, false).tell(&mut headers);
        let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["x-request-id", "x-request-id-2"]);
        assert_ne!(headers["x-request-id"], "theirs");
    }
}
