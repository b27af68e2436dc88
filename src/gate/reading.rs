//! How a path could be read: the loosest way that any server is known to read one.

use crate::percent::{PathBytes, decode_fully};

/// The loosest reading of a path that any server is known to make, as one spelling.
///
/// Percent-escapes are decoded until none is left, `\` is `/`, what follows NUL, `?`, `#` and, within a segment,
/// `;` is dropped, dot segments are resolved, empty segments vanish, and letter case does not count.
pub(super) fn fold(path: &str) -> PathBytes {
    let decoded = decode_fully(path);
    let end = decoded.iter().position(|byte| matches!(byte, 0 | b'?' | b'#')).unwrap_or(decoded.len());
    let mut folded = PathBytes::new();
    for segment in decoded[..end].split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        match name {
            b"" | b"." => {}
            b".." => folded.truncate(folded.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            _ => {
                folded.push(b'/');
                folded.extend(name.iter().map(u8::to_ascii_lowercase));
            }
        }
    }
    folded
}

/// Whether folding could change no more of a path than its letter case and a slash at its end.
pub(super) fn is_plain(path: &str) -> bool {
    let mut before = b'/';
    let plain = |byte: u8| {
        let splits = before == b'/' && matches!(byte, b'/' | b'.');
        before = byte;
        !splits && !matches!(byte, b'%' | b';' | b'\\' | b'?' | b'#' | 0)
    };
    path.strip_prefix('/').is_some_and(|relative| relative.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_needs_no_folding() {
        for (path, plain) in [
            ("/", true),
            ("/a.b/c", true),
            ("/a/", true),
            ("//", false),
            ("/a/.", false),
            ("/a%20", false),
            ("a", false),
        ] {
            assert_eq!(is_plain(path), plain, "{path}");
            if plain {
                let folded = fold(path);
                assert_eq!(
                    path.strip_suffix('/').unwrap_or(path).to_ascii_lowercase().as_bytes(),
                    &folded[..],
                    "{path}"
                );
            }
        }
    }
}
