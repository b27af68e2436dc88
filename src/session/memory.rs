//! What a gateway remembers of logins and sessions, besides what is in the store.

use std::sync::{Arc, Mutex, PoisonError, Weak};
#[cfg(feature = "gateway")]
use std::time::Instant;

use super::{SharedSessions, grants_in_flight::GrantsInFlight, revocations::Revocations, waiting::Waiting};
use crate::gate::{Gate, plugin::WeakGate};
#[cfg(feature = "gateway")]
use crate::store::Cursor;

/// From where sessions follow their store, after earlier sessions with the same memory have followed theirs.
#[cfg(feature = "gateway")]
#[derive(Debug, Clone)]
pub(crate) enum StoreReading {
    /// From where the earlier sessions have come.
    GoesOn,
    /// From this cursor: it is another store, or the earlier sessions could not open all that is in it.
    From {
        cursor: Cursor,
        /// When the store was asked last, if it had no more to tell then. Otherwise no session is valid until it is read.
        complete: Option<Instant>,
    },
}

#[cfg(feature = "gateway")]
impl StoreReading {
    /// From the start of a store of which nothing is known.
    pub(crate) fn from_start() -> Self {
        Self::From { cursor: Cursor::default(), complete: None }
    }
}

/// The memory of a gateway, which outlives the sessions of one configuration: a gateway that gets another configuration makes new
/// [`Sessions`](super::Sessions) with the memory of the previous ones.
#[derive(Default)]
pub(crate) struct SessionMemory {
    pub(super) revocations: Revocations,
    /// Each revocation that the store has not heard of yet keeps a clone.
    pub(super) unstored: Arc<()>,
    pub(super) in_flight: GrantsInFlight,
    pub(super) waiting: Waiting,
    /// The sessions that were made last, where several share this memory.
    latest: Mutex<Option<(WeakGate, Weak<SharedSessions>)>>,
}

impl SessionMemory {
    /// Answers all requests that wait, from now on, and ends the task that follows the store.
    pub(crate) fn stop_waiting(&self) {
        self.waiting.close();
        self.revocations.stop();
    }

    /// How many revocations are not stored yet. The sessions try again for as long as their tasks run.
    ///
    /// A server that stops says so in its log: other gateways, and this one after a restart, take such a session for a valid one
    /// until it expires.
    #[cfg(feature = "gateway")]
    pub(crate) fn unstored_revocations(&self) -> usize {
        Arc::strong_count(&self.unstored) - 1
    }

    /// Lets these sessions follow the store for all that share this memory.
    #[cfg(feature = "gateway")]
    pub(super) fn set_latest(&self, gate: &Gate, sessions: &Arc<SharedSessions>) {
        let latest = (gate.downgrade(), Arc::downgrade(sessions));
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(latest);
    }

    /// The sessions that follow the store: those that were made last, or else these.
    pub(super) fn latest_or(&self, gate: &Gate, sessions: &Arc<SharedSessions>) -> (WeakGate, Weak<SharedSessions>) {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        latest.unwrap_or_else(|| (gate.downgrade(), Arc::downgrade(sessions)))
    }
}
