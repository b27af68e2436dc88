//! The logins of all browsers, in memory.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{
    callback::RequestId,
    cause::Cause,
    session::BrowserId,
    store::{LOGINS_PER_BROWSER, Login, LoginState, StoreError},
};

#[derive(Default)]
pub(super) struct Logins {
    by_request_id: HashMap<RequestId, StoredLogin>,
    /// The request ids of a browser, the newest last. Most browsers have one login.
    by_browser: HashMap<BrowserId, SmallVec<[RequestId; 1]>>,
    ends: BTreeSet<(Instant, RequestId)>,
}

struct StoredLogin {
    browser: BrowserId,
    owner: Bytes,
    state: LoginState,
    end: Instant,
}

impl Logins {
    pub(super) fn open(
        &mut self,
        request_id: &RequestId,
        browser: &BrowserId,
        owner: Bytes,
        end: Instant,
        most: usize,
    ) -> Result<(), StoreError> {
        if self.by_request_id.contains_key(request_id) {
            return Err(Cause::Data.into());
        }
        let request_ids = self.by_browser.get(browser).filter(|request_ids| request_ids.len() >= LOGINS_PER_BROWSER);
        let oldest = request_ids.and_then(|request_ids| request_ids.first().cloned());
        if self.by_request_id.len() - usize::from(oldest.is_some()) >= most {
            return Err(StoreError::Full);
        }
        if let Some(oldest) = oldest {
            self.drop_login(&oldest);
        }
        self.ends.insert((end, request_id.clone()));
        let login = StoredLogin { browser: browser.clone(), owner, state: LoginState::Pending, end };
        self.by_request_id.insert(request_id.clone(), login);
        self.by_browser.entry(browser.clone()).or_default().push(request_id.clone());
        Ok(())
    }

    /// Returns when a login expires, if it has not ended.
    pub(super) fn pending_until(&self, request_id: &RequestId) -> Option<Instant> {
        self.by_request_id.get(request_id).filter(|login| !login.state.is_end()).map(|login| login.end)
    }

    pub(super) fn advance(&mut self, request_id: &RequestId, to: LoginState) -> bool {
        let Some(login) = self.by_request_id.get_mut(request_id).filter(|login| login.state.leads_to(&to)) else {
            return false;
        };
        login.state = to;
        true
    }

    pub(super) fn state(&self, browser: &BrowserId, request_id: Option<&RequestId>) -> Option<Login> {
        let request_id = request_id.or_else(|| self.by_browser.get(browser)?.last())?;
        let login = self.by_request_id.get(request_id).filter(|login| login.browser == *browser)?;
        Some(Login { request_id: request_id.clone(), owner: login.owner.clone(), state: login.state.clone() })
    }

    /// Drops the logins that have expired.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(request_id) = super::pop_ended(&mut self.ends, now) {
            self.drop_login(&request_id);
        }
    }

    fn drop_login(&mut self, request_id: &RequestId) {
        let Some(login) = self.by_request_id.remove(request_id) else { return };
        self.ends.remove(&(login.end, request_id.clone()));
        if let Some(request_ids) = self.by_browser.get_mut(&login.browser) {
            request_ids.retain(|other| other != request_id);
            if request_ids.is_empty() {
                self.by_browser.remove(&login.browser);
            }
        }
        if self.by_request_id.is_empty() {
            *self = Self::default();
        }
    }

    /// How much memory is taken, in logins.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.by_request_id.capacity() + self.by_browser.capacity() + self.ends.len()
    }
}
