//! Revocations in the order in which they came.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    time::Instant,
};

use bytes::Bytes;

use super::expiries::Expiries;
use crate::store::{Cursor, REVOCATIONS_AT_ONCE};

/// They are numbered from one; a cursor is the number of the last.
#[derive(Default)]
pub(super) struct Revocations {
    numbered: BTreeMap<u64, Bytes>,
    last: u64,
    expiries: Expiries<u64>,
}

impl Revocations {
    pub(super) fn push(&mut self, revocation: Bytes, end: Instant) {
        self.last += 1;
        self.numbered.insert(self.last, revocation);
        self.expiries.push(end, self.last);
    }

    pub(super) fn after(&self, cursor: &Cursor) -> (Vec<Bytes>, Cursor) {
        let after = cursor.name().parse().unwrap_or(0);
        let later = self.numbered.range((Excluded(after), Unbounded)).take(REVOCATIONS_AT_ONCE);
        let (numbers, later): (Vec<_>, Vec<_>) =
            later.map(|(number, revocation)| (*number, revocation.clone())).unzip();
        (later, Cursor::new(numbers.last().unwrap_or(&self.last).to_string()))
    }

    /// Drops those whose lifetime has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(number) = self.expiries.pop(now) {
            self.numbered.remove(&number);
        }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.numbered.len() + self.expiries.len()
    }
}
