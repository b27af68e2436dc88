//! How the stream of revocations is read.
//!
//! One plain command asks for a page of it, and the entries are checked here. A script would have the server copy each entry into
//! Lua and back, which takes it several times as long, and it serves nobody meanwhile.

use bytes::Bytes;
use redis::{Cmd, Value, cmd};

use super::script::{self, REVOCATIONS};
use crate::{
    cause::Cause,
    store::{Cursor, REVOCATIONS_AT_ONCE},
};

/// A place in the stream: behind the entry of this id, or before all entries.
#[derive(Default)]
pub(super) struct Place<'a> {
    generation: &'a str,
    /// Empty before all entries.
    id: &'a str,
}

/// A revocation in the stream. Its generation is that of the stream: the time when it was begun.
pub(super) struct Entry {
    id: Vec<u8>,
    generation: Vec<u8>,
    sealed: Bytes,
}

impl<'a> Place<'a> {
    /// The place of a cursor; a cursor that the server would not understand is before all entries.
    pub(super) fn of(cursor: &'a Cursor) -> Self {
        let (generation, id) = script::generation_and_id(cursor);
        let is_number = |text: &str| text.parse::<u64>().is_ok();
        let is_id = id.split_once('-').is_some_and(|(time, number)| is_number(time) && is_number(number));
        if is_id { Self { generation, id } } else { Self::default() }
    }

    /// Asks for a page of entries from here on, and for the entry of the place itself: a range that leaves out its start is not in
    /// Redis 6.0.
    pub(super) fn page(&self) -> Cmd {
        let start = if self.id.is_empty() { "-" } else { self.id };
        let mut page = cmd("XRANGE");
        page.arg(REVOCATIONS).arg(start).arg("+").arg("COUNT").arg(REVOCATIONS_AT_ONCE + 1);
        page
    }

    /// Whether entries are of the stream in which the place is. A stream that was lost begins anew, maybe with a clock that is slow.
    pub(super) fn is_among(&self, entries: &[Entry]) -> bool {
        self.id.is_empty() || entries.first().is_some_and(|first| first.generation == self.generation.as_bytes())
    }
}

/// Reads the entries of a page.
pub(super) fn read(page: Value) -> Result<Vec<Entry>, Cause> {
    let Value::Array(entries) = page else { return Err(Cause::Protocol) };
    entries.into_iter().map(|entry| Entry::read(entry).ok_or(Cause::Data)).collect()
}

/// The revocations of a page behind a cursor and its place, and the cursor behind the last of them.
pub(super) fn behind(after: &Cursor, place: &Place<'_>, entries: Vec<Entry>) -> (Vec<Bytes>, Cursor) {
    let is_later = |entry: &Entry| entry.id != place.id.as_bytes();
    let later: Vec<_> = entries.into_iter().filter(is_later).take(REVOCATIONS_AT_ONCE).collect();
    let cursor = later.last().map(|last| script::cursor(&last.generation, &last.id));
    (later.into_iter().map(|entry| entry.sealed).collect(), cursor.unwrap_or_else(|| after.clone()))
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
}

fn array<const N: usize>(value: Value) -> Option<[Value; N]> {
    if let Value::Array(values) = value { values.try_into().ok() } else { None }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}
