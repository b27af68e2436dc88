//! What expires when.

use std::{collections::BTreeMap, time::Instant};

/// Things in the order in which they expire.
pub(super) struct Expiries<T> {
    due: BTreeMap<Expiry, T>,
    numbers: u64,
}

/// When a thing expires; the number tells those apart that expire together.
pub(super) type Expiry = (Instant, u64);

impl<T> Expiries<T> {
    pub(super) fn push(&mut self, end: Instant, thing: T) -> Expiry {
        self.numbers += 1;
        self.due.insert((end, self.numbers), thing);
        (end, self.numbers)
    }

    pub(super) fn remove(&mut self, expiry: &Expiry) {
        self.due.remove(expiry);
    }

    /// Takes one that has expired.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

impl<T> Default for Expiries<T> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), numbers: 0 }
    }
}
