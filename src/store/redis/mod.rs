//! Logins and revocations in Redis or Valkey.

mod cluster;
mod cluster_logins;
mod error;
mod node;
mod one_slot_logins;
mod reconnect;
mod script;
mod sentinel;
mod server;
mod stream;
mod topology;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

pub use self::error::RedisStoreError;
use self::{
    cluster::Nodes,
    cluster_logins::ClusterLogins,
    one_slot_logins::OneSlotLogins,
    reconnect::Reconnect,
    script::{Layout, REVOCATIONS, Scripts, milliseconds},
    sentinel::Sentinels,
    server::Server,
    stream::{Entry, Place},
    topology::Topology,
};
use super::{Cursor, Login, LoginState, Store, StoreError, StoreFuture, WatchedLogin};
use crate::{
    callback::RequestId,
    cause::Cause,
    clock::{Clock, SystemClock},
    session::BrowserId,
};

/// Keeps logins and revocations in Redis 6.0 or newer, or in Valkey, so that several gateways act as one.
///
/// Redis may be [one server](Self::new), a master with replicas that [Sentinels watch](Self::sentinel), or a
/// [cluster](Self::cluster). A call is answered within one second, with the time to connect, or the store is unavailable. While
/// no server can be reached, one caller tries to connect every quarter to half of a second, and all other calls fail at once.
/// A call that a server may have received is never sent again.
///
/// On one server and behind Sentinels, each method is one script or command, and one round trip, or two if the revocation of a
/// cursor has expired or is lost. All keys begin with `{truegate}:`, which keeps them in one slot. In a cluster, each login and each list of a
/// browser's logins is in a slot of its own, `truegate:login:{…}` and `truegate:browser:{…}`. Only the revocations and the bound
/// on logins are in the slot of `{truegate}`. There [`open`](Store::open) takes four round trips, and creates the login with the
/// last. If it is cut off before, the login does not exist, but counts for the bound until it would have expired.
///
/// The store is as durable as its servers. If a server loses data, because it has no persistence or after a failover, users who
/// were logging in must start again, and sessions that were revoked are valid again until they expire. The servers must not evict
/// keys (`maxmemory-policy noeviction`).
///
/// Behind Sentinels, the store asks all of them where the master is, and believes the one that knows of the latest failover. It
/// asks when it connects, and every two seconds while it is used. In a cluster, it finds the new master of a slot when the old
/// one fails or redirects it.
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
    reconnect: Arc<Reconnect>,
    scripts: Arc<Scripts>,
    max_pending: usize,
}

impl RedisStore {
    /// Creates a store on one server, for at most `max_pending` logins at once. The URL is one of these:
    ///
    /// - `redis://user:password@host:6379/0`, or `valkey://…`;
    /// - `rediss://…` or `valkeys://…` for TLS: the server's certificate is verified, by Mozilla's roots and those of
    ///   [`trust`](Self::trust);
    /// - `unix:/run/redis.sock?db=0&user=…&pass=…`, or `redis+unix:…`, for a Unix socket.
    ///
    /// The store connects at the first call.
    ///
    /// # Errors
    ///
    /// When the URL is not that of a Redis server. No error shows the URL, because it may contain a password.
    pub fn new(url: &str, max_pending: usize) -> Result<Self, RedisStoreError> {
        Ok(Self::on(Topology::One(Server::parse(url)?), max_pending))
    }

    /// Creates a store on the master that Sentinels watch, for at most `max_pending` logins at once.
    ///
    /// The URLs are those of the Sentinels, whose port is usually 26379. A user and a password in them are for the Sentinel
    /// itself. `master` is the name of the master, or a URL with this name in place of a host: `redis://:password@mymaster/0`,
    /// or `rediss://…` for TLS. With TLS, the certificate of a server must be for the address that the Sentinels give.
    ///
    /// ```
    /// use truegate::store::RedisStore;
    ///
    /// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
    /// let store = RedisStore::sentinel(&sentinels, "redis://:password@mymaster", 100_000)?;
    /// # drop(store);
    /// # Ok::<_, truegate::store::RedisStoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a URL is not that of a server, or has a database, or when the master has no proper name.
    pub fn sentinel(sentinels: &[impl AsRef<str>], master: &str, max_pending: usize) -> Result<Self, RedisStoreError> {
        Ok(Self::on(Topology::Sentinel(Sentinels::parse(sentinels, master)?), max_pending))
    }

    /// Creates a store on a cluster, for about `max_pending` logins at once.
    ///
    /// The URLs are those of some of its servers; the store asks them for the others. They have the same user, password and
    /// scheme. With `rediss://`, the certificate of each server must be for the address or host name by which the cluster
    /// names the server.
    ///
    /// ```
    /// use truegate::store::RedisStore;
    ///
    /// let store = RedisStore::cluster(&["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"], 100_000)?;
    /// # drop(store);
    /// # Ok::<_, truegate::store::RedisStoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a URL is not that of a server, has a database or is a Unix socket, or when the URLs differ in more than the address.
    pub fn cluster(servers: &[impl AsRef<str>], max_pending: usize) -> Result<Self, RedisStoreError> {
        Ok(Self::on(Topology::Cluster(Nodes::parse(servers)?), max_pending))
    }

    fn on(topology: Topology, max_pending: usize) -> Self {
        let reconnect = Arc::new(Reconnect::new(topology, Arc::new(SystemClock)));
        Self { reconnect, scripts: Arc::new(Scripts::new()), max_pending }
    }

    /// Trusts the certificates of a PEM file besides Mozilla's roots.
    ///
    /// # Errors
    ///
    /// When the file has no certificate.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, RedisStoreError> {
        let mut topology = self.reconnect.topology.clone();
        topology.trust(pem)?;
        let clock = Arc::clone(&self.reconnect.clock);
        self.reconnect = Arc::new(Reconnect::new(topology, clock));
        Ok(self)
    }

    /// Sets the clock for the pauses before a new connection. Defaults to the machine's: the clock of
    /// [`GateBuilder::clock`](crate::gate::GateBuilder::clock) does not reach the store.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let topology = self.reconnect.topology.clone();
        self.reconnect = Arc::new(Reconnect::new(topology, Arc::new(clock)));
        self
    }

    /// The same store on the same connections, for at most `max_pending` logins at once.
    #[cfg(feature = "gateway")]
    pub(crate) fn bounded(&self, max_pending: usize) -> Self {
        Self { reconnect: Arc::clone(&self.reconnect), scripts: Arc::clone(&self.scripts), max_pending }
    }

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

/// A login to open.
struct NewLogin<'a> {
    request_id: &'a RequestId,
    browser: &'a BrowserId,
    owner: &'a [u8],
    lifetime: Duration,
    /// How many logins there may be at once, with this one.
    max_pending: usize,
}

/// A login as the scripts return it: its request id and owner, the word of its state and what is sealed in it.
type KeptLogin = (String, Bytes, String, Bytes);

fn read_login(kept: Option<KeptLogin>) -> Option<Login> {
    let (request_id, owner, word, sealed) = kept?;
    Some(Login { request_id: RequestId::parse(&request_id)?, owner, state: LoginState::from_word(&word, sealed)? })
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
