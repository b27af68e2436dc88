//! The verifications that run: each grant once, and not too many of a login.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::callback::{AccessToken, Grant, RequestId};

/// The grants that are being verified, by the nonces of their logins.
#[derive(Default)]
pub(super) struct Verifications(Arc<Mutex<Running>>);

type Running = HashMap<RequestId, Vec<AccessToken>>;

/// One of them; when it is dropped, it may come again.
pub(super) struct Verification {
    pub(super) grant: Grant,
    running: Arc<Mutex<Running>>,
}

impl Verifications {
    /// Begins to verify a grant, unless the same is being verified already or the login has too many.
    pub(super) fn begin(&self, grant: Grant) -> Option<Verification> {
        let mut running = lock(&self.0);
        let tokens = running.entry(grant.request_id().clone()).or_default();
        if tokens.len() >= TOKENS || tokens.contains(grant.token()) {
            return None;
        }
        tokens.push(grant.token().clone());
        Some(Verification { grant, running: Arc::clone(&self.0) })
    }
}

impl Drop for Verification {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        let Some(tokens) = running.get_mut(self.grant.request_id()) else { return };
        tokens.retain(|token| token != self.grant.token());
        if tokens.is_empty() {
            running.remove(self.grant.request_id());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many tokens are tried at once for one login: its own, and what others post who know its nonce.
const TOKENS: usize = 16;
