//! The names that an app could read in a pair of a `Cookie` line, if it reads names more loosely than browsers write them.
//!
//! Some apps split a line at white space or `,` too, leave out what is not ASCII or trim it, decode `%`, ignore letter case,
//! or read `.`, `[` and a space as `_`. truegate cannot know the app's readings, so it looks for all of them. It does so byte by
//! byte: most requests have none of these names, and the search allocates nothing.

use memchr::{memchr, memrchr};
use percent_encoding::percent_decode;

/// Whether it is worth looking for names that contain a text: a quick answer for most pairs, which is never a wrong "no".
///
/// Apart from `%` and what is not ASCII, no byte of a name is read as nothing or as several, so the text is there as it is.
pub(super) fn could_be_read_in(pair: &[u8], core: &[u8]) -> bool {
    let names = &pair[..memrchr(b'=', pair).unwrap_or(pair.len())];
    let is_here = |window: &[u8]| window.iter().zip(core).all(|(byte, known)| fold(*byte) == fold(*known));
    names.windows(core.len()).any(is_here) || memchr(b'%', names).is_some() || !names.is_ascii()
}

/// Whether some app could read a name in a pair, or a name that begins so.
pub(super) fn is_read_in(pair: &[u8], known: &str, is_beginning: bool) -> bool {
    let parts = pair.split(|byte| *byte == b'=');
    // A name is what comes before a `=`; without one, the pair is a name.
    let names = parts.clone().skip(1).count().max(1);
    let mut is_start = true;
    parts.take(names).any(|part| {
        let found = starts(part, is_start).any(|name| is_read_as(name, known, is_beginning));
        is_start &= part.iter().copied().all(is_blank);
        found
    })
}

/// Returns the positions before a `=` at which a name could start: after any byte that could be left out or could separate.
fn starts(part: &[u8], is_start: bool) -> impl Iterator<Item = &[u8]> {
    let separates = |at: usize| part.get(at).copied().is_some_and(is_separator);
    let starts = move |at: &usize| !separates(*at) && at.checked_sub(1).map_or(is_start, separates);
    (0..part.len()).filter(starts).map(|at| &part[at..])
}

fn is_read_as(name: &[u8], known: &str, is_beginning: bool) -> bool {
    let mut read = percent_decode(without_blanks(name)).filter(u8::is_ascii);
    let is_begun = known.bytes().all(|byte| read.next().is_some_and(|other| fold(other) == fold(byte)));
    // PHP ends a name at NUL, and takes `a[b]` for an element of `a`.
    let ends = |byte: u8| byte == b'[' || byte == 0;
    is_begun && (is_beginning || read.next().is_none_or(|byte| ends(byte) || is_blank(byte) && read.all(is_blank)))
}

/// A name without what is left out in front of it.
fn without_blanks(mut name: &[u8]) -> &[u8] {
    loop {
        name = match name {
            [b'"' | b'+', rest @ ..] => rest,
            [b'%', _, _, rest @ ..] if percent_decode(&name[..3]).all(is_blank) => rest,
            _ => return name,
        }
    }
}

fn fold(byte: u8) -> u8 {
    FOLDED[usize::from(byte)]
}

fn is_separator(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_control() || b" ,".contains(&byte)
}

/// Whether a byte at either end of a name could be left out.
fn is_blank(byte: u8) -> bool {
    is_separator(byte) || byte == b'"'
}

/// What each byte is compared as, by its value. A table is quicker than five comparisons.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut byte = 0;
    while byte < folded.len() {
        let is_underscore = matches!(byte as u8, b'.' | b'[' | b' ' | b'+');
        folded[byte] = if is_underscore { b'_' } else { (byte as u8).to_ascii_lowercase() };
        byte += 1;
    }
    folded
};
