//! The profile client: fetches profiles from Truecaller over HTTPS.
//!
//! ```
//! use truegate::{gate::Gate, profile::ProfileClient};
//!
//! let client = ProfileClient::builder().attempts(3).build()?;
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, client).build();
//! # drop(gate);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod breaker;
mod builder;
mod connections;
mod connector;
mod resolver;

use std::{
    collections::HashMap,
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderValue;
use tokio::{
    runtime::{self, Handle},
    sync::Semaphore,
};
use tower::retry::backoff::Backoff;

pub use self::builder::{ClientError, ProfileClientBuilder};
use self::{connections::Connections, connector::Connector};
use super::{FetchError, Profile, ProfileFuture, ProfileSource};
use crate::{
    backoff,
    callback::{Endpoints, Grant, ProfileEndpoint},
    clock::Clock,
};

/// Fetches profiles with hyper, over connections that are kept between callbacks.
///
/// It follows no redirect, reads no proxy variable, and asks for no compression. It connects to an address outside the public
/// Internet only if you [configure](ProfileClientBuilder::resolve) that address.
///
/// The first callback for an endpoint opens the connection to it, unless [`connect`](Self::connect) did. From then on, an HTTP/2
/// connection is kept alive by pings, and opened again when it is lost, until a day has passed without a callback; no request
/// is sent for that. While an endpoint cannot be connected to, callbacks for it fail without an attempt
/// of their own, or wait up to 250 ms for the next one. The first one that comes 100 ms
/// after a failure tries again; in a long outage, one tries every 2 s.
///
/// Each tokio runtime has connections of its own, so a runtime that is stuck holds up no callback of another one, unless its own
/// fetches are as many as [may run at once](ProfileClientBuilder::concurrency). The client keeps a little memory for each runtime
/// that has used it. If an HTTP/2 connection says nothing until the deadline of a fetch, because the network has lost it, the next
/// callback opens another one.
#[derive(Clone)]
pub struct ProfileClient {
    connector: Connector,
    clock: Arc<dyn Clock>,
    attempts: NonZeroU32,
    profile_limit: usize,
    concurrency: NonZeroUsize,
    /// Those that a grant has named. Only listed endpoints are named.
    endpoints: Arc<Mutex<HashMap<ProfileEndpoint, KnownEndpoint>>>,
}

/// An endpoint with its connections. Each runtime has its own: a runtime that is stuck drives no connection, and waking another
/// thread costs far more than a fetch.
struct KnownEndpoint {
    /// One for each fetch that may run at once.
    permits: Arc<Semaphore>,
    connections: HashMap<runtime::Id, Arc<Connections>>,
}

impl ProfileClient {
    /// Starts with the defaults; a gateway's configuration names them all.
    pub fn builder() -> ProfileClientBuilder {
        ProfileClientBuilder::default()
    }

    /// Opens the connections to these endpoints ahead of the first callbacks of the current runtime, and keeps them open for as long
    /// as after a callback. It does not wait for that, and sends no request.
    ///
    /// # Panics
    ///
    /// When it is called outside of a tokio runtime.
    pub fn connect(&self, endpoints: &Endpoints) {
        endpoints.iter().for_each(|endpoint| self.connections(endpoint).connect());
    }

    async fn fetch(&self, grant: &Grant, deadline: Instant) -> Result<Profile, FetchError> {
        let connections = self.connections(grant.endpoint());
        let _permit = connections.permits.acquire().await.expect("nobody closes the semaphore");
        let bearer = bearer(grant);
        let mut backoff = None;
        for _ in 1..self.attempts.get() {
            let unavailable = match self.attempt(&connections, &bearer, deadline).await {
                Err(error @ FetchError::Unavailable(_)) => error,
                outcome => return outcome,
            };
            let pause = backoff.get_or_insert_with(|| backoff::growing(PAUSE, LONGEST_RETRY_PAUSE)).next_backoff();
            if pause.deadline().into_std() >= deadline {
                return Err(unavailable);
            }
            pause.await;
        }
        self.attempt(&connections, &bearer, deadline).await
    }

    async fn attempt(
        &self,
        connections: &Arc<Connections>,
        bearer: &HeaderValue,
        deadline: Instant,
    ) -> Result<Profile, FetchError> {
        let (response, connection) = connections.ask(bearer, deadline).await?;
        let profile = answer::read(response, self.profile_limit).await?;
        connections.give_back(connection);
        Ok(profile)
    }

    /// The connections of the current runtime.
    fn connections(&self, endpoint: &ProfileEndpoint) -> Arc<Connections> {
        let runtime = Handle::current().id();
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = endpoints.get(endpoint).and_then(|known| known.connections.get(&runtime)) {
            return Arc::clone(connections);
        }
        let known = endpoints.entry(endpoint.clone()).or_insert_with(|| KnownEndpoint {
            permits: Arc::new(Semaphore::new(self.concurrency.get())),
            connections: HashMap::new(),
        });
        let (connector, clock) = (self.connector.clone(), Arc::clone(&self.clock));
        let new = Arc::new(Connections::new(endpoint, connector, clock, Arc::clone(&known.permits)));
        Arc::clone(known.connections.entry(runtime).or_insert(new))
    }
}

impl fmt::Debug for ProfileClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileClient").finish_non_exhaustive()
    }
}

impl ProfileSource for ProfileClient {
    fn fetch<'a>(&'a self, grant: &'a Grant, deadline: Instant) -> ProfileFuture<'a> {
        Box::pin(self.fetch(grant, deadline))
    }
}

fn bearer(grant: &Grant) -> HeaderValue {
    let bearer = ["Bearer ", grant.token().expose()].concat();
    let mut value = HeaderValue::try_from(bearer).expect("a token is visible ASCII");
    value.set_sensitive(true);
    value
}

const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
