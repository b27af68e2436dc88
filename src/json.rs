//! The shape that every JSON text from outside must have before its members are read.

use std::{borrow::Cow, iter::from_fn};

use memchr::{memchr2, memchr2_iter};

/// Returns bytes as the text of one JSON object that is not nested too deep. The grammar is left to the parser.
///
/// serde would also read a struct from an array. serde_json's own limit of depth does not count members that are skipped, and
/// the whole profile goes on to apps, whose parsers may have no limit.
pub(crate) fn object(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (is_object(text) && is_shallow(text)).then_some(text)
}

/// Whether a JSON text is an object, by its first character.
fn is_object(text: &str) -> bool {
    text.trim_start_matches(|c| u8::try_from(c).is_ok_and(is_white_space)).starts_with('{')
}

/// Blanks a comma that stands after the last member of an object or array. It changes nothing else, so valid JSON stays as it is.
///
/// The documentation's own sample profile has one, so a service that copies it serves invalid JSON.
pub(crate) fn without_trailing_commas(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    // Most texts have no comma before a closing bracket, not even inside a string. Only the others are read byte by byte.
    if !memchr2_iter(b'}', b']', bytes).any(|end| bytes[..end].trim_ascii_end().ends_with(b",")) {
        return text.into();
    }
    let mut repaired = text.to_owned();
    let (mut before, mut comma) = (None, None);
    for (at, byte) in outside_strings(text).filter(|(_, byte)| !is_white_space(*byte)) {
        match byte {
            b',' => comma = ends_a_value(before).then_some(at),
            b'}' | b']' => {
                if let Some(at) = comma.take() {
                    repaired.replace_range(at..=at, " ");
                }
            }
            _ => comma = None,
        }
        before = Some(byte);
    }
    repaired.into()
}

/// Whether no more objects and arrays are open at once than [`MAX_DEPTH`].
fn is_shallow(text: &str) -> bool {
    // Most texts do not have so many brackets in all, with those in strings.
    memchr2_iter(b'{', b'[', text.as_bytes()).nth(MAX_DEPTH).is_none() || depth(text) <= MAX_DEPTH
}

/// Returns how many objects and arrays are open at once, at most.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for (_, byte) in outside_strings(text) {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Returns the bytes outside of strings with their positions, and the first quote of each string.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (bytes, mut next) = (text.as_bytes(), 0);
    from_fn(move || {
        let (at, byte) = (next, *bytes.get(next)?);
        next = if byte == b'"' { behind_string(bytes, at + 1) } else { at + 1 };
        Some((at, byte))
    })
}

/// Returns the position behind the string whose first character is at `at`.
fn behind_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        // What is behind a backslash does not end the string.
        at += 2;
    }
    bytes.len()
}

fn ends_a_value(byte: Option<u8>) -> bool {
    !matches!(byte, None | Some(b'{' | b'[' | b',' | b':'))
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Far more than a callback or a profile needs, and far less than overflows a stack.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_of_modest_depth_is_read() {
        let nested = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for (text, accepted) in [
            ("{}".to_owned(), true),
            (" \n{\"a\":\"[[[\\\"[[[\"}".to_owned(), true),
            (nested(MAX_DEPTH), true),
            (nested(MAX_DEPTH + 1), false),
            (format!("{{\"a\":\"{}\"}}", "[{".repeat(MAX_DEPTH)), true),
            (format!("{{\"a\":[{}1]}}", "[],".repeat(MAX_DEPTH)), true),
            (format!("{{\"a\":\"\\\\\",\"b\":{}}}", nested(MAX_DEPTH)), false),
            (format!("{{\"a\":\"\\\"\",\"b\":{}}}", nested(MAX_DEPTH)), false),
            ("[]".to_owned(), false),
            ("null".to_owned(), false),
            ("\u{feff}{}".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(object(text.as_bytes()).is_some(), accepted, "{text}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn a_trailing_comma_is_blanked_and_nothing_else() {
        for (text, repaired) in [
            (r#"{"a":1,}"#, r#"{"a":1 }"#),
            ("[1 , \n]", "[1   \n]"),
            (r#"{"a":{"b":"c",},}"#, r#"{"a":{"b":"c" } }"#),
            (r#"{"a":",}","b":"\",}"}"#, r#"{"a":",}","b":"\",}"}"#),
            (r#"{"a":"é,"  ,}"#, r#"{"a":"é,"   }"#),
            ("[,]", "[,]"),
            ("[1,,]", "[1,,]"),
            (r#"{"a":,}"#, r#"{"a":,}"#),
            (r#"{"a":"\\",}"#, r#"{"a":"\\" }"#),
            (r#"{"a":"\""#, r#"{"a":"\""#),
            (r#"{"a":[1,],"b":"\"#, r#"{"a":[1 ],"b":"\"#),
        ] {
            assert_eq!(without_trailing_commas(text), repaired, "{text}");
        }
    }
}
