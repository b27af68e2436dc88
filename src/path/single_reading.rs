//! The paths that every server reads in one way, as nearly all paths of apps are.

use super::decode::{PathBytes, first_decoded, is_never_utf8};

/// Returns the only [reading](super::any_reading) of a path that all servers read alike, but for letter case. Where escapes have to
/// be decoded, it is written into the buffer.
///
/// Such a path has no parameters, dot segments or empty segments, and no byte that means something else to some server. Its escapes
/// are those of other characters, such as letters and spaces.
pub(crate) fn single_reading<'a>(path: &'a str, buffer: &'a mut PathBytes) -> Option<&'a [u8]> {
    let reading = if is_plain(path) { path.as_bytes() } else { decode(path.as_bytes(), buffer)? };
    Some(reading.strip_suffix(b"/").unwrap_or(reading))
}

/// Whether every server reads a path as it is spelled, but for letter case and a slash at its end.
pub(super) fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    // Every request pays for this, some several times: a look at a table costs half of what comparisons cost.
    let is_odd = |(at, byte): (usize, &u8)| match BYTES[usize::from(*byte)] {
        ByteKind::Usual => false,
        ByteKind::Slash => matches!(bytes.get(at + 1), Some(b'/' | b'.')),
        ByteKind::Space | ByteKind::High | ByteKind::Odd => true,
    };
    bytes.starts_with(b"/") && !bytes.iter().enumerate().any(is_odd)
}

/// Decodes the escapes of a path, unless servers read the path in different ways.
fn decode<'a>(path: &[u8], decoded: &'a mut PathBytes) -> Option<&'a [u8]> {
    let (mut left, mut before) = (path.strip_prefix(b"/")?, b'/');
    decoded.push(b'/');
    while !left.is_empty() {
        let (byte, rest) = first_decoded(left);
        let is_escaped = rest.len() + 1 < left.len();
        let is_alike = match BYTES[usize::from(byte)] {
            ByteKind::Usual => (before, byte) != (b'/', b'.'),
            ByteKind::Slash => !is_escaped && before != b'/',
            ByteKind::Space => is_escaped && !rest.is_empty(),
            ByteKind::High => !is_never_utf8(before, byte),
            ByteKind::Odd => false,
        };
        if !is_alike {
            return None;
        }
        decoded.push(byte);
        (left, before) = (rest, byte);
    }
    Some(decoded)
}

/// What a byte means for the readings of a path.
#[derive(Clone, Copy)]
enum ByteKind {
    Usual,
    /// A dot or another slash may not follow.
    Slash,
    /// Servers trim it at the end of a path. Only escapes stand for it.
    Space,
    /// Is not ASCII. It stands for itself unless UTF-8 never has it there.
    High,
    /// Servers read it in different ways.
    Odd,
}

const BYTES: [ByteKind; 256] = {
    let mut kinds = [ByteKind::Odd; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'/' => ByteKind::Slash,
            b' ' => ByteKind::Space,
            b'%' | b';' | b'\\' | b'?' | b'#' => ByteKind::Odd,
            b'!'..=b'~' => ByteKind::Usual,
            0x80.. => ByteKind::High,
            _ => ByteKind::Odd,
        };
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_read_as_it_is_spelled() {
        for (path, plain) in [
            ("/", true),
            ("/a.b/c", true),
            ("/a/", true),
            ("//", false),
            ("/a/.", false),
            ("/a%20", false),
            ("/\u{e9}", false),
            ("a", false),
        ] {
            assert_eq!(is_plain(path), plain, "{path}");
            let mut buffer = PathBytes::new();
            let only = path.strip_suffix('/').unwrap_or(path).as_bytes();
            assert!(!plain || single_reading(path, &mut buffer) == Some(only), "{path}");
        }
    }

    #[test]
    fn escapes_of_usual_characters_are_read_in_one_way() {
        for (path, reading) in [
            ("/caf%C3%A9/r%c3%a9sum%C3%A9%20.pdf", Some("/café/résumé .pdf")),
            ("/\u{e9}%41/%7e%26/", Some("/éA/~&")),
            ("/a%20/", Some("/a ")),
            ("/a.%2e", Some("/a..")),
            ("/a%20", None),
            ("/a b", None),
            ("/a%2Fb", None),
            ("/%2e", None),
            ("/%2541", None),
            ("/100%", None),
            ("/a%3bb", None),
            ("/a%0a", None),
            ("/a%7F", None),
            ("/a%c0%af", None),
            ("/a%E0%80%AE", None),
            ("/a%F0%80%80%AF", None),
            ("/a//%41", None),
            ("/.well-known/%41", None),
            ("%41", None),
            ("", None),
        ] {
            let mut buffer = PathBytes::new();
            assert_eq!(single_reading(path, &mut buffer), reading.map(str::as_bytes), "{path}");
        }
    }
}
