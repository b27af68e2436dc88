//! What a file of phone numbers holds.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    path::Path,
    str,
};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::PhonesFileError;
use crate::profile::PhoneDigits;

/// The numbers of a file, in eight bytes each, and the digest of the bytes that they were read from.
pub(super) struct Content {
    pub(super) digest: ContentDigest,
    /// In ascending order, each once. They are wiped when they are dropped.
    pub(super) phones: Zeroizing<Box<[PhoneDigits]>>,
}

/// SHA-256 of all bytes of a file: no one can make two files that have the same.
pub(super) type ContentDigest = [u8; 32];

impl Content {
    /// Reads a file line by line: no more of it than a line is in memory at a time.
    pub(super) fn read(path: &Path) -> Result<Self, PhonesFileError> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let (mut digest, mut phones, mut line) = (Sha256::new(), Vec::new(), Zeroizing::new(Vec::new()));
        for number in 1.. {
            line.clear();
            if file.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            digest.update(&*line);
            phones.extend(phone(&line, number)?);
        }
        phones.sort_unstable();
        phones.dedup();
        Ok(Self { digest: digest.finalize().into(), phones: Zeroizing::new(phones.into()) })
    }
}

/// Returns the digest of a file, as [`Content::read`] makes it.
pub(super) fn digest(path: &Path) -> io::Result<ContentDigest> {
    let (mut file, mut digest) = (BufReader::with_capacity(BUFFER, File::open(path)?), Digesting(Sha256::new()));
    io::copy(&mut file, &mut digest)?;
    Ok(digest.0.finalize().into())
}

/// The number in a line; none if the line has a comment at most.
fn phone(line: &[u8], number: usize) -> Result<Option<PhoneDigits>, PhonesFileError> {
    let text = str::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    // Editors on Windows put a byte-order mark first.
    let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
    let text = text.split('#').next().unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Without its plus, a national number could pass for another country's.
    let phone = PhoneDigits::parse(text).filter(|_| text.starts_with('+'));
    phone.map(Some).ok_or(PhonesFileError::Line(number))
}

struct Digesting(Sha256);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const BUFFER: usize = 64 * 1024;
