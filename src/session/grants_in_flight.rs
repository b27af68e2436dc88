//! The grants that are being verified. The same grant is never verified twice at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::callback::{AccessToken, Grant, RequestId};

/// The grants that are being verified, by the request ids of their logins.
#[derive(Default)]
pub(super) struct GrantsInFlight(Arc<Mutex<Grants>>);

type Grants = HashMap<RequestId, Vec<AccessToken>>;

/// A grant that is being verified. Once it is dropped, the same grant may be verified again.
pub(super) struct GrantInFlight {
    pub(super) grant: Grant,
    /// When the callback came, by the clock of the store.
    pub(super) proven_at: SystemTime,
    in_flight: Arc<Mutex<Grants>>,
}

impl GrantsInFlight {
    /// Begins to verify a grant, unless the same is being verified already or the login has too many.
    pub(super) fn begin(&self, grant: Grant, proven_at: SystemTime) -> Option<GrantInFlight> {
        let mut in_flight = lock(&self.0);
        let tokens = in_flight.entry(grant.request_id().clone()).or_default();
        if tokens.len() >= TOKENS || tokens.contains(grant.token()) {
            return None;
        }
        tokens.push(grant.token().clone());
        Some(GrantInFlight { grant, proven_at, in_flight: Arc::clone(&self.0) })
    }
}

impl Drop for GrantInFlight {
    fn drop(&mut self) {
        let mut in_flight = lock(&self.in_flight);
        let Some(tokens) = in_flight.get_mut(self.grant.request_id()) else { return };
        tokens.retain(|token| token != self.grant.token());
        if tokens.is_empty() {
            in_flight.remove(self.grant.request_id());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many tokens are tried at once for one login: its own, and what others post who know its request id.
const TOKENS: usize = 16;
