//! Percent-escapes, decoded as servers do and as sloppy ones do.

pub(crate) mod once;

use smallvec::SmallVec;

/// A path without its query; up to 2 KiB of it cost no allocation.
pub(crate) type PathBytes = SmallVec<[u8; 2048]>;

/// Decodes percent-escapes until none is left: an escape that decoding completes is decoded too.
pub(crate) fn decode_fully(text: &(impl AsRef<[u8]> + ?Sized)) -> PathBytes {
    decode_fully_but(text, |_| false)
}

/// The same, but the escapes of some bytes are left alone.
pub(crate) fn decode_fully_but(text: &(impl AsRef<[u8]> + ?Sized), is_kept: impl Fn(u8) -> bool) -> PathBytes {
    let mut decoded = PathBytes::new();
    for byte in text.as_ref() {
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

/// The byte that two hexadecimal digits stand for.
fn octet(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
    Some(u8::try_from(high * 16 + low).expect("two hexadecimal digits make a byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_fully_leaves_no_escape() {
        for (text, decoded) in [
            ("/a%20b", &b"/a b"[..]),
            ("%252e", b"."),
            ("%25%32%65", b"."),
            ("%2525252e", b"."),
            ("%zz%", b"%zz%"),
            ("%C3%a9", "é".as_bytes()),
        ] {
            assert_eq!(&decode_fully(text)[..], decoded, "{text}");
        }
    }
}
