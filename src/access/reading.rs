//! How else an app could read a path than rules do.

use super::path::is_plain;
use crate::percent::{PathBytes, decode_fully, once::decode_once};

/// Whether any reading of a path that servers are known to make is one that `matches`.
///
/// A reading has no empty segments and no slash at its end; the root is empty. For a plain path there is but one,
/// which costs no allocation.
pub(super) fn any_reading(raw: &str, matches: impl Fn(&[u8]) -> bool) -> bool {
    if is_plain(raw) {
        return matches(raw.strip_suffix('/').unwrap_or(raw).as_bytes());
    }
    [Some(raw), after_authority(raw)].into_iter().flatten().any(|raw| {
        let decoded = decodings(raw);
        decoded.iter().any(|path| Reading::ALL.iter().any(|reading| matches(&reading.of(path))))
    })
}

/// `//host/path` is `/path` to an app that resolves its target as a URL.
fn after_authority(raw: &str) -> Option<&str> {
    let rest = raw.strip_prefix("//")?.trim_start_matches('/');
    Some(rest.find('/').map_or("/", |at| &rest[at..]))
}

/// A path without its escapes: decoded once; decoded until none is left, as chains of servers do; and then cut off where
/// a parser of targets ends it.
fn decodings(raw: &str) -> Vec<PathBytes> {
    let fully = decode_fully(raw);
    let end = fully.iter().position(|byte| matches!(byte, 0 | b'?' | b'#'));
    let cut = end.map(|end| PathBytes::from_slice(&fully[..end]));
    let once = Some(decode_once(raw)).filter(|once| *once != fully);
    [once, cut, Some(fully)].into_iter().flatten().collect()
}

struct Reading {
    parameters: Parameters,
    dots: Dots,
}

enum Parameters {
    Kept,
    /// As servlets do: `/a;b/c` is `/a/c`.
    Dropped,
}

enum Dots {
    /// As routers do that never resolve.
    Kept,
    /// As rules do: `/a//../b` is `/b`.
    ResolvedAfterFolding,
    /// As URL parsers do: `/a//../b` is `/a/b`.
    ResolvedBeforeFolding,
}

impl Reading {
    const ALL: [Self; 6] = [
        Self { parameters: Parameters::Kept, dots: Dots::Kept },
        Self { parameters: Parameters::Kept, dots: Dots::ResolvedAfterFolding },
        Self { parameters: Parameters::Kept, dots: Dots::ResolvedBeforeFolding },
        Self { parameters: Parameters::Dropped, dots: Dots::Kept },
        Self { parameters: Parameters::Dropped, dots: Dots::ResolvedAfterFolding },
        Self { parameters: Parameters::Dropped, dots: Dots::ResolvedBeforeFolding },
    ];

    fn of(&self, decoded: &[u8]) -> Vec<u8> {
        // Where each name starts, so that a dot segment can take it away again.
        let (mut path, mut starts) = (Vec::with_capacity(decoded.len()), Vec::new());
        for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')).skip(1) {
            let name = self.parameters.name(segment);
            match (&self.dots, name) {
                (Dots::ResolvedAfterFolding | Dots::ResolvedBeforeFolding, b".") => {}
                (Dots::ResolvedAfterFolding | Dots::ResolvedBeforeFolding, b"..") => {
                    path.truncate(starts.pop().unwrap_or(0));
                }
                (Dots::Kept | Dots::ResolvedAfterFolding, b"") => {}
                (Dots::ResolvedBeforeFolding, b"") => starts.push(path.len()),
                _ => {
                    starts.push(path.len());
                    path.push(b'/');
                    path.extend_from_slice(name);
                }
            }
        }
        path
    }
}

impl Parameters {
    fn name<'a>(&self, segment: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Kept => segment,
            Self::Dropped => segment.split(|byte| *byte == b';').next().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_reading_is_made() {
        for (raw, reading) in [
            ("/", ""),
            ("/admin/", "/admin"),
            ("/admin/../x", "/admin/../x"),
            ("/admin/../x", "/x"),
            ("/admin//../x", "/x"),
            ("/admin//../x", "/admin/x"),
            ("/public/;/../admin", "/admin"),
            ("/public/;/../admin", "/public/admin"),
            ("/admin;a=b/x", "/admin/x"),
            ("/admin%3Ba=b/x", "/admin/x"),
            ("/x/%252e%252e/admin", "/admin"),
            ("/public/%252e%252e%252fadmin", "/admin"),
            ("/admin%2523/x", "/admin"),
            ("/x%2523/%252e%252e/%252e%252e/admin", "/admin"),
            ("/a/../admin;%252f..%252f..", "/admin"),
            ("//host/admin", "/admin"),
            ("///host/admin", "/admin"),
            ("//host", ""),
            ("//host/admin", "/host/admin"),
            ("/%2541", "/%41"),
            ("/%2541", "/A"),
        ] {
            assert!(any_reading(raw, |read| read == reading.as_bytes()), "{raw} as {reading:?}");
        }
    }

    #[test]
    fn what_nobody_reads_is_not_made_up() {
        for (raw, reading) in [("/admin.", "/admin"), ("/a/admin", "/admin"), ("/a//admin", "/admin"), ("/a%20", "/a")]
        {
            assert!(!any_reading(raw, |read| read == reading.as_bytes()), "{raw} as {reading:?}");
        }
    }
}
