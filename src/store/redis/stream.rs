//! How the stream of revocations is read.
//!
//! One plain command asks for a page of it, and the entries are checked here. A script would have the server copy each entry into
//! Lua and back, which takes it several times as long, and it serves nobody meanwhile.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use redis::{Cmd, Value, cmd};

use super::script::REVOCATIONS;
use crate::{
    cause::Cause,
    store::{Cursor, REVOCATIONS_AT_ONCE},
};

/// A place in the stream, as a cursor names it.
pub(super) enum Place<'a> {
    BeforeAll,
    /// Behind the entry with this id and this fingerprint.
    Behind {
        id: &'a str,
        fingerprint: u64,
    },
}

/// A revocation in the stream. Its generation is that of the stream: the time when it was begun.
#[derive(Hash)]
pub(super) struct Entry {
    id: Vec<u8>,
    generation: Vec<u8>,
    sealed: Bytes,
}

impl<'a> Place<'a> {
    /// The place of a cursor; a cursor that the server would not understand is before all entries.
    pub(super) fn of(cursor: &'a Cursor) -> Self {
        Self::behind(cursor).unwrap_or(Self::BeforeAll)
    }

    fn behind(cursor: &'a Cursor) -> Option<Self> {
        let (id, fingerprint) = cursor.name().split_once(' ')?;
        let (time, number) = id.split_once('-')?;
        let is_number = |text: &str| text.parse::<u64>().is_ok();
        let fingerprint = fingerprint.parse().ok()?;
        (is_number(time) && is_number(number)).then_some(Self::Behind { id, fingerprint })
    }

    /// Asks for a page of entries from here on, and for the entry of the place itself: a range that leaves out its start is not in
    /// Redis 6.0.
    pub(super) fn page(&self) -> Cmd {
        let start = if let Self::Behind { id, .. } = self { id } else { "-" };
        let mut page = cmd("XRANGE");
        page.arg(REVOCATIONS).arg(start).arg("+").arg("COUNT").arg(REVOCATIONS_AT_ONCE + 1);
        page
    }

    /// Whether a page from here on begins with the entry of the place, so that everything before it has been read.
    ///
    /// The id alone does not tell. A stream that was lost begins anew, and a server whose clock goes back counts on from its last
    /// id: two servers give the same ids to different entries.
    pub(super) fn begins(&self, page: &[Entry]) -> bool {
        match self {
            Self::BeforeAll => true,
            Self::Behind { fingerprint, .. } => page.first().is_some_and(|first| first.fingerprint() == *fingerprint),
        }
    }
}

/// Reads the entries of a page.
pub(super) fn read(page: Value) -> Result<Vec<Entry>, Cause> {
    let Value::Array(entries) = page else { return Err(Cause::Protocol) };
    entries.into_iter().map(|entry| Entry::read(entry).ok_or(Cause::Data)).collect()
}

/// The revocations of a page that are behind its place, and the cursor behind the last of them, if there are any. The page
/// [begins](Place::begins) at the place.
pub(super) fn behind(place: &Place<'_>, page: Vec<Entry>) -> (Vec<Bytes>, Option<Cursor>) {
    let own = usize::from(matches!(place, Place::Behind { .. }));
    let later: Vec<_> = page.into_iter().skip(own).take(REVOCATIONS_AT_ONCE).collect();
    let cursor = later.last().map(Entry::cursor);
    (later.into_iter().map(|entry| entry.sealed).collect(), cursor)
}

impl Entry {
    /// Reads an entry as the script that revokes writes it; returns none for any other.
    fn read(entry: Value) -> Option<Self> {
        let [id, fields] = array(entry)?;
        let [generation_name, generation, end_name, end, sealed_name, sealed] = array(fields)?.map(bytes);
        let names = [generation_name?, end_name?, sealed_name?];
        let end = String::from_utf8(end?).ok()?;
        let is_whole = names == [&b"generation"[..], b"until", b"sealed"] && end.parse::<u64>().is_ok();
        is_whole.then_some(Self { id: bytes(id)?, generation: generation?, sealed: sealed?.into() })
    }

    fn cursor(&self) -> Cursor {
        Cursor::new(format!("{} {}", String::from_utf8_lossy(&self.id), self.fingerprint()))
    }

    /// Tells the entry from all others that the server may give, within this process.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

fn array<const N: usize>(value: Value) -> Option<[Value; N]> {
    if let Value::Array(values) = value { values.try_into().ok() } else { None }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}
