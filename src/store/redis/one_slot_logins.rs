//! Logins on one server or one master, where all keys are in one slot: each step is one script.

use super::{
    KeptLogin, NewLogin,
    reconnect::Reconnect,
    script::{ENDS, LOGIN_PREFIX, Layout, Scripts, milliseconds},
};
use crate::{
    cause::Cause,
    session::BrowserId,
    store::{LOGINS_PER_BROWSER, StoreError, WatchedLogin},
};

/// The logins of one slot.
#[derive(Clone, Copy)]
pub(super) struct OneSlotLogins<'a> {
    pub(super) reconnect: &'a Reconnect,
    pub(super) scripts: &'a Scripts,
}

impl OneSlotLogins<'_> {
    pub(super) async fn open(self, login: &NewLogin<'_>) -> Result<(), StoreError> {
        let (request_id, browser) = (login.request_id.expose(), login.browser);
        let call = self.scripts.open.call().key(Layout::OneSlot.login_key(request_id));
        let call = call.key(Layout::OneSlot.browser_key(browser)).key(ENDS);
        let call = call.arg(request_id).arg(browser.expose()).arg(login.owner).arg(milliseconds(login.lifetime));
        let call = call.arg(login.max_pending).arg(LOGINS_PER_BROWSER).arg(LOGIN_PREFIX);
        match self.reconnect.run::<String>(&call).await?.as_str() {
            "opened" => Ok(()),
            "full" => Err(StoreError::Full),
            "taken" => Err(Cause::Data.into()),
            _ => Err(Cause::Protocol.into()),
        }
    }

    /// The newest login of a browser.
    pub(super) async fn newest(self, browser: &BrowserId) -> Result<Option<KeptLogin>, StoreError> {
        let call = self.scripts.newest.call().key(Layout::OneSlot.browser_key(browser));
        self.reconnect.run(&call.arg(browser.expose()).arg(LOGIN_PREFIX).arg(LOGINS_PER_BROWSER)).await
    }

    /// The places of the logins that are not as they were seen.
    pub(super) async fn moved(self, watched: &[WatchedLogin]) -> Result<Vec<usize>, StoreError> {
        let mut call = self.scripts.moved.call().arg(LOGIN_PREFIX).arg(LOGINS_PER_BROWSER);
        for login in watched {
            call = match &login.asked {
                Some(request_id) => call.key(Layout::OneSlot.login_key(request_id.expose())).arg("login"),
                None => call.key(Layout::OneSlot.browser_key(&login.browser)).arg("newest"),
            };
            let (request_id, word) =
                login.found.as_ref().map_or(("", ""), |(request_id, word)| (request_id.expose(), word));
            call = call.arg(login.browser.expose()).arg(request_id).arg(word);
        }
        self.reconnect.run(&call).await
    }
}
