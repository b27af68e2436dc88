//! Logins and revocations in Redis or Valkey.

mod error;
mod reconnect;
mod script;
mod server;
mod stream;

use std::{fmt, time::Duration};

use bytes::Bytes;

pub use self::error::RedisStoreError;
use self::{
    reconnect::Reconnect,
    script::{ENDS, LOGIN_PREFIX, REVOCATIONS, Scripts, browser_key, login_key, milliseconds},
    server::Server,
    stream::{Entry, Place},
};
use super::{Cursor, LOGINS_PER_BROWSER, Login, LoginState, Store, StoreError, StoreFuture, WatchedLogin};
use crate::{callback::RequestId, cause::Cause, clock::Clock, session::BrowserId};

/// Keeps logins and revocations in Redis 6.0 or newer, or in Valkey, so that several gateways act as one.
///
/// Each method is one script or command on the server, and one round trip, or two after the server has lost revocations. A call
/// is answered within one second, with the time to connect, or the store is unavailable. While the server cannot be reached,
/// one caller tries to connect every quarter to half of a second, and all other calls fail at once.
///
/// The store is as durable as its server. If the server loses data, because it has no persistence or after a failover, users who
/// were logging in must start again, and sessions that were revoked are valid again until they expire. The server must not evict
/// keys (`maxmemory-policy noeviction`). All keys begin with `{truegate}:`, which keeps them in one slot, but the store does not
/// follow the redirections of a cluster.
///
/// The store ignores a login or a browser's list of logins that it did not write. If another program has changed the stream of
/// revocations, the store is unavailable. If it has changed the expiry times that all logins share, no login can be started.
///
/// ```
/// use truegate::store::RedisStore;
///
/// // The server may start later.
/// let store = RedisStore::new("rediss://:password@redis.internal:6380/0", 100_000)?;
/// # drop(store);
/// # Ok::<_, truegate::store::RedisStoreError>(())
/// ```
pub struct RedisStore {
    reconnect: Reconnect,
    scripts: Scripts,
    max_pending: usize,
}

impl RedisStore {
    /// Creates a store on the server of a `redis://` or `rediss://` URL, for at most `max_pending` logins at once.
    ///
    /// The store connects at the first call. With `rediss://` the server's certificate is verified, by Mozilla's roots and those
    /// of [`trust`](Self::trust).
    ///
    /// # Errors
    ///
    /// When the URL is not that of a Redis server. No error shows the URL, because it may contain a password.
    pub fn new(url: &str, max_pending: usize) -> Result<Self, RedisStoreError> {
        Ok(Self { reconnect: Reconnect::new(Server::parse(url)?), scripts: Scripts::new(), max_pending })
    }

    /// Trusts the certificates of a PEM file besides Mozilla's roots.
    ///
    /// # Errors
    ///
    /// When the file has no certificate.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, RedisStoreError> {
        self.reconnect.server.trust(pem)?;
        Ok(self)
    }

    /// Sets the clock for the pauses before a new connection. Defaults to the machine's: the clock of
    /// [`GateBuilder::clock`](crate::gate::GateBuilder::clock) does not reach the store.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.reconnect.clock = Box::new(clock);
        self
    }

    /// Returns a page of the revocations from a place on.
    async fn entries(&self, place: &Place<'_>) -> Result<Vec<Entry>, StoreError> {
        Ok(stream::read(self.reconnect.run(&place.page()).await?)?)
    }
}

impl Store for RedisStore {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut call = self.scripts.open.key(login_key(request_id));
            call.key(browser_key(browser)).key(ENDS).arg(request_id.expose()).arg(browser.expose()).arg(&*owner);
            call.arg(milliseconds(lifetime)).arg(self.max_pending).arg(LOGINS_PER_BROWSER).arg(LOGIN_PREFIX);
            match self.reconnect.run::<String>(&call).await?.as_str() {
                "opened" => Ok(()),
                "full" => Err(StoreError::Full),
                "taken" => Err(Cause::Data.into()),
                _ => Err(Cause::Protocol.into()),
            }
        })
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        Box::pin(async move {
            let left: Option<u64> = self.reconnect.run(&self.scripts.time_left.key(login_key(request_id))).await?;
            Ok(left.map(Duration::from_millis))
        })
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut call = self.scripts.advance.key(login_key(request_id));
            self.reconnect.run(call.arg(to.word()).arg(to.sealed())).await
        })
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        Box::pin(async move {
            let mut call = self.scripts.state.key(browser_key(browser));
            if let Some(request_id) = request_id {
                call.key(login_key(request_id));
            }
            call.arg(browser.expose()).arg(LOGIN_PREFIX).arg(LOGINS_PER_BROWSER).arg(request_id.map(RequestId::expose));
            let kept: Option<(String, Bytes, String, Bytes)> = self.reconnect.run(&call).await?;
            Ok(kept.and_then(|(request_id, owner, word, sealed)| {
                Some(Login {
                    request_id: RequestId::parse(&request_id)?,
                    owner,
                    state: LoginState::from_word(&word, sealed)?,
                })
            }))
        })
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        Box::pin(async move {
            let mut call = self.scripts.moved.prepare_invoke();
            call.arg(LOGIN_PREFIX).arg(LOGINS_PER_BROWSER);
            for login in watched {
                match &login.asked {
                    Some(request_id) => call.key(login_key(request_id)).arg("login"),
                    None => call.key(browser_key(&login.browser)).arg("newest"),
                };
                let (request_id, word) =
                    login.found.as_ref().map_or(("", ""), |(request_id, word)| (request_id.expose(), word));
                call.arg(login.browser.expose()).arg(request_id).arg(word);
            }
            self.reconnect.run(&call).await
        })
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut call = self.scripts.revoke.key(REVOCATIONS);
            self.reconnect.run(call.arg(&*revocation).arg(milliseconds(lifetime))).await
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        Box::pin(async move {
            let place = Place::of(after);
            let entries = self.entries(&place).await?;
            if place.is_among(&entries) {
                return Ok(stream::behind(after, &place, entries));
            }
            let start = Place::default();
            let mut entries = self.entries(&start).await?;
            // All of the place's own stream that is left came before the place.
            if place.is_among(&entries) {
                entries.clear();
            }
            // Another stream may have an entry with the id of the place, too.
            Ok(stream::behind(after, &start, entries))
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
