//! Logins and revocations in Redis or Valkey.

mod error;
mod fault;
mod key;
mod reconnect;
mod script;
mod server;
mod state;

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;

pub use self::error::RedisStoreError;
use self::{reconnect::Reconnect, script::Scripts, server::Server};
use super::{Cursor, LOGINS_PER_BROWSER, Login, REVOCATIONS_AT_ONCE, State, Store, StoreError, WatchedLogin};
use crate::{callback::RequestId, cause::Cause, session::BrowserId};

/// Keeps logins and revocations in Redis 6.0 or newer, or in Valkey, so that several gateways act as one.
///
/// Each method is one script on the server, and one round trip. It is answered within one second, connecting
/// included, or is unavailable; while the server cannot be reached, one caller in half a second tries to connect,
/// and all others are told at once.
///
/// What the server forgets is forgotten: without persistence, or with a failover, logins that ran must be started
/// again, and sessions that were revoked live on until they expire. It must not evict keys (`maxmemory-policy
/// noeviction`). All keys begin with `{truegate}:`, which keeps them in one slot; a client of a cluster it is not.
///
/// A login whose record is not what this store wrote is as if it never was, and so is the list of a browser. Where
/// what all share is not, the store is unavailable: the stream of revocations, and the ends of logins for new ones.
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
    /// A store on the server of a `redis://` or `rediss://` URL, for at most `max_pending` logins at once.
    ///
    /// Nothing is connected before it is needed. With `rediss://` the server's certificate is verified, by
    /// Mozilla's roots and those of [`trust`](Self::trust).
    ///
    /// # Errors
    ///
    /// When the URL is none of a Redis server. No error shows it, as it may hold a password.
    pub fn new(url: &str, max_pending: usize) -> Result<Self, RedisStoreError> {
        Ok(Self { reconnect: Reconnect::new(Server::parse(url)?), scripts: Scripts::new(), max_pending })
    }

    /// Trusts the certificates of a PEM file beside Mozilla's roots.
    ///
    /// # Errors
    ///
    /// When the file holds no certificate.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, RedisStoreError> {
        self.reconnect.server.trust(pem)?;
        Ok(self)
    }

    async fn open(
        &self,
        nonce: &RequestId,
        browser: &BrowserId,
        owner: &[u8],
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let mut call = self.scripts.open.key(key::login(nonce));
        call.key(key::browser(browser)).key(key::ENDS).arg(nonce.expose()).arg(browser.expose()).arg(owner);
        call.arg(key::milliseconds(lifetime)).arg(self.max_pending).arg(LOGINS_PER_BROWSER).arg(key::LOGIN);
        match self.reconnect.run::<String>(&call).await?.as_str() {
            "opened" => Ok(()),
            "full" => Err(StoreError::Full),
            "taken" => Err(Cause::Data.into()),
            _ => Err(Cause::Protocol.into()),
        }
    }

    async fn state(&self, browser: &BrowserId, nonce: Option<&RequestId>) -> Result<Option<Login>, StoreError> {
        let mut call = self.scripts.state.key(key::browser(browser));
        if let Some(nonce) = nonce {
            call.key(key::login(nonce));
        }
        call.arg(browser.expose()).arg(key::LOGIN).arg(LOGINS_PER_BROWSER).arg(nonce.map(RequestId::expose));
        let kept: Option<(String, Bytes, String, Bytes)> = self.reconnect.run(&call).await?;
        Ok(kept.and_then(|(nonce, owner, word, sealed)| state::login(&nonce, owner, &word, sealed)))
    }

    async fn moved(&self, watched: &[WatchedLogin]) -> Result<Vec<usize>, StoreError> {
        let mut call = self.scripts.moved.prepare_invoke();
        call.arg(key::LOGIN).arg(LOGINS_PER_BROWSER);
        for watched in watched {
            match &watched.asked {
                Some(nonce) => call.key(key::login(nonce)).arg("login"),
                None => call.key(key::browser(&watched.browser)).arg("newest"),
            };
            let (nonce, word) = watched.found.as_ref().map_or(("", ""), |(nonce, word)| (nonce.expose(), word));
            call.arg(watched.browser.expose()).arg(nonce).arg(word);
        }
        self.reconnect.run(&call).await
    }

    async fn revocations(&self, after: &Cursor) -> Result<(Vec<Bytes>, Cursor), StoreError> {
        let (generation, id) = key::parts(after);
        let mut call = self.scripts.revocations.key(key::REVOCATIONS);
        call.arg(generation).arg(id).arg(REVOCATIONS_AT_ONCE);
        let mut answer: Vec<Bytes> = self.reconnect.run(&call).await?;
        let later = answer.split_off(answer.len().min(2));
        let [generation, id] = answer.try_into().map_err(|_| Cause::Protocol)?;
        Ok((later, key::cursor(&generation, &id)))
    }
}

impl Store for RedisStore {
    fn open<'a>(
        &'a self,
        nonce: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.open(nonce, browser, &owner, lifetime).await })
    }

    fn time_left<'a>(&'a self, nonce: &'a RequestId) -> BoxFuture<'a, Result<Option<Duration>, StoreError>> {
        Box::pin(async move {
            let left: Option<u64> = self.reconnect.run(&self.scripts.time_left.key(key::login(nonce))).await?;
            Ok(left.map(Duration::from_millis))
        })
    }

    fn advance<'a>(&'a self, nonce: &'a RequestId, to: State) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut call = self.scripts.advance.key(key::login(nonce));
            self.reconnect.run(call.arg(to.word()).arg(state::sealed(&to))).await
        })
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        nonce: Option<&'a RequestId>,
    ) -> BoxFuture<'a, Result<Option<Login>, StoreError>> {
        Box::pin(self.state(browser, nonce))
    }

    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
        Box::pin(self.moved(watched))
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut call = self.scripts.revoke.key(key::REVOCATIONS);
            self.reconnect.run(call.arg(&*revocation).arg(key::milliseconds(lifetime))).await
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> BoxFuture<'a, Result<(Vec<Bytes>, Cursor), StoreError>> {
        Box::pin(self.revocations(after))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
