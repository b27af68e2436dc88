//! The reading of `Cookie` and `Set-Cookie` lines, byte for byte.

use http::{HeaderMap, HeaderValue, header};
use memchr::memchr;

/// The `Cookie` lines of a request as they came.
#[derive(Clone, Copy)]
pub(crate) struct CookieLines<'a> {
    headers: &'a HeaderMap,
    /// All lines, if an edge has taken some out of the headers; otherwise none.
    withheld: &'a [HeaderValue],
}

impl<'a> CookieLines<'a> {
    pub(crate) fn new(headers: &'a HeaderMap, withheld: &'a [HeaderValue]) -> Self {
        Self { headers, withheld }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.get_all(header::COOKIE).iter().filter(move |_| self.withheld.is_empty());
        headers.chain(self.withheld).map(HeaderValue::as_bytes)
    }
}

impl<'a> From<&'a HeaderMap> for CookieLines<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::new(headers, &[])
    }
}

redacted!(CookieLines<'_>);

/// The pairs of a name in any `Cookie` line.
pub(crate) fn named<'a>(lines: impl Into<CookieLines<'a>>, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    named_by(lines.into(), move |key| key == name)
}

/// The pairs in any `Cookie` line whose names are meant.
pub(crate) fn named_by<'a>(lines: CookieLines<'a>, is_meant: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = &'a [u8]> {
    lines.iter().flat_map(pairs).filter(move |pair| is_meant(key(pair)))
}

/// Returns a `Cookie` line without some of its pairs, and the others byte for byte. It is none if the line had none of them.
///
/// A cookie library would parse the pairs and write them anew: pairs that it cannot parse would be lost, and the others could
/// change. What the app gets must be what the browser sent, less truegate's own.
pub(crate) fn without(line: &[u8], is_dropped: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut rest: Option<Vec<u8>> = None;
    let mut start = 0;
    for pair in pairs(line) {
        match (is_dropped(pair), &mut rest) {
            // What came before it stays, with the semicolons in between.
            (true, None) => rest = Some(line[..start].to_vec()),
            (false, Some(rest)) => {
                rest.extend(pair);
                rest.push(b';');
            }
            (true, Some(_)) | (false, None) => {}
        }
        start += pair.len() + 1;
    }
    let mut rest = rest?;
    rest.truncate(rest.strip_suffix(b";").unwrap_or(&rest).trim_ascii_end().len());
    rest.drain(..rest.len() - rest.trim_ascii_start().len());
    Some(rest)
}

/// The pair of a `Set-Cookie` line: its name and its value.
pub(crate) fn set_pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = pairs(line).next()?;
    Some((key(pair), value(pair)?))
}

/// The pairs of a line. A sealed text is hundreds of bytes long, so they are not looked at one by one.
pub(super) fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (pair, others) = match memchr(b';', line) {
            Some(end) => (&line[..end], Some(&line[end + 1..])),
            None => (line, None),
        };
        rest = others;
        Some(pair)
    })
}

/// The name in a pair.
pub(crate) fn key(pair: &[u8]) -> &[u8] {
    pair[..memchr(b'=', pair).unwrap_or(pair.len())].trim_ascii()
}

/// The value in a pair of this name. Most pairs have another, and are told apart by their first letters.
pub(super) fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii_start().strip_prefix(name)?;
    Some(rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii())
}

/// The value in a pair; none where no `=` is.
pub(crate) fn value(pair: &[u8]) -> Option<&[u8]> {
    let at = memchr(b'=', pair)?;
    Some(pair[at + 1..].trim_ascii())
}
