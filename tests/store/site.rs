//! A site with several gateways on one store.

use std::{
    any::Any,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use truegate::{
    callback::RequestId,
    clock::ManualClock,
    session::BrowserId,
    store::{Login, LoginState, MemoryStore, RedisStore, RedisStoreError, Store},
};

use crate::{
    foreign::ForeignStore,
    support::redis::{Redis, cluster::Cluster, sentinel::Watched, until},
};

/// Two gateways, each with its way to the same store; more can be added.
pub struct Site {
    pub one: Arc<dyn Store>,
    pub other: Arc<dyn Store>,
    gateway: Box<dyn Fn() -> Arc<dyn Store> + Send>,
    time: Time,
}

enum Time {
    Manual(ManualClock),
    /// That of the servers, which end with the site.
    Real {
        _servers: Box<dyn Any + Send>,
    },
}

impl Site {
    /// On memory that keeps so many logins.
    pub fn in_memory(max_pending: usize) -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(MemoryStore::new(max_pending).clock(clock.clone()));
        Self::of(move || store.clone(), Time::Manual(clock))
    }

    /// On a store from outside of the crate that keeps so many logins.
    pub fn on_a_foreign_store(max_pending: usize) -> Self {
        let (database, clock) = (Arc::default(), ManualClock::default());
        let time = Time::Manual(clock.clone());
        let store =
            move || Arc::new(ForeignStore { database: Arc::clone(&database), max_pending, clock: clock.clone() });
        Self::of(move || store(), time)
    }

    /// On a Redis server that keeps so many logins.
    pub fn on_redis(max_pending: usize) -> Self {
        let server = Redis::start();
        let url = server.url();
        Self::on(server, move || RedisStore::new(&url, max_pending))
    }

    /// On a Redis server behind a Unix socket.
    pub fn on_a_socket(max_pending: usize) -> Self {
        let (server, url) = Redis::start_with_socket();
        Self::on(server, move || RedisStore::new(&url, max_pending))
    }

    /// On a Redis server that a Sentinel watches.
    pub fn on_sentinel(max_pending: usize) -> Self {
        let watched = Watched::start();
        let urls = watched.urls();
        Self::on(watched, move || RedisStore::sentinel(&urls, "mymaster", max_pending))
    }

    /// On a Redis cluster.
    pub fn on_a_cluster(max_pending: usize) -> Self {
        let cluster = Cluster::start();
        let urls = cluster.urls();
        Self::on(cluster, move || RedisStore::cluster(&urls, max_pending))
    }

    fn on(servers: impl Any + Send, store: impl Fn() -> Result<RedisStore, RedisStoreError> + Send + 'static) -> Self {
        Self::of(move || Arc::new(store().unwrap()), Time::Real { _servers: Box::new(servers) })
    }

    fn of(gateway: impl Fn() -> Arc<dyn Store> + Send + 'static, time: Time) -> Self {
        Self { one: gateway(), other: gateway(), gateway: Box::new(gateway), time }
    }

    /// Another gateway of the site.
    pub fn another(&self) -> Arc<dyn Store> {
        (self.gateway)()
    }

    /// Once a short lifetime has passed, and not before on a clock that can be told so, the condition holds.
    pub async fn once_short_has_passed(&self, mut condition: impl AsyncFnMut() -> bool) {
        match &self.time {
            Time::Manual(clock) => {
                clock.advance(SHORT - Duration::from_nanos(1));
                assert!(!condition().await, "too early");
                clock.advance(Duration::from_nanos(1));
                assert!(condition().await, "not in time");
            }
            Time::Real { .. } => until(condition).await,
        }
    }
}

/// The request id of a number.
pub fn request_id(number: usize) -> RequestId {
    RequestId::parse(&format!("{number:022}")).expect("digits are a request id")
}

/// Whose a login is: any bytes, of its own.
pub fn owner(request_id: &RequestId) -> Bytes {
    Bytes::from([b"\0\r\n\xff owner of ", request_id.expose().as_bytes()].concat())
}

/// A login as its browser sees it.
pub fn login(request_id: &RequestId, state: LoginState) -> Option<Login> {
    Some(Login { request_id: request_id.clone(), owner: owner(request_id), state })
}

/// A browser that nobody has seen.
pub fn browser() -> BrowserId {
    let random = RandomState::new().build_hasher().finish();
    BrowserId::parse(&format!("{random:022}")).expect("22 digits name a browser")
}

/// A lifetime that no test outlives.
pub const LONG: Duration = Duration::from_mins(10);

/// A lifetime that passes.
pub const SHORT: Duration = Duration::from_secs(3);
