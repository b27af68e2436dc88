//! A prefilter: for nearly every path it finds out cheaply that no reading of the path begins with a reserved path.

use super::decode::{decode_fully, first_decoded, is_never_utf8};

/// Whether some reading of a path may begin with `reserved`, whatever its letter case. A "no" is never wrong.
///
/// A reading decodes escapes, takes `\` for `/`, leaves parts of the path out, and may add a slash at the start. It never changes
/// the order of bytes. A reserved path has no `%`, so no part of an escape is left in a reading that begins with it. So the path
/// with all of its escapes decoded has every byte of `reserved` behind its first slash, in this order.
///
/// Only loose readings (`%u002F`, and UTF-8 in more bytes than needed) make one byte of several that are not an escape. A path that
/// could have such a reading counts as one that may.
#[inline]
pub(super) fn may_begin_with(path: &str, reserved: &str) -> bool {
    let reserved = reserved.strip_prefix('/').unwrap_or(reserved);
    path.len() >= reserved.len() && may_hold_in_order(path.as_bytes(), reserved.as_bytes())
}

// Never inlined, so that callers inline only the comparison of lengths, which is enough for most paths.
#[inline(never)]
fn may_hold_in_order(path: &[u8], reserved: &[u8]) -> bool {
    let decoded_once = may_hold(path, reserved, first_without_mark);
    decoded_once.unwrap_or_else(|| may_hold(&decode_fully(path), reserved, first_as_it_is).unwrap_or(true))
}

/// The first byte of a text that is decoded once, unless it is a `%`, which may be a part of another escape.
fn first_without_mark(text: &[u8]) -> Option<(u8, &[u8])> {
    Some(first_decoded(text)).filter(|(byte, _)| *byte != b'%')
}

fn first_as_it_is(text: &[u8]) -> Option<(u8, &[u8])> {
    text.split_first().map(|(byte, rest)| (*byte, rest))
}

/// Whether a text may have all bytes of another one in their order; `None` if the text cannot be read byte by byte.
fn may_hold<'a>(text: &'a [u8], wanted: &[u8], first: impl Fn(&'a [u8]) -> Option<(u8, &'a [u8])>) -> Option<bool> {
    let (mut left, mut missing, mut before) = (text, wanted, b'/');
    while let [next, others @ ..] = missing {
        // Nothing makes two bytes of one.
        if left.len() < missing.len() {
            return Some(false);
        }
        let (byte, rest) = first(left)?;
        if is_never_utf8(before, byte) || (before == b'%' && matches!(byte, b'u' | b'U')) {
            return Some(true);
        }
        if FOLDED[usize::from(byte)] == FOLDED[usize::from(*next)] {
            missing = others;
        }
        (left, before) = (rest, byte);
    }
    Some(true)
}

/// The bytes as they are compared: in lower case, with `\` as a slash. Each byte of a path is looked up.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut byte = 0;
    while byte < folded.len() {
        folded[byte] = if byte as u8 == b'\\' { b'/' } else { (byte as u8).to_ascii_lowercase() };
        byte += 1;
    }
    folded
};

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::{
        super::{CallbackPath, PathMatch, any_reading},
        *,
    };

    const RESERVED: &str = "/Ab/.c-4/dE";

    /// Whether some reading begins with the reserved path, and whether one is the reserved path.
    fn readings_of(path: &str) -> (bool, bool) {
        let (mut begins, mut is_same) = (false, false);
        any_reading(path, |reading| {
            let start = reading.get(..RESERVED.len());
            let found = start.is_some_and(|start| start.eq_ignore_ascii_case(RESERVED.as_bytes()));
            begins |= found;
            is_same |= found && reading.len() == RESERVED.len();
            false
        });
        (begins, is_same)
    }

    /// A byte in one of the spellings that servers read as this byte.
    fn spelling(byte: u8) -> impl Strategy<Value = String> {
        let literal = char::from(byte).to_string();
        let escaped = move |mark: &str| format!("{mark}{byte:02x}");
        let (low, high) = (0x80 | byte & 0x3f, byte >> 6);
        let [first, second] =
            [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0') as u8);
        let mut spellings = vec![
            literal.to_ascii_lowercase(),
            literal.to_ascii_uppercase(),
            escaped("%"),
            escaped("%25"),
            escaped("%2525"),
            escaped("%2%35"),
            escaped("%%32%35"),
            escaped("%u00"),
            escaped("%25u00"),
            escaped("%c0%a5"),
            escaped("%c0%25a5"),
            format!("%uff{:02x}", byte.wrapping_sub(0x20)),
            format!("%{:02x}%{low:02X}", 0xc0 | high),
            format!("%e0%{:02x}%{low:02x}", 0x80 | high),
            format!("%25f0%80%{:02x}%25{low:02x}", 0x80 | high),
            format!("%%{first:02x}%{second:02x}"),
        ];
        if byte == b'/' {
            let more =
                ["\\", "//", "/./", ";a=b/", "/x/../", "%2f%2e%2f", "/x;/..;/", "%5c", "%255C", "/.%2f", "/%0a/../"];
            spellings.extend(more.map(str::to_owned));
        }
        // Most bytes are spelled as they are, so that each path has few of the other spellings.
        prop_oneof![12 => Just(literal), 1 => select(spellings)]
    }

    /// A path that servers read as the reserved one, or nearly so.
    fn near_path() -> impl Strategy<Value = String> {
        let around = select(vec![
            "", "", "", "%00", "%0d", "%09", "%", "%2", "%25", "%u", "%c0", "%e0%80", ";", ";x", "a", "\u{e9}",
        ]);
        let piece = |byte| (spelling(byte), prop_oneof![30 => Just(""), 1 => around.clone()]);
        let pieces: Vec<_> = RESERVED.bytes().map(piece).collect();
        let start = select(vec![
            "", "", "", "/", "//host", "/x/..", "/..", "http://host", "/\\host", "/a%2f..", "/.%2e", "/%2f/h",
        ]);
        let end = select(vec![
            "", "", "", "/", "%20", "%00.png", "%3Fx", "?x", "#x", "/..", ";x", "%2fx", "/x", "%0a", "%23/y", "%",
        ]);
        let left_out = prop_oneof![3 => Just(None), 1 => (0..RESERVED.len()).prop_map(Some)];
        (start, pieces, end, left_out).prop_map(|(start, mut pieces, end, left_out)| {
            if let Some(at) = left_out {
                pieces.remove(at);
            }
            let pieces: String = pieces.into_iter().map(|(byte, around)| byte + around).collect();
            format!("{start}{pieces}{end}")
        })
    }

    /// Any path of a few pieces that servers read in several ways.
    fn odd_path() -> impl Strategy<Value = String> {
        let pieces = [
            "/", "\\", "A", "b", ".", "c", "-", "4", "D", "e", "%", "%2", "%25", "%u", "00", "5", "2f", "2e", "%2f",
            "%2e", "%5c", "%41", "%c0", "%c1", "%e0", "%f0", "%80", "%81", "%a5", "%af", "%ae", "%00", "%0a", "%3b",
            ";", "?", "#", "..", "é", "://",
        ];
        vec(select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn no_path_that_some_server_reads_as_reserved_is_passed_over(path in prop_oneof![3 => near_path(), 1 => odd_path()]) {
            let (begins, is_same) = readings_of(&path);
            prop_assert!(may_begin_with(&path, RESERVED) || !begins, "{:?}", path);
            let compared = RESERVED.parse::<CallbackPath>().unwrap().compare(&path);
            prop_assert!(compared != PathMatch::None || !is_same, "{:?}", path);
        }

        #[test]
        fn what_is_read_from_a_short_reserved_path_is_never_passed_over(
            path in vec(select("/\\a.%25u06;".chars().collect::<Vec<_>>()), 0..12),
        ) {
            let (path, reserved) = (String::from_iter(path), "/a/a");
            let is_read = any_reading(&path, |reading| reading.starts_with(reserved.as_bytes()));
            prop_assert!(may_begin_with(&path, reserved) || !is_read, "{:?}", path);
        }
    }

    #[test]
    fn ordinary_paths_are_passed_over() {
        for path in [
            "/", "", "*", "/caf%C3%A9/r%C3%A9sum%C3%A9%20.pdf", "/%E0%A4%B9%E0%A4%BF/%E0%A4%A8%E0%A5%8D",
            "/a%20b%2Fc;d/../e", "/100%25.pdf", "/%2561%2562/%2563", "/a//b/./c-4/d", "/%/%zz",
        ] {
            assert!(!may_begin_with(path, RESERVED), "{path}");
        }
    }
}
