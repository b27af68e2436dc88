//! A file of phone numbers that may change while it is used.

mod content;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use self::content::Content;
use crate::profile::{PhoneDigits, PhoneNumber};

/// A file that lists one phone number per line, such as `+919999999999`; the rest of a line behind `#` is a comment.
///
/// Clones share the list, which takes eight bytes for each number. An empty file lists no number. A file that has changed counts
/// after its next [`refresh`](Self::refresh), also in every rule that names it:
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
    content: RwLock<Content>,
    /// How often the content has changed.
    version: AtomicU64,
}

impl PhonesFile {
    /// Reads a file for the first time.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is not a number in international form with its plus.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, PhonesFileError> {
        let path = path.into();
        let content = RwLock::new(Content::read(&path)?);
        Ok(Self(Arc::new(Shared { path, content, version: AtomicU64::new(0) })))
    }

    /// Reads the file again. It blocks on the file, but no lookup waits for it. If the file holds the same bytes as before, the
    /// list is not made anew.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). The list then stays as it was.
    pub fn refresh(&self) -> Result<(), PhonesFileError> {
        if content::digest(&self.0.path)? == self.content().digest {
            return Ok(());
        }
        // The file may have changed since its digest was made, so the content comes with a digest of its own.
        let mut content = Content::read(&self.0.path)?;
        // The list of before is freed outside the lock: a long one takes a while, and lookups go on meanwhile.
        std::mem::swap(&mut *self.0.content.write().unwrap_or_else(PoisonError::into_inner), &mut content);
        // It changes last: what was looked up before is then known to be older.
        self.0.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether the file listed a number when it was last read.
    pub fn lists(&self, phone: &PhoneNumber) -> bool {
        self.content().phones.binary_search(&PhoneDigits::from(phone)).is_ok()
    }

    /// Returns a number that grows with each change of the list.
    pub(super) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// How many numbers the file listed when it was last read.
    pub(super) fn len(&self) -> usize {
        self.content().phones.len()
    }

    fn content(&self) -> RwLockReadGuard<'_, Content> {
        self.0.content.read().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests;
