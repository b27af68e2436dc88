//! Percent-decoding, as servers are known to do it.
//!
//! The crate `percent-encoding` encodes, and decodes where speed does not matter. It cannot serve here: it does not go on until no
//! escape is left, as servers in a row do, cannot leave the escapes of some bytes alone, as servers do with `%2F`, and takes three
//! times as long for one escape.

use smallvec::SmallVec;

/// A path without its query; up to 2 KiB of it cost no allocation.
pub(crate) type PathBytes = SmallVec<[u8; 2048]>;

/// Decodes every escape once, but leaves those of some bytes alone; a broken escape stays as it is.
pub(super) fn decode_once(path: &[u8], is_kept: impl Fn(u8) -> bool) -> PathBytes {
    let mut decoded = PathBytes::new();
    let mut left = path;
    while let [first, rest @ ..] = left {
        let (byte, after) = first_decoded(left);
        let is_kept = after.len() < rest.len() && is_kept(byte);
        decoded.push(if is_kept { *first } else { byte });
        left = if is_kept { rest } else { after };
    }
    decoded
}

/// Decodes the first byte of a text, which is not empty, once. Returns it with what follows; a broken escape is a `%`.
#[inline]
pub(super) fn first_decoded(text: &[u8]) -> (u8, &[u8]) {
    match text {
        [b'%', high, low, rest @ ..] => octet(*high, *low).map_or((b'%', &text[1..]), |byte| (byte, rest)),
        _ => (text[0], &text[1..]),
    }
}

/// Whether UTF-8 never has a byte behind another one. The loose readings of a path begin with such bytes.
#[inline]
pub(super) fn is_never_utf8(before: u8, byte: u8) -> bool {
    !byte.is_ascii() && matches!((before, byte), (_, 0xc0 | 0xc1) | (0xe0, 0x80..=0x9f) | (0xf0, 0x80..=0x8f))
}

/// Decodes escapes until none is left, but leaves those of some bytes alone: an escape that decoding completes is decoded too.
pub(super) fn decode_fully_but(path: &[u8], is_kept: impl Fn(u8) -> bool) -> PathBytes {
    let mut decoded = PathBytes::new();
    for byte in path {
        decoded.push(*byte);
        while let [.., b'%', high, low] = decoded[..]
            && let Some(escaped) = octet(high, low).filter(|escaped| !is_kept(*escaped))
        {
            decoded.truncate(decoded.len() - 3);
            decoded.push(escaped);
        }
    }
    decoded
}

/// Decodes escapes until none is left.
pub(crate) fn decode_fully(path: &[u8]) -> PathBytes {
    decode_fully_but(path, |_| false)
}

/// The byte that two hexadecimal digits stand for.
#[inline]
pub(super) fn octet(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
    (high < 16 && low < 16).then_some(high << 4 | low)
}

/// The values of the hexadecimal digits, and more than 15 for every other byte. Decoding looks every escape up twice.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        digits[digit as usize] = value;
        digits[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hexadecimal_digits_are_an_octet() {
        for (high, low) in (0..=u8::MAX).flat_map(|high| (0..=u8::MAX).map(move |low| (high, low))) {
            let digits = [high, low].map(|digit| char::from(digit).to_digit(16));
            let expected = digits[0].zip(digits[1]).map(|(high, low)| (high * 16 + low) as u8);
            assert_eq!(octet(high, low), expected, "{high} {low}");
        }
    }

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
            assert_eq!(&decode_once(text, |_| false)[..], once, "{text:?}");
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
            let (text, is_slash) = (text.as_bytes(), |byte| byte == b'/');
            assert_eq!(&decode_once(text, is_slash)[..], once, "{text:?}");
            assert_eq!(&decode_fully_but(text, is_slash)[..], fully, "{text:?}");
        }
    }
}
