//! How servers are known to read a path, whatever its spelling.
//!
//! truegate forwards a path byte for byte, and each app may read it in its own way. These are the readings that servers are known
//! to make, each combined with the others:
//!
//! - escapes are decoded once, or until none is left, as servers in a row do; those of `/` and `\` are decoded or left alone;
//!   broken escapes are left alone; `%u002F` and UTF-8 in more bytes than needed are decoded, as IIS and others did;
//! - the path ends at `?`, `#`, NUL or a line break; control characters and spaces at the end are left out;
//! - `\` is a slash or a character;
//! - `;parameters` are kept, dropped as servlets do, or dropped where that makes a dot segment (`..;`, `;..`);
//! - dot segments are left alone as some routers do, resolved as written (`/a//../b` is `/a/b`) or once slashes are folded
//!   (`/b`), before escapes are decoded or afterwards;
//! - `//host/path` and `http://host/path` are `/path`, as for an app that resolves its target as a URL.

use std::iter;

use super::{
    decode::{PathBytes, decode_fully, decode_fully_but, decode_once},
    single_reading,
};

/// Whether any known reading of a path is one that `matches`.
///
/// A reading has no empty segments and no slash at its end; the root is empty. Letter case is as it came. A path of up to 2 KiB
/// costs no allocation. A path that has more and longer readings than the paths of any app counts as one that matches.
pub(crate) fn any_reading(path: &str, mut matches: impl FnMut(&[u8]) -> bool) -> bool {
    match single_reading(path, &mut PathBytes::new()) {
        Some(reading) => matches(reading),
        None => every_reading(path, matches),
    }
}

/// Makes the readings of a path, also of one that has a single reading.
fn every_reading(path: &str, matches: impl FnMut(&[u8]) -> bool) -> bool {
    Readings { matches, left: WORK }.of(path.as_bytes())
}

struct Readings<M> {
    matches: M,
    /// How many more bytes of readings are looked at.
    left: usize,
}

impl<M: FnMut(&[u8]) -> bool> Readings<M> {
    fn of(&mut self, path: &[u8]) -> bool {
        if matches!(path.first(), None | Some(b'/' | b'\\')) {
            return self.of_rooted(path);
        }
        let mut rooted = PathBytes::from_slice(b"/");
        rooted.extend_from_slice(path);
        // Without a slash it is none to many; `*` is the server as a whole.
        if path != b"*" && (self.matches)(path) {
            return true;
        }
        let authority = path.windows(3).position(|bytes| bytes == b"://");
        self.of_rooted(&rooted) || authority.is_some_and(|at| self.of_rooted(&path[at + 1..]))
    }

    /// Servers resolve dot segments before they decode, after they decoded once, or later.
    fn of_rooted(&mut self, path: &[u8]) -> bool {
        let once = decode_once(path, |_| false);
        self.of_spelled(path) || self.of_resolved(path) || (*once != *path && self.of_resolved(&once))
    }

    fn of_resolved(&mut self, path: &[u8]) -> bool {
        let has_more = path.iter().any(|byte| matches!(byte, b'%' | b';' | b'\\')) && has_dots(path);
        has_more && DOTS[1..].iter().any(|dots| self.of_spelled(&read(path, b'/', NAMES[0], *dots)))
    }

    /// All ways to decode.
    fn of_spelled(&mut self, path: &[u8]) -> bool {
        let (once, fully) = (decode_once(path, |_| false), decode_fully(path));
        if self.of_either(&once, &fully) {
            return true;
        }
        let is_separator = |byte: u8| matches!(byte, b'/' | b'\\');
        let separators = |path: &[u8]| path.iter().filter(|byte| is_separator(**byte)).count();
        let hides_separators = separators(&fully) != separators(path);
        (hides_separators && self.of_either(&decode_once(path, is_separator), &decode_fully_but(path, is_separator)))
            || loosened(&fully).is_some_and(|loosened| self.of_decoded(&loosened))
    }

    fn of_either(&mut self, once: &[u8], fully: &[u8]) -> bool {
        self.of_decoded(once) || (fully != once && self.of_decoded(fully))
    }

    /// All ways to end a path before its end.
    fn of_decoded(&mut self, path: &[u8]) -> bool {
        let ends = ENDS.iter().filter_map(|end| path.iter().position(|byte| byte == end));
        iter::once(path.len()).chain(ends).any(|end| self.of_ended(&path[..end]))
    }

    /// With control characters and with spaces at the end, or without them, as URL parsers read it.
    fn of_ended(&mut self, path: &[u8]) -> bool {
        let has_more = path.ends_with(b" ") || path.iter().any(u8::is_ascii_control);
        self.of_whole(path)
            || has_more && {
                let seen: PathBytes = path.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
                self.of_whole(seen.trim_ascii_end())
            }
    }

    fn of_whole(&mut self, path: &[u8]) -> bool {
        self.of_segments(path) || after_authority(path).is_some_and(|path| self.of_segments(path))
    }

    /// All ways to take segments apart.
    fn of_segments(&mut self, path: &[u8]) -> bool {
        let slashes = if path.contains(&b'\\') { &SLASHES[..] } else { &SLASHES[1..] };
        let names = if path.contains(&b';') { &NAMES[..] } else { &NAMES[..1] };
        let dots = if has_dots(path) { &DOTS[..] } else { &DOTS[..1] };
        for slash in slashes {
            for name in names {
                for dots in dots {
                    let Some(left) = self.left.checked_sub(path.len() + OVERHEAD) else { return true };
                    self.left = left;
                    if (self.matches)(&read(path, *slash, *name, *dots)) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// `//host/path` is `/path` to an app that resolves its target as a URL.
fn after_authority(path: &[u8]) -> Option<&[u8]> {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let host = path.iter().position(|byte| !is_slash(byte)).unwrap_or(path.len());
    let rest = &path[host..];
    (host > 1).then(|| rest.iter().position(is_slash).map_or(&b"/"[..], |at| &rest[at..]))
}

/// Whether there could be a dot segment or an empty one.
fn has_dots(path: &[u8]) -> bool {
    path.windows(2).any(|pair| matches!(pair, [b'/' | b'\\' | b';', b'.' | b'/' | b'\\' | b';']))
}

/// Decodes `%u002F`, and ASCII in more bytes of UTF-8 than it needs, as IIS and others did; `None` if the path has neither.
fn loosened(decoded: &[u8]) -> Option<PathBytes> {
    let (mut path, mut rest) = (PathBytes::new(), decoded);
    while let [first, after @ ..] = rest {
        let (byte, length) = loose(rest).unwrap_or((*first, rest.len() - after.len()));
        path.push(byte);
        rest = &rest[length..];
    }
    (*path != *decoded).then(|| decode_fully(&path))
}

fn loose(bytes: &[u8]) -> Option<(u8, usize)> {
    let ascii = |value: u32| u8::try_from(value).ok().filter(u8::is_ascii);
    let low = |byte: &u8| u32::from(byte & 0x3f);
    match bytes {
        [b'%', b'u' | b'U', digits @ ..] if digits.len() >= 4 => {
            let value = u32::from_str_radix(std::str::from_utf8(&digits[..4]).ok()?, 16).ok()?;
            let narrow = if (0xff01..0xff5f).contains(&value) { value - 0xfee0 } else { value };
            Some((ascii(narrow)?, 6))
        }
        [first @ (0xc0 | 0xc1), second, ..] => Some((ascii(u32::from(first & 1) << 6 | low(second))?, 2)),
        [0xe0, second @ 0x80..=0x9f, third, ..] => Some((ascii(low(second) << 6 | low(third))?, 3)),
        [0xf0, second @ 0x80..=0x8f, third, fourth, ..] => {
            Some((ascii(low(second) << 12 | low(third) << 6 | low(fourth))?, 4))
        }
        _ => None,
    }
}

/// One reading of a path, whose escapes are decoded.
fn read(decoded: &[u8], slash: u8, name: fn(&[u8]) -> &[u8], dots: Dots) -> PathBytes {
    let mut path = PathBytes::new();
    for segment in decoded.split(|byte| [b'/', slash].contains(byte)).skip(1) {
        match name(segment) {
            b"." if dots != Dots::Kept => {}
            b".." if dots != Dots::Kept => path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            b"" if dots != Dots::ResolvedBeforeFolding => {}
            name => {
                path.push(b'/');
                path.extend_from_slice(name);
            }
        }
    }
    if dots == Dots::ResolvedBeforeFolding {
        path.dedup_by(|one, next| *one == b'/' && *next == b'/');
        path.truncate(path.len() - usize::from(path.ends_with(b"/")));
    }
    path
}

#[derive(Clone, Copy, PartialEq)]
enum Dots {
    /// As routers do that never resolve.
    Kept,
    /// As rules do: `/a//../b` is `/b`.
    ResolvedAfterFolding,
    /// As URL parsers do: `/a//../b` is `/a/b`.
    ResolvedBeforeFolding,
}

const DOTS: [Dots; 3] = [Dots::Kept, Dots::ResolvedAfterFolding, Dots::ResolvedBeforeFolding];

/// The characters that servers read as a slash, besides the slash itself.
const SLASHES: [u8; 2] = [b'\\', b'/'];

/// The name that a server takes from a segment.
type NameOf = fn(&[u8]) -> &[u8];

/// The ways in which servers read the name in a segment.
const NAMES: [NameOf; 3] = [
    // All of it.
    |segment| segment,
    // The part before its parameters, as servlets do: `/a;b/c` is `/a/c`.
    |segment| segment.split(|byte| *byte == b';').next().unwrap_or_default(),
    // A dot segment, on whichever side of a `;` it stands, and else all of it.
    |segment| segment.split(|byte| *byte == b';').find(|part| matches!(*part, b"." | b"..")).unwrap_or(segment),
];

/// The characters at which some server ends a path.
const ENDS: [u8; 5] = [0, b'?', b'#', b'\n', b'\r'];

/// How many bytes of readings are looked at: about a millisecond's work.
const WORK: usize = 128 * 1024;
/// The cost of a reading besides its bytes.
const OVERHEAD: usize = 16;

#[cfg(test)]
mod tests;
