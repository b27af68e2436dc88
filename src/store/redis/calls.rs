//! The calls of the store, as scripts and commands.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{
    KeptLogin, NewLogin, RedisStore,
    cluster_logins::ClusterLogins,
    one_slot_logins::OneSlotLogins,
    script::{Layout, REVOCATIONS, milliseconds},
    stream::{self, Entry, Place},
};
use crate::{
    callback::RequestId,
    cause::Cause,
    session::BrowserId,
    store::{Cursor, Login, LoginState, Store, StoreError, StoreFuture, WatchedLogin},
};

impl Store for RedisStore {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let login = NewLogin { request_id, browser, owner: &owner, lifetime, max_pending: self.max_pending };
            match self.layout() {
                Layout::OneSlot => self.one_slot_logins().open(&login).await,
                Layout::Spread => self.cluster_logins().open(&login).await,
            }
        })
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        Box::pin(async move {
            let call = self.scripts.time_left.call().key(self.layout().login_key(request_id.expose()));
            let left: Option<u64> = self.reconnect.run(&call).await?;
            Ok(left.map(Duration::from_millis))
        })
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let call = self.scripts.advance.call().key(self.layout().login_key(request_id.expose()));
            self.reconnect.run(&call.arg(to.word()).arg(to.sealed())).await
        })
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        Box::pin(async move {
            if let Some(request_id) = request_id {
                return self.login(browser, request_id.expose()).await;
            }
            match self.layout() {
                Layout::OneSlot => Ok(read_login(self.one_slot_logins().newest(browser).await?)),
                Layout::Spread => {
                    for request_id in self.cluster_logins().request_ids(browser).await?.iter().rev() {
                        if let Some(login) = self.login(browser, request_id).await? {
                            return Ok(Some(login));
                        }
                    }
                    Ok(None)
                }
            }
        })
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        Box::pin(async move {
            match self.layout() {
                Layout::OneSlot => self.one_slot_logins().moved(watched).await,
                Layout::Spread => self.cluster_logins().moved(watched).await,
            }
        })
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let call = self.scripts.revoke.call().key(REVOCATIONS).arg(&*revocation).arg(milliseconds(lifetime));
            self.reconnect.run(&call).await
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        Box::pin(async move {
            let place = Place::of(after);
            let page = self.page(&place).await?;
            if place.begins(&page) {
                let (revocations, cursor) = stream::behind(&place, page);
                return Ok((revocations, cursor.unwrap_or_else(|| after.clone())));
            }
            // The entry of the place has expired, or it is lost. If it has expired, so has each entry before it, and the whole
            // stream is what came later. If it is lost, the stream may have gone on with lower ids, so all of it is read again.
            // The new cursor is then behind an entry that exists, or before all, and the next question finds it.
            let (revocations, cursor) = stream::behind(&Place::BeforeAll, self.page(&Place::BeforeAll).await?);
            Ok((revocations, cursor.unwrap_or_default()))
        })
    }

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(async move {
            // The key names the server that keeps the revocations: in a cluster, each has a clock of its own.
            let call = self.scripts.time.call().key(REVOCATIONS);
            let (seconds, microseconds): (u64, u64) = self.reconnect.run(&call).await?;
            let elapsed = Duration::from_secs(seconds).checked_add(Duration::from_micros(microseconds));
            let time = elapsed.and_then(|elapsed| UNIX_EPOCH.checked_add(elapsed));
            time.ok_or_else(|| Cause::Data.into())
        })
    }
}

impl RedisStore {
    fn layout(&self) -> Layout {
        self.reconnect.topology.layout()
    }

    fn one_slot_logins(&self) -> OneSlotLogins<'_> {
        OneSlotLogins { reconnect: &self.reconnect, scripts: &self.scripts }
    }

    fn cluster_logins(&self) -> ClusterLogins {
        ClusterLogins { reconnect: Arc::clone(&self.reconnect), scripts: Arc::clone(&self.scripts) }
    }

    /// Returns a login of a browser by its request id.
    async fn login(&self, browser: &BrowserId, request_id: &str) -> Result<Option<Login>, StoreError> {
        let call = self.scripts.state.call().key(self.layout().login_key(request_id));
        Ok(read_login(self.reconnect.run(&call.arg(browser.expose()).arg(request_id)).await?))
    }

    /// Returns a page of the revocations from a place on.
    async fn page(&self, place: &Place<'_>) -> Result<Vec<Entry>, StoreError> {
        Ok(stream::read(self.reconnect.run(&place.page()).await?)?)
    }
}

fn read_login(kept: Option<KeptLogin>) -> Option<Login> {
    let (request_id, owner, word, sealed) = kept?;
    Some(Login { request_id: RequestId::parse(&request_id)?, owner, state: LoginState::from_word(&word, sealed)? })
}
