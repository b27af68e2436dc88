//! The shape that every JSON text from outside must have before its members are read.

/// Returns bytes as the text of one JSON object that is not nested too deep. The grammar is left to the parser.
///
/// serde would also read a struct from an array. serde_json's own limit of depth does not count members that are skipped, and
/// the whole profile goes on to apps, whose parsers may have no limit.
pub(crate) fn object(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (is_object(text) && depth(text) <= MAX_DEPTH).then_some(text)
}

/// Whether a JSON text is an object, by its first character.
pub(crate) fn is_object(text: &str) -> bool {
    text.trim_start_matches(|c| u8::try_from(c).is_ok_and(is_white_space)).starts_with('{')
}

/// Blanks a comma that stands after the last member of an object or array.
///
/// The documentation's own sample profile has one, so a service that copies it serves invalid JSON.
pub(crate) fn without_trailing_commas(text: &str) -> String {
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
    repaired
}

/// Returns how many objects and arrays are open at once, at most.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Goes on behind the end of the string whose first quote was read.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

/// Returns the bytes outside of strings with their positions, and the quotes of the strings.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut in_string, mut escaped) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        let inside = in_string;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        !inside || !in_string
    })
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
        ] {
            assert_eq!(without_trailing_commas(text), repaired, "{text}");
        }
    }
}
