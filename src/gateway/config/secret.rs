//! References in a scalar: `${NAME}` is the environment's, `${file:PATH}` a file's content, `$${` a plain `${`.

use zeroize::Zeroizing;

use super::context::Context;

/// Replaces every reference by what it stands for; what that gives is not looked at again.
///
/// # Errors
///
/// One message for each reference that cannot be replaced. None repeats more of the text than the name or the
/// path of a reference.
pub(super) fn expand(text: &str, context: &Context<'_>) -> Result<Zeroizing<String>, Vec<String>> {
    let mut expanded = Zeroizing::new(String::with_capacity(text.len()));
    let mut mistakes = Vec::new();
    for part in Parts(text) {
        let given = match part {
            Part::Text(text) => Ok(Zeroizing::new(text.to_owned())),
            Part::Reference(inner) => follow(inner, context),
            Part::Unterminated => Err(format!("a reference has no end (close `${{` with `}}`, or {ESCAPE})")),
        };
        match given {
            Ok(given) => expanded.push_str(&given),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(expanded) } else { Err(mistakes) }
}

/// Whether a text holds what looks like a reference.
pub(super) fn is_suspect(text: &str) -> bool {
    text.contains("${")
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
        return Err(format!("`${{{}}}` gives an empty text (fill it, or remove the reference)", inner.escape_debug()));
    }
    Ok(given)
}

fn variable(name: &str, context: &Context<'_>) -> Result<Zeroizing<String>, String> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if !is_name {
        return Err(format!("a reference is neither `${{NAME}}` nor `${{file:PATH}}` (correct it, or {ESCAPE})"));
    }
    let value = context.variable(name).ok_or_else(|| {
        format!("`${{{name}}}` is not set in the environment, or is not UTF-8 (set {name}, or {ESCAPE})")
    })?;
    Ok(Zeroizing::new(value))
}

fn file(path: &str, context: &Context<'_>) -> Result<Zeroizing<String>, String> {
    if path.is_empty() {
        return Err("`${file:}` names no file (write its path, relative to the configuration)".to_owned());
    }
    let shown = path.escape_debug();
    let bytes = context
        .read(path)
        .map_err(|error| format!("`${{file:{shown}}}` {error} (paths are relative to the configuration)"))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| format!("`${{file:{shown}}}` is not UTF-8 (a reference gives text)"))?;
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
        let toolchain = with(|context| expand("[${file:rustfmt.toml}]", context)).unwrap();
        assert!(toolchain.starts_with("[max_width") && toolchain.ends_with("\"]"), "one newline is dropped");
    }

    #[test]
    fn a_reference_that_gives_nothing_is_a_mistake() {
        for (text, mistakes) in [
            ("${MISSING}", &["`${MISSING}` is not set"][..]),
            ("${EMPTY}", &["`${EMPTY}` gives an empty text"]),
            ("${A", &["has no end"]),
            ("${", &["has no end"]),
            ("${}", &["neither `${NAME}` nor"]),
            ("${a b}", &["neither `${NAME}` nor"]),
            ("${1A}", &["neither `${NAME}` nor"]),
            ("${env:A}", &["neither `${NAME}` nor"]),
            ("${file:}", &["names no file"]),
            ("${file:no/such/file}", &["`${file:no/such/file}` cannot be read"]),
            ("${file:src}", &["`${file:src}` cannot be read"]),
            ("${file:a\nb}", &["`${file:a\\nb}` cannot be read"]),
            ("${MISSING}${A}${EMPTY}${", &["is not set", "empty text", "has no end"]),
        ] {
            let found = with(|context| expand(text, context)).unwrap_err();
            assert_eq!(found.len(), mistakes.len(), "{text}");
            for (found, expected) in found.iter().zip(mistakes) {
                assert!(found.contains(expected), "{text}: {found}");
            }
        }
    }
}
