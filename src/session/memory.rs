//! What a gateway remembers of logins and sessions, besides what is in the store.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{SharedSessions, revocations::Revocations, verification::GrantsInFlight, waiting::Waiting};
use crate::gate::{Gate, plugin::WeakGate};

/// How sessions read a store that earlier sessions with the same memory have read.
#[cfg(feature = "gateway")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreReading {
    /// From where the earlier sessions have come.
    GoesOn,
    /// From its start: it is another store, or the earlier sessions could not open all that is in it.
    BeginsAnew,
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
