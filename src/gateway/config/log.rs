//! `log`: what is logged, and how.

use tracing::level_filters::LevelFilter;

use super::{reader::Section, value};

/// How the program logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// The least severe level that is logged.
    pub level: LevelFilter,
    /// What a line looks like.
    pub format: LogFormat,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            level: section.read("level", value::choice(&LEVELS)).unwrap_or(LevelFilter::INFO),
            format: section.read("format", value::choice(&FORMATS)).unwrap_or(LogFormat::Auto),
        }
    }
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

const FORMATS: [(&str, LogFormat); 3] =
    [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
