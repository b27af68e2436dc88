//! Why a page cannot be shown.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why an operator's pages cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// The folder has no page.
    #[error("{} has no page: none of login.html, refused.html, unavailable.html, error.html and logout.html", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A template is wrong, or cannot be filled in.
    #[error("{}:{line}: {reason}", file.display())]
    Template {
        /// The file; once the pages are in use, its name alone.
        file: PathBuf,
        /// The line, from 1; 0 where none is known.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl PagesError {
    /// What is wrong with a template that is loaded.
    pub(super) fn template(file: &Path, error: &minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self::Template { file: file.to_owned(), line: error.line().unwrap_or_default(), reason }
    }

    /// What is wrong with a template that is in use: without details, which may show a nonce.
    pub(super) fn in_use(error: &minijinja::Error) -> Self {
        let file = error.name().unwrap_or_default().into();
        Self::Template { file, line: error.line().unwrap_or_default(), reason: error.kind().to_string() }
    }
}
