//! Why `truegate keys` failed.

use std::{io, path::PathBuf};

/// Why `truegate keys` ended with exit code 1. The text names the cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("cannot write {}: {error}", .path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
}
