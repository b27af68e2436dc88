//! The mistakes of a configuration, and where they are.

use std::{fmt, path::Path};

/// One mistake: `callback.deadline: must be from 100ms to 60s (write 2500ms, 1s or 2m)`.
///
/// # Security
///
/// It repeats keys, but no value of the file, of the environment or of another file, except for words of a page's template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConfigError {
    /// None when the file could not be read at all.
    position: Option<Position>,
    /// The dotted path of the key, such as `listen[1].address`; empty for the file as a whole.
    key: String,
    /// The mistake, and in brackets how to correct it.
    message: String,
}

/// A place in the configuration file, counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl ConfigError {
    pub(super) fn new(position: Option<Position>, key: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { position, key: key.into(), message: message.to_string() }
    }
}

/// The mistake without its place.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.key {
            "" => f.write_str(&self.message),
            key => write!(f, "{key}: {}", self.message),
        }
    }
}

/// Every mistake in a configuration, in the order of the file. There is at least one.
///
/// It displays as one line for each: `config.yaml:LINE:COLUMN: path.to.key: what is wrong (what to do)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigErrors {
    file: String,
    pub(super) mistakes: Vec<ConfigError>,
}

impl ConfigErrors {
    pub(super) fn new(path: &Path, mut mistakes: Vec<ConfigError>) -> Self {
        mistakes.sort();
        Self { file: path.display().to_string(), mistakes }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            match mistake.position {
                Some(Position { line, column }) => write!(f, "{line_end}{}:{line}:{column}: {mistake}", self.file)?,
                None => write!(f, "{line_end}{}: {mistake}", self.file)?,
            }
        }
        Ok(())
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
