//! What a check finds in a configuration: its mistakes, and what is most likely not meant.

use std::path::Path;

use super::{
    ConfigErrors, KeyPlaces,
    error::{ConfigError, Position},
};

/// A mistake, or what is most likely one. It repeats no value.
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Where it is; none if the whole configuration is meant.
    pub(crate) position: Option<Position>,
    /// The dotted path of the key, such as `listen[1].address`; empty for the whole.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The gateway does not start.
    Error,
    /// The gateway starts.
    Warning,
}

impl Severity {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Finding {
    fn new(severity: Severity, position: Option<Position>, key: &str, text: &str) -> Self {
        let (message, advice) = split(text);
        let (message, advice) = (message.to_owned(), advice.map(str::to_owned));
        Self { severity, position, key: key.to_owned(), message, advice }
    }

    /// What is most likely not meant at a key, with its place in the file.
    pub(super) fn warning(places: &KeyPlaces, key: &str, text: &str) -> Self {
        Self::new(Severity::Warning, places.place(key), key, text)
    }

    /// What is most likely not meant, as the reader of YAML has found it.
    pub(super) fn yaml_warning(ConfigError { position, key, message }: &ConfigError) -> Self {
        Self::new(Severity::Warning, *position, key, message)
    }

    /// The reason why a configuration without mistakes cannot be in force.
    pub(crate) fn obstacle(reason: &str) -> Self {
        Self::new(Severity::Error, None, "", reason)
    }

    /// One line that begins with the place, such as `config.yaml:2:8: log.levle: unknown key (did you mean `level`?)`.
    pub(crate) fn line(&self, file: &Path) -> String {
        format!("{}: {}", self.place(file), self.text())
    }

    /// The place, such as `config.yaml:2:8`.
    pub(crate) fn place(&self, file: &Path) -> String {
        match self.position {
            None => file.display().to_string(),
            Some(Position { line, column }) => format!("{}:{line}:{column}", file.display()),
        }
    }

    /// The key, what is wrong and what to do.
    pub(crate) fn text(&self) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        let advice = self.advice.as_ref().map_or_else(String::new, |advice| format!(" ({advice})"));
        format!("{key}{}{advice}", self.message)
    }
}

impl ConfigErrors {
    /// Every mistake, in the order of the file.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let finding = |(position, key, text)| Finding::new(Severity::Error, position, key, text);
        self.iter().map(finding).collect()
    }
}

/// Parts what is wrong from what to do, which stands in brackets at the end.
fn split(text: &str) -> (&str, Option<&str>) {
    let mut depth = 0;
    for (index, character) in text.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let message = text[..index].strip_suffix(' ').filter(|_| character == '(');
            return message.map_or((text, None), |message| (message, Some(&text[index + 1..text.len() - 1])));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_what_stands_in_brackets_at_the_end() {
        for (text, message, advice) in [
            ("unknown key (did you mean `level`?)", "unknown key", Some("did you mean `level`?")),
            (
                "anchors (`&`) are not supported (write it (all) out)",
                "anchors (`&`) are not supported",
                Some("write it (all) out"),
            ),
            ("is empty", "is empty", None),
            ("is (not) empty", "is (not) empty", None),
            ("odd) brackets (here", "odd) brackets (here", None),
            (")", ")", None),
            ("", "", None),
        ] {
            assert_eq!(split(text), (message, advice));
        }
    }
}
