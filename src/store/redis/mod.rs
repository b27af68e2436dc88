//! Logins and revocations in Redis or Valkey.

mod calls;
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

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::error::RedisStoreError;
use self::{
    cluster::Nodes, reconnect::Reconnect, script::Scripts, sentinel::Sentinels, server::Server, topology::Topology,
};
use crate::{
    callback::RequestId,
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
/// on logins are in the slot of `{truegate}`. There [`open`](super::Store::open) takes four round trips, and creates the login with the
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

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("max_pending", &self.max_pending).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
