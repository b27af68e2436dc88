//! Percent-escapes decoded once, as a server should.

use super::{PathBytes, octet};

/// Decodes every percent-escape once; what is no escape stays as it is.
pub(crate) fn decode_once(text: &(impl AsRef<[u8]> + ?Sized)) -> PathBytes {
    decode_once_but(text, |_| false)
}

/// The same, but the escapes of some bytes are left alone.
pub(crate) fn decode_once_but(text: &(impl AsRef<[u8]> + ?Sized), is_kept: impl Fn(u8) -> bool) -> PathBytes {
    let mut decoded = PathBytes::new();
    let mut bytes = text.as_ref();
    while let [first, rest @ ..] = bytes {
        let escaped = (*first == b'%').then(|| escape(rest)).flatten().filter(|escaped| !is_kept(*escaped));
        decoded.push(escaped.unwrap_or(*first));
        bytes = if escaped.is_some() { &rest[2..] } else { rest };
    }
    decoded
}

/// The byte that stands behind a `%`.
pub(crate) fn escape(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else { return None };
    octet(*high, *low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_decoded_once() {
        for (text, decoded) in [
            ("/a%20b", &b"/a b"[..]),
            ("%252e", b"%2e"),
            ("%25%32%65", b"%2e"),
            ("%zz%4", b"%zz%4"),
            ("%%41", b"%A"),
            ("", b""),
        ] {
            assert_eq!(&decode_once(text)[..], decoded, "{text}");
        }
    }
}
