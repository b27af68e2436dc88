//! The mistakes of a configuration, and their positions.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// One mistake: `callback.deadline: must be from 100ms to 60s (write 2500ms, 1s or 2m)`.
///
/// # Security
///
/// It repeats keys, but no value of the file, of the environment or of another file, except for words of the template of a page.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConfigError {
    /// None when the file could not be read at all.
    pub(super) position: Option<Position>,
    /// The dotted path of the key, such as `listen[1].address`; empty for the file as a whole.
    pub(super) key: String,
    /// The mistake, and in brackets how to correct it.
    pub(super) message: String,
}

/// A line and a column of the configuration file, counted from 1. Columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl ConfigError {
    pub(super) fn new(position: Option<Position>, key: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { position, key: key.into(), message: message.to_string() }
    }
}

/// The place of a value that may turn out to be wrong only when it is used.
#[derive(Debug, Clone)]
pub(crate) struct ConfigPlace {
    pub(super) file: PathBuf,
    pub(super) position: Position,
    pub(super) key: String,
}

impl ConfigPlace {
    /// The mistake that the value at this place is. The message must not repeat the value.
    pub(crate) fn mistake(&self, message: impl fmt::Display) -> ConfigErrors {
        ConfigErrors::new(&self.file, vec![ConfigError::new(Some(self.position), self.key.as_str(), message)])
    }
}

/// Every mistake in a configuration, in the order of the file. There is at least one.
///
/// It displays as one line for each: `config.yaml:LINE:COLUMN: path.to.key: what is wrong (what to do)`.
#[derive(Debug)]
pub(crate) struct ConfigErrors {
    file: PathBuf,
    errors: Vec<ConfigError>,
}

impl ConfigErrors {
    pub(super) fn new(path: &Path, mut errors: Vec<ConfigError>) -> Self {
        errors.sort();
        Self { file: path.to_owned(), errors }
    }

    /// One line for each mistake, which begins with its place.
    pub(super) fn lines(&self) -> Vec<String> {
        self.findings().iter().map(|finding| finding.line(&self.file)).collect()
    }

    /// The position, the key and the text of each mistake.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Option<Position>, &str, &str)> {
        self.errors.iter().map(|ConfigError { position, key, message }| (*position, key.as_str(), message.as_str()))
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_the_order_of_the_file() {
        let at = |line, column| Some(Position { line, column });
        let errors = ConfigErrors::new(
            Path::new("config.yaml"),
            vec![
                ConfigError::new(at(10, 1), "log", "d"),
                ConfigError::new(at(2, 11), "b", "c"),
                ConfigError::new(at(2, 3), "a", "b"),
                ConfigError::new(None, "", "a"),
            ],
        );
        assert_eq!(
            errors.to_string(),
            "config.yaml: a\nconfig.yaml:2:3: a: b\nconfig.yaml:2:11: b: c\nconfig.yaml:10:1: log: d"
        );
    }
}
