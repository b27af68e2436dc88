//! `session.templates`: pages of the operator's own.

use std::{ffi::OsStr, path::Path};

use crate::gateway::config::reader::Item;
use crate::session::page::{Pages, PagesError};

/// Loads the pages of a folder.
pub(super) fn read(item: &Item<'_>) -> Option<Pages> {
    item.parse(|folder| Pages::load(&item.context().locate(folder)).map_err(|error| explain(&error)))
}

/// Names the file, for it is one of several, but not the folder.
fn explain(error: &PagesError) -> String {
    let name = |file: &Path| file.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
    match error {
        PagesError::Empty { .. } => {
            "names a folder with none of login.html, refused.html, unavailable.html, error.html and logout.html (paths are \
             relative to the configuration)"
                .to_owned()
        }
        PagesError::Read { file, source } => {
            format!("names a folder whose {} cannot be read: {} (make it readable)", name(file), source.kind())
        }
        PagesError::Template { file, line, reason } => {
            format!("names a folder with a mistake in {}, line {line}: {reason} (correct it there)", name(file))
        }
    }
}
