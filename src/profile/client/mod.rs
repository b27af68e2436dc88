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
mod endpoints;
mod request;
mod resolver;

use std::{
    fmt,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header};
use tower::retry::backoff::Backoff;

pub use self::builder::{ClientError, ProfileClientBuilder};
use self::{
    answer::Answer,
    connections::Unanswered,
    endpoints::{ConnectedEndpoint, KnownEndpoints},
};
pub(crate) use self::{
    answer::judge,
    request::{EndpointRequest, Target},
};
use super::{FetchError, Profile, ProfileFuture, ProfileSource};
use crate::{
    backoff,
    callback::{AccessToken, Endpoints, Grant, ProfileEndpoint},
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
/// Endpoints of one origin share its connections. Each tokio runtime has connections of its own, so a runtime that is stuck holds up
/// no callback of another one, unless its own fetches are as many as [may run at once](ProfileClientBuilder::concurrency). The client
/// keeps a little memory for each runtime that has used it. If an HTTP/2 connection says nothing until the deadline of a fetch,
/// because the network has lost it, the next callback opens another one.
#[derive(Clone)]
pub struct ProfileClient {
    clock: Arc<dyn Clock>,
    attempts: NonZeroU32,
    profile_limit: usize,
    endpoints: Arc<KnownEndpoints>,
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
        endpoints.iter().for_each(|endpoint| self.open_ahead(endpoint));
    }

    /// Opens the connection to one endpoint ahead of its first request.
    pub(crate) fn open_ahead(&self, endpoint: &ProfileEndpoint) {
        self.endpoints.connected(endpoint).connections.connect();
    }

    /// The clock of the connections.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn fetch(&self, grant: &Grant, deadline: Instant) -> Result<Profile, FetchError> {
        let request = EndpointRequest {
            endpoint: grant.endpoint(),
            target: None,
            header: (&header::AUTHORIZATION, &bearer(grant.token())),
            post: None,
            judge: |status| match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(FetchError::Refused),
                status => judge(status),
            },
        };
        let answer = self.ask(&request, deadline).await?;
        Profile::parse(&answer.body)
    }

    /// Sends a request, again if need be, and reads the answer to its end.
    pub(crate) async fn ask(&self, request: &EndpointRequest<'_>, deadline: Instant) -> Result<Answer, FetchError> {
        let endpoint = self.endpoints.connected(request.endpoint);
        let _permit = endpoint.permits.acquire().await.expect("nobody closes the semaphore");
        let mut backoff = None;
        for _ in 1..self.attempts.get() {
            let unavailable = match self.attempt(&endpoint, request, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(Unanswered { error: error @ FetchError::Unavailable(_), is_sent })
                    if !is_sent || request.is_repeatable() =>
                {
                    error
                }
                Err(Unanswered { error, .. }) => return Err(error),
            };
            let pause = backoff.get_or_insert_with(|| backoff::growing(PAUSE, LONGEST_RETRY_PAUSE)).next_backoff();
            if pause.deadline().into_std() >= deadline {
                return Err(unavailable);
            }
            pause.await;
        }
        self.attempt(&endpoint, request, deadline).await.map_err(|unanswered| unanswered.error)
    }

    async fn attempt(
        &self,
        endpoint: &ConnectedEndpoint,
        request: &EndpointRequest<'_>,
        deadline: Instant,
    ) -> Result<Answer, Unanswered> {
        let target = request.target.unwrap_or(&endpoint.target);
        let (response, connection) = endpoint.connections.ask(request, target, deadline).await?;
        let answer = answer::read(response, request, self.profile_limit).await?;
        endpoint.connections.give_back(connection);
        Ok(answer)
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

/// The header value that brings a token.
pub(crate) fn bearer(token: &AccessToken) -> HeaderValue {
    let bearer = ["Bearer ", token.expose()].concat();
    let mut value = HeaderValue::try_from(bearer).expect("a token is visible ASCII");
    value.set_sensitive(true);
    value
}

const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
