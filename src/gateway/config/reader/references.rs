//! References in a value: `${NAME}` is a variable of the environment, `${file:PATH}` the content of a file, and `$${` a plain
//! `${`.
//!
//! In a value that is written as a URL, the value of a reference is percent-encoded, so a password may hold any character.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::tree::Context;

/// Replaces every reference with its value. References in that value are not replaced.
///
/// # Errors
///
/// One message for each reference that cannot be replaced. None repeats more of the text than the name or the
/// path of a reference.
pub(super) fn expand(text: &str, context: &Context<'_>) -> Result<Zeroizing<String>, Vec<String>> {
    let mut expanded = Zeroizing::new(String::with_capacity(text.len()));
    let mut mistakes = Vec::new();
    let (mut parts, mut written) = (Parts(text), String::new());
    while let Some(part) = parts.next() {
        let given = match part {
            Part::Text(text) => {
                written.push_str(text);
                Ok(Zeroizing::new(text.to_owned()))
            }
            Part::Reference(inner) => follow(inner, context).map(|given| match reserved(&written, &parts) {
                Some(reserved) => Zeroizing::new(utf8_percent_encode(&given, reserved).to_string()),
                None => given,
            }),
            Part::Unterminated => Err(format!("a reference is not closed (write `}}` at its end, or {ESCAPE})")),
        };
        match given {
            Ok(given) => expanded.push_str(&given),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(expanded) } else { Err(mistakes) }
}

/// The characters to escape in the value of a reference, if it stands in a URL. The text before and after it decides.
fn reserved(before: &str, after: &Parts<'_>) -> Option<&'static AsciiSet> {
    let (_, before) = before.split_once("://")?;
    let ends_authority = |text: &str| text.find(['/', '?', '#', '@']).map(|at| text.as_bytes()[at]);
    let mut written = Parts(after.0).filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    let is_login = ends_authority(before).is_none() && written.find_map(ends_authority) == Some(b'@');
    Some(if is_login || before.contains('?') { TEXT } else { ELSEWHERE })
}

/// For a user name, a password or a parameter: all but the characters that RFC 3986 calls unreserved.
const TEXT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// For the rest of a URL, where a host may come with its port, in brackets or not.
const ELSEWHERE: &AsciiSet = &with(CONTROLS, b" \"#%/<>?@\\^`{|}");

const fn with(set: &AsciiSet, bytes: &[u8]) -> AsciiSet {
    let [first, rest @ ..] = bytes else { return set.union(AsciiSet::EMPTY) };
    with(&set.add(*first), rest)
}

enum Part<'a> {
    Text(&'a str),
    Reference(&'a str),
    Unterminated,
}

struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.0.is_empty() {
            return None;
        }
        if let Some(rest) = self.0.strip_prefix("$${") {
            self.0 = rest;
            return Some(Part::Text("${"));
        }
        if let Some(rest) = self.0.strip_prefix("${") {
            let (part, rest) =
                rest.split_once('}').map_or((Part::Unterminated, ""), |(inner, rest)| (Part::Reference(inner), rest));
            self.0 = rest;
            return Some(part);
        }
        let end = self.0.find("$${").into_iter().chain(self.0.find("${")).min().unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(Part::Text(text))
    }
}

fn follow(inner: &str, context: &Context<'_>) -> Result<Zeroizing<String>, String> {
    let given = match inner.strip_prefix("file:") {
        Some(path) => file(path, context)?,
        None => variable(inner, context)?,
    };
    if given.is_empty() {
        return Err(format!("`${{{}}}` is empty (give it a value, or remove the reference)", inner.escape_debug()));
    }
    Ok(given)
}

fn variable(name: &str, context: &Context<'_>) -> Result<Zeroizing<String>, String> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if !is_name {
        return Err(format!("a reference is neither `${{NAME}}` nor `${{file:PATH}}` (correct it, or {ESCAPE})"));
    }
    let value = (context.environment)(name).ok_or_else(|| {
        format!("`${{{name}}}` is not set in the environment, or is not UTF-8 (set {name}, or {ESCAPE})")
    })?;
    Ok(Zeroizing::new(value))
}

fn file(path: &str, context: &Context<'_>) -> Result<Zeroizing<String>, String> {
    if path.is_empty() {
        return Err("`${file:}` has no path (write one, relative to the configuration file)".to_owned());
    }
    let shown = path.escape_debug();
    let bytes = context
        .read(path)
        .map_err(|error| format!("`${{file:{shown}}}` {error} (paths are relative to the configuration file)"))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| format!("`${{file:{shown}}}` is not UTF-8 text (use a text file)"))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}

const ESCAPE: &str = "write `$${` for a plain `${`";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn with<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
        let environment = |name: &str| match name {
            "A" => Some("alpha".to_owned()),
            "_B2" => Some("${A}".to_owned()),
            "EMPTY" => Some(String::new()),
            "HARD" => Some("a/#?%@: é".to_owned()),
            "HOST" => Some("[::1]:6379".to_owned()),
            "URL" => Some("redis://:p%2F@host".to_owned()),
            _ => None,
        };
        run(&Context::new(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config.yaml")), &environment))
    }

    #[test]
    fn references_stand_anywhere_in_a_text() {
        for (text, expanded) in [
            ("", ""),
            ("plain $ {text} $$ }", "plain $ {text} $$ }"),
            ("${A}", "alpha"),
            ("<${A}-${A}>", "<alpha-alpha>"),
            ("${_B2}", "${A}"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("$${${A}", "${alpha"),
            ("é${A}é", "éalphaé"),
        ] {
            assert_eq!(with(|context| expand(text, context)).unwrap().as_str(), expanded, "{text}");
        }
        let file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rustfmt.toml"));
        let expected = format!("[{}]", file.strip_suffix('\n').unwrap());
        let expanded = with(|context| expand("[${file:rustfmt.toml}]", context)).unwrap();
        assert_eq!(*expanded, expected, "one newline is dropped");
    }

    #[test]
    fn in_a_url_a_reference_changes_nothing_but_its_own_part() {
        for (text, expanded) in [
            ("redis://:${HARD}@host", "redis://:a%2F%23%3F%25%40%3A%20%C3%A9@host"),
            (
                "redis://${HARD}:${HARD}@${HOST}/0",
                "redis://a%2F%23%3F%25%40%3A%20%C3%A9:a%2F%23%3F%25%40%3A%20%C3%A9@[::1]:6379/0",
            ),
            ("${A}://:${HARD}@host", "alpha://:a%2F%23%3F%25%40%3A%20%C3%A9@host"),
            ("https://${HOST}", "https://[::1]:6379"),
            ("https://${HARD}/a@b", "https://a%2F%23%3F%25%40:%20%C3%A9/a@b"),
            ("https://host/${HARD}", "https://host/a%2F%23%3F%25%40:%20%C3%A9"),
            ("https://host/$${A}/${A}", "https://host/${A}/alpha"),
            ("${URL}", "redis://:p%2F@host"),
            ("${URL}/0", "redis://:p%2F@host/0"),
            ("/${HARD}", "/a/#?%@: é"),
        ] {
            assert_eq!(with(|context| expand(text, context)).unwrap().as_str(), expanded, "{text}");
        }
    }

    #[test]
    fn a_reference_that_gives_nothing_is_a_mistake() {
        for (text, mistakes) in [
            ("${MISSING}", &["`${MISSING}` is not set"][..]),
            ("${EMPTY}", &["`${EMPTY}` is empty"]),
            ("${A", &["is not closed"]),
            ("${", &["is not closed"]),
            ("${}", &["neither `${NAME}` nor"]),
            ("${a b}", &["neither `${NAME}` nor"]),
            ("${1A}", &["neither `${NAME}` nor"]),
            ("${env:A}", &["neither `${NAME}` nor"]),
            ("${file:}", &["has no path"]),
            ("${file:no/such/file}", &["`${file:no/such/file}` cannot be read"]),
            ("${file:src}", &["`${file:src}` cannot be read"]),
            ("${file:a\nb}", &["`${file:a\\nb}` cannot be read"]),
            ("${MISSING}${A}${EMPTY}${", &["is not set", "is empty", "is not closed"]),
        ] {
            let found = with(|context| expand(text, context)).unwrap_err();
            assert_eq!(found.len(), mistakes.len(), "{text}");
            for (found, expected) in found.iter().zip(mistakes) {
                assert!(found.contains(expected), "{text}: {found}");
            }
        }
    }
}
