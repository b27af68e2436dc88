//! The host that a request is for, and its port.

use std::{net::Ipv6Addr, str};

/// A host with an optional port, as `Host`, `:authority` and absolute targets write it (RFC 3986 §3.2, without user info).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// The host, as it is written; a name may end in a dot.
    pub(crate) fn host(&self) -> &'a [u8] {
        self.host
    }

    /// Takes a name, an IPv4 address or an IPv6 address in brackets. A colon may follow, with a port in up to five digits
    /// or, as RFC 3986 has it, with nothing.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let end_of_host = if text.starts_with(b"[") { address_length(text)? } else { name_length(text)? };
        let (host, rest) = text.split_at(end_of_host);
        let port = match rest {
            [] => None,
            [b':', digits @ ..] => parse_port(digits)?,
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both name the same host and port. An authority without a port has the default port of the scheme.
    pub(crate) fn is_same(&self, other: &Self, scheme: Option<&str>) -> bool {
        let default = if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) { 443 } else { 80 };
        let port = |authority: &Self| authority.port.unwrap_or(default);
        self.host.eq_ignore_ascii_case(other.host) && port(self) == port(other)
    }
}

fn parse_port(digits: &[u8]) -> Option<Option<u16>> {
    if digits.is_empty() {
        return Some(None);
    }
    let plain = digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| str::from_utf8(digits).ok()?.parse().ok()).flatten().map(Some)
}

/// The length of the IPv6 address in brackets at the start of a text.
fn address_length(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == b']')?;
    str::from_utf8(&text[1..end]).ok()?.parse::<Ipv6Addr>().ok().map(|_| end + 1)
}

/// The length of the name at the start of a text, which ends there or before a colon.
///
/// A name has only characters of RFC 3986 that every server reads as part of a name, and escapes with two digits. It has no empty
/// label but for the root behind its last dot.
fn name_length(text: &[u8]) -> Option<usize> {
    let (mut length, mut before) = (0, b'.');
    while let Some(byte) = text.get(length) {
        length += match byte {
            byte if NAME_BYTES[usize::from(*byte)] => 1,
            b'.' if before != b'.' => 1,
            b'%' if text.get(length + 1..length + 3)?.iter().all(u8::is_ascii_hexdigit) => 3,
            b':' => break,
            _ => return None,
        };
        before = *byte;
    }
    (length > 0).then_some(length)
}

/// The characters of a label: the unreserved ones of RFC 3986 §2.3 but for the dot.
const NAME_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < allowed.len() {
        allowed[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_' | b'~');
        byte += 1;
    }
    allowed
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_authority_is_read_as_its_parts_are_one_by_one(text in "[aZ9.:%~\\[\\]/ -]{0,9}|\\[::1\\][:0-9a]{0,7}") {
            prop_assert_eq!(Authority::parse(text.as_bytes()), by_parts(&text), "{:?}", text);
        }
    }

    /// Takes an authority apart step by step.
    fn by_parts(text: &str) -> Option<Authority<'_>> {
        let end_of_address = text.find(']').map_or(0, |end| end + 1);
        let (host, port) = match text[end_of_address..].find(':') {
            Some(colon) => (&text[..end_of_address + colon], Some(&text[end_of_address + colon + 1..])),
            None => (text, None),
        };
        let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port.filter(|port| !port.is_empty()) {
            Some(port) => Some(port.parse().ok().filter(|_| is_port(port))?),
            None => None,
        };
        let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
        let is_escaped = |part: &str| part.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let are_plain = |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || "-._~%".contains(one));
        let is_name = are_plain(host)
            && host.split('%').skip(1).all(is_escaped)
            && host.strip_suffix('.').unwrap_or(host).split('.').all(|label| !label.is_empty());
        let is_sound = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(is_address),
            None => is_name,
        };
        is_sound.then_some(Authority { host: host.as_bytes(), port })
    }

    #[test]
    fn an_authority_is_a_host_and_a_port() {
        for (text, host, port) in [
            ("a", "a", None),
            ("App.Example.", "App.Example.", None),
            ("my_app:3000", "my_app", Some(3000)),
            ("a:", "a", None),
            ("a:0", "a", Some(0)),
            ("a:00080", "a", Some(80)),
            ("a:65535", "a", Some(65535)),
            ("caf%C3%A9.example", "caf%C3%A9.example", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[::1]:", "[::1]", None),
            ("[::ffff:127.0.0.1]:8443", "[::ffff:127.0.0.1]", Some(8443)),
        ] {
            assert_eq!(Authority::parse(text.as_bytes()), Some(Authority { host: host.as_bytes(), port }), "{text}");
        }
    }

    #[test]
    fn an_authority_is_nothing_else() {
        for text in [
            "", ":", ":80", ":-1", "a:x", "a:80x", "a:-1", "a:+80", "a: 80", "a:65536", "a:000080", "a:80:80", "a:80/",
            "::1", "[::1", "::1]", "[]", "[]:80", "[::1]x", "[::1]80", "[::1]:80x", "[::1]:80:80", "x[::1]",
            "[fe80::1%25eth0]", "[127.0.0.1]", "[v1.a]", "[::1][::1]", "a]", "a]:80", "user@a", "user:pass@a:80", "a@",
            "a,b", "legit,for=127.0.0.1", "a b", " a", "a ", "a/b", "a\\b", "a?b", "a#b", "a;b", "a%", "a%4", "a%zz",
            ".", ".a", "a..b", "a..", "caf\u{e9}.example", "a\0",
        ] {
            assert_eq!(Authority::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Authority::parse(b"\xff"), None);
    }

    #[test]
    fn the_same_host_is_written_in_several_ways() {
        for (one, other, scheme, same) in [
            ("a.test", "A.Test", Some("http"), true),
            ("a.test", "a.test:80", Some("http"), true),
            ("a.test:", "a.test:80", Some("HTTP"), true),
            ("a.test:443", "a.test", Some("https"), true),
            ("a.test:443", "a.test", Some("HTTPS"), true),
            ("a.test:80", "a.test", Some("https"), false),
            ("a.test:81", "a.test", Some("http"), false),
            ("a.test", "b.test", Some("http"), false),
            ("[::A]:80", "[::a]", Some("http"), true),
        ] {
            let [one, other] = [one, other].map(|text| Authority::parse(text.as_bytes()).unwrap());
            assert_eq!(one.is_same(&other, scheme), same, "{one:?} {other:?}");
        }
    }
}
