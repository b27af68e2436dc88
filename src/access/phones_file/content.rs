//! What a file of phone numbers holds.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    str,
};

use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::PhonesFileError;
use crate::profile::PhoneDigits;

/// The numbers of a file, in eight bytes each, and the digest of the bytes that they were read from.
pub(super) struct Content {
    pub(super) digest: ContentDigest,
    /// In ascending order, each once. They are wiped when they are dropped.
    pub(super) phones: Zeroizing<Box<[PhoneDigits]>>,
}

/// SHA-256 of all bytes of a file and a block of zeros: no one can make two files that have the same.
pub(super) type ContentDigest = [u8; 32];

impl Content {
    /// Reads a file line by line: no more of it than a piece and a line is in memory at a time.
    pub(super) fn read(path: &Path) -> Result<Self, PhonesFileError> {
        let (mut digest, mut number) = (Sha256::new(), 1);
        let (mut phones, mut line) = (Zeroizing::default(), Zeroizing::default());
        for_each_piece(path, |piece| {
            digest.update(piece);
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                append(&mut line, part);
                if part.ends_with(b"\n") {
                    append(&mut phones, phone(&line, number)?.as_slice());
                    line.clear();
                    number += 1;
                }
            }
            Ok(())
        })?;
        append(&mut phones, phone(&line, number)?.as_slice());
        phones.sort_unstable();
        phones.dedup();
        // To shrink the list would leave it behind where it was.
        Ok(Self { digest: finish(&mut digest), phones: Zeroizing::new(phones.as_slice().into()) })
    }
}

/// Returns the digest of a file, as [`Content::read`] makes it.
pub(super) fn digest(path: &Path) -> Result<ContentDigest, PhonesFileError> {
    let mut digest = Sha256::new();
    for_each_piece(path, |piece| {
        digest.update(piece);
        Ok(())
    })?;
    Ok(finish(&mut digest))
}

/// Ends a digest. It keeps the last bytes of the file until it has a block of them, so a block of zeros takes their place.
fn finish(digest: &mut Sha256) -> ContentDigest {
    digest.update([0; BLOCK]);
    digest.finalize_reset().into()
}

/// Reads a file in pieces, and wipes them.
fn for_each_piece(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), PhonesFileError>,
) -> Result<(), PhonesFileError> {
    let (mut file, mut buffer) = (File::open(path)?, Zeroizing::new(vec![0; BUFFER]));
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Appends items. A list that grows would leave its items behind where they were, so they are wiped there.
fn append<T: Zeroize + Copy>(list: &mut Zeroizing<Vec<T>>, items: &[T]) {
    let length = list.len() + items.len();
    if length > list.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.next_power_of_two().max(SMALL)));
        larger.extend_from_slice(list);
        *list = larger;
    }
    list.extend_from_slice(items);
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

/// What SHA-256 takes at a time.
const BLOCK: usize = 64;
/// The size of a piece.
const BUFFER: usize = 64 * 1024;
/// How much room a list has from its first item on: a line is rarely longer.
const SMALL: usize = 128;
