//! A file of phone numbers that may change while it is used.

use std::{
    collections::HashSet,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use crate::profile::PhoneNumber;

/// A file that lists one phone number per line, such as `+919999999999`; the rest of a line behind `#` is a comment.
///
/// Clones share the list. An empty file lists no number. A file that has changed counts after its next
/// [`refresh`](Self::refresh), also in every rule that names it:
///
/// ```
/// use truegate::{access::PhonesFile, profile::PhoneNumber};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("guests.txt");
/// let guest = PhoneNumber::parse("+919999900002").expect("a number");
/// std::fs::write(&path, "+919999900001 # the host\n")?;
/// let guests = PhonesFile::read(&path)?;
/// assert!(!guests.lists(&guest));
///
/// std::fs::write(&path, "+919999900001 # the host\n+919999900002\n")?;
/// guests.refresh()?;
/// assert!(guests.lists(&guest));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PhonesFile(Arc<Shared>);

struct Shared {
    path: PathBuf,
    phones: RwLock<HashSet<PhoneNumber>>,
}

impl PhonesFile {
    /// Reads a file for the first time.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is not a number in international form with its plus.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, PhonesFileError> {
        let path = path.into();
        let phones = RwLock::new(load(&path)?);
        Ok(Self(Arc::new(Shared { path, phones })))
    }

    /// Reads the file again. It blocks on the file, but no lookup waits for it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). The list then stays as it was.
    pub fn refresh(&self) -> Result<(), PhonesFileError> {
        let mut phones = load(&self.0.path)?;
        // The list of before is freed outside the lock: a long one takes a while, and lookups go on meanwhile.
        std::mem::swap(&mut *self.0.phones.write().unwrap_or_else(PoisonError::into_inner), &mut phones);
        Ok(())
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether the file listed a number when it was last read.
    pub fn lists(&self, phone: &PhoneNumber) -> bool {
        self.0.phones.read().unwrap_or_else(PoisonError::into_inner).contains(phone)
    }

    /// How many numbers the file listed when it was last read.
    pub(super) fn len(&self) -> usize {
        self.0.phones.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Handles are equal if they share one list: the content of a file may change at any time.
impl PartialEq for PhonesFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PhonesFile {}

impl fmt::Debug for PhonesFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhonesFile").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// The reason why a file of phone numbers cannot be used. The error does not repeat what the file holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhonesFileError {
    /// The file is missing, may not be read, or is not UTF-8 text.
    #[error("the file of phone numbers cannot be read: {}", .0.kind())]
    Unreadable(#[from] io::Error),
    /// The line of this number, counted from 1, is not a phone number.
    #[error("line {0} is not a phone number (write +919999900001)")]
    Line(usize),
}

fn load(path: &Path) -> Result<HashSet<PhoneNumber>, PhonesFileError> {
    let text = fs::read_to_string(path)?;
    // Editors on Windows put a byte-order mark first.
    let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines();
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim()).zip(1..);
    // Without its plus, a national number could pass for another country's.
    let phone = |line: &str| PhoneNumber::parse(line).filter(|_| line.starts_with('+'));
    lines.filter(|(line, _)| !line.is_empty()).map(|(line, at)| phone(line).ok_or(PhonesFileError::Line(at))).collect()
}

#[cfg(test)]
mod tests;
