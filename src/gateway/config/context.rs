//! What surrounds a configuration: its folder, the environment, and the mistakes found so far.

use std::{
    cell::RefCell,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    error::{Mistake, Place},
    key_path::KeyPath,
};

/// Reads what a configuration refers to, and gathers what is wrong.
pub(super) struct Context<'a> {
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(path: &'a Path, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        Self { folder, environment, mistakes: RefCell::default() }
    }

    pub(super) fn complain(&self, place: Place, path: &KeyPath, message: impl fmt::Display) {
        self.mistakes.borrow_mut().push(Mistake::new(Some(place), path.as_str(), message));
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// Where a file is that was named relative to the folder of the configuration.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Reads a file that was named relative to the folder of the configuration.
    pub(super) fn read(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        read(&self.locate(path))
    }
}

/// Reads a small file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // One byte more than may be, so that a longer file is told from a whole one.
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SIZE_LIMIT { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is larger than 1 MiB")]
    TooLarge,
}

/// How large the configuration, and every file that it names, may be.
pub(super) const SIZE_LIMIT: usize = 1 << 20;
