//! Where a configuration comes from.

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{ConfigErrors, error::ConfigError, reader};

/// A file, or the standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    /// A file. Paths in the configuration are relative to its folder.
    File(PathBuf),
    /// The standard input, which can be read once. Paths in the configuration are relative to the current folder.
    Stdin,
}

impl ConfigSource {
    /// Reads the text.
    ///
    /// # Errors
    ///
    /// When the source cannot be read, or is not UTF-8.
    pub(crate) fn text(&self) -> Result<Zeroizing<String>, ConfigErrors> {
        let bytes = match self {
            Self::File(path) => reader::load(path),
            Self::Stdin => reader::read_small(io::stdin().lock()),
        };
        let whole = |message: String| ConfigErrors::new(self.path(), vec![ConfigError::new(None, "", message)]);
        let bytes = bytes.map_err(|error| whole(format!("{error} ({CHECK_PATH})")))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| whole("is not UTF-8 (save it as UTF-8)".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// The path of the file, or the name that stands for the standard input in mistakes.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Stdin => Path::new("<stdin>"),
        }
    }
}

/// Takes an argument of the command line, where `-` is the standard input. A file of this name is `./-`.
impl From<OsString> for ConfigSource {
    fn from(argument: OsString) -> Self {
        if argument == "-" { Self::Stdin } else { Self::File(argument.into()) }
    }
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

const CHECK_PATH: &str = "name the configuration with `-c FILE`";
