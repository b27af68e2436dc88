//! Where a configuration comes from.

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::reader::{self, ReadError};

/// A file, or the standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    /// A file. Paths in the configuration are relative to its folder.
    File(PathBuf),
    /// The standard input, which can be read once. Paths in the configuration are relative to the current folder.
    Stdin,
}

impl ConfigSource {
    /// Reads all of it.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        match self {
            Self::File(path) => reader::load(path),
            Self::Stdin => reader::read_small(io::stdin().lock()),
        }
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
