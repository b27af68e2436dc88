//! Percent-decoding, as servers are known to do it.
//!
//! What is decoded once and whole is decoded by the crate `percent-encoding`. The rest is our own: that crate cannot go on
//! until no escape is left, as servers in a row do, and cannot leave the escapes of some bytes alone, as servers do with `%2F`.

use percent_encoding::percent_decode;
use smallvec::SmallVec;

/// A path without its query; up to 2 KiB of it cost no allocation.
pub(crate) type PathBytes = SmallVec<[u8; 2048]>;

/// How often escapes are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounds {
    One,
    /// Until no escape is left: one that decoding completes is decoded too.
    All,
}

/// Decodes every escape once; a broken escape stays as it is.
pub(super) fn decode_once(path: &[u8]) -> PathBytes {
    percent_decode(path).collect()
}

/// Decodes escapes until none is left; a broken escape stays as it is.
pub(crate) fn decode_fully(path: &[u8]) -> PathBytes {
    decode_but(path, Rounds::All, |_| false)
}

/// Decodes escapes, but leaves those of some bytes alone.
pub(super) fn decode_but(path: &[u8], rounds: Rounds, is_kept: impl Fn(u8) -> bool) -> PathBytes {
    let mut decoded = PathBytes::new();
    // What stands before has been decoded in its only round.
    let mut done = 0;
    for byte in path {
        decoded.push(*byte);
        while let [.., b'%', high, low] = decoded[done..]
            && let Some(escaped) = octet(high, low).filter(|escaped| !is_kept(*escaped))
        {
            decoded.truncate(decoded.len() - 3);
            decoded.push(escaped);
            if rounds == Rounds::One {
                done = decoded.len();
            }
        }
    }
    decoded
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn octet(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_decoded_once_or_until_none_is_left() {
        for (text, once, fully) in [
            ("/a%20b", &b"/a b"[..], &b"/a b"[..]),
            ("%252e", b"%2e", b"."),
            ("%25%32%65", b"%2e", b"."),
            ("%2525252e", b"%25252e", b"."),
            ("%2%65", b"%2e", b"."),
            ("%%41", b"%A", b"%A"),
            ("%zz%4", b"%zz%4", b"%zz%4"),
            ("%C3%a9", "é".as_bytes(), "é".as_bytes()),
            ("", b"", b""),
        ] {
            let text = text.as_bytes();
            assert_eq!(&decode_once(text)[..], once, "{text:?}");
            assert_eq!(&decode_but(text, Rounds::One, |_| false)[..], once, "{text:?}");
            assert_eq!(&decode_fully(text)[..], fully, "{text:?}");
        }
    }

    #[test]
    fn the_escapes_of_some_bytes_are_left_alone() {
        for (text, once, fully) in [
            ("/a%2Fb%20c", &b"/a%2Fb c"[..], &b"/a%2Fb c"[..]),
            ("%252f%2f", b"%2f%2f", b"%2f%2f"),
            ("%2%66%2e", b"%2f.", b"%2f."),
        ] {
            let kept = |rounds| decode_but(text.as_bytes(), rounds, |byte| byte == b'/');
            assert_eq!((&kept(Rounds::One)[..], &kept(Rounds::All)[..]), (once, fully), "{text}");
        }
    }
}
