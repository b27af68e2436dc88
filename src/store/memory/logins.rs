//! The logins of all browsers, in memory.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use bytes::Bytes;

use super::{Expiries, Expiry};
use crate::{
    callback::RequestId,
    cause::Cause,
    session::BrowserId,
    store::{LOGINS_PER_BROWSER, Login, State, StoreError},
};

#[derive(Default)]
pub(super) struct Logins {
    by_nonce: HashMap<RequestId, Record>,
    /// The nonces of a browser, the newest last.
    by_browser: HashMap<BrowserId, VecDeque<RequestId>>,
    expiries: Expiries<RequestId>,
}

struct Record {
    browser: BrowserId,
    owner: Bytes,
    state: State,
    expiry: Expiry,
}

impl Logins {
    pub(super) fn open(
        &mut self,
        nonce: &RequestId,
        browser: &BrowserId,
        owner: Bytes,
        end: Instant,
        most: usize,
    ) -> Result<(), StoreError> {
        if self.by_nonce.contains_key(nonce) {
            return Err(Cause::Data.into());
        }
        let nonces = self.by_browser.get(browser).filter(|nonces| nonces.len() >= LOGINS_PER_BROWSER);
        let oldest = nonces.and_then(|nonces| nonces.front().cloned());
        if self.by_nonce.len() - usize::from(oldest.is_some()) >= most {
            return Err(StoreError::Full);
        }
        if let Some(oldest) = oldest {
            self.drop_login(&oldest);
        }
        let expiry = self.expiries.push(end, nonce.clone());
        let login = Record { browser: browser.clone(), owner, state: State::Pending, expiry };
        self.by_nonce.insert(nonce.clone(), login);
        self.by_browser.entry(browser.clone()).or_default().push_back(nonce.clone());
        Ok(())
    }

    /// Returns when a login expires, if it has not ended.
    pub(super) fn pending_until(&self, nonce: &RequestId) -> Option<Instant> {
        self.by_nonce.get(nonce).filter(|login| !login.state.is_end()).map(|login| login.expiry.0)
    }

    pub(super) fn advance(&mut self, nonce: &RequestId, to: State) -> bool {
        let Some(login) = self.by_nonce.get_mut(nonce).filter(|login| login.state.leads_to(&to)) else { return false };
        login.state = to;
        true
    }

    pub(super) fn state(&self, browser: &BrowserId, nonce: Option<&RequestId>) -> Option<Login> {
        let nonce = nonce.or_else(|| self.by_browser.get(browser)?.back())?;
        let login = self.by_nonce.get(nonce).filter(|login| login.browser == *browser)?;
        Some(Login { nonce: nonce.clone(), owner: login.owner.clone(), state: login.state.clone() })
    }

    /// Drops the logins that have expired.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(nonce) = self.expiries.pop(now) {
            self.drop_login(&nonce);
        }
    }

    fn drop_login(&mut self, nonce: &RequestId) {
        let Some(login) = self.by_nonce.remove(nonce) else { return };
        self.expiries.remove(&login.expiry);
        if let Some(nonces) = self.by_browser.get_mut(&login.browser) {
            nonces.retain(|other| other != nonce);
            if nonces.is_empty() {
                self.by_browser.remove(&login.browser);
            }
        }
        if self.by_nonce.is_empty() {
            *self = Self::default();
        }
    }

    /// How much memory is taken, in logins.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.by_nonce.capacity() + self.by_browser.capacity() + self.expiries.due.len()
    }
}
