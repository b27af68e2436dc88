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
mod builder;
mod resolver;

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, header};
use tokio::sync::Semaphore;
use tower::retry::backoff::Backoff;

pub use self::builder::{ClientError, ProfileClientBuilder};
use super::{FetchError, Profile, ProfileFuture, ProfileSource};
use crate::{backoff, callback::Grant};

/// Fetches profiles with reqwest, over connections that are kept between callbacks.
///
/// It follows no redirect, reads no proxy variable, and asks for no compression. It connects to an address outside the public
/// Internet only if you [configure](ProfileClientBuilder::resolve) that address.
#[derive(Debug, Clone)]
pub struct ProfileClient {
    http: reqwest::Client,
    attempts: NonZeroU32,
    profile_limit: usize,
    /// One for each fetch that may run at once.
    permits: Arc<Semaphore>,
}

impl ProfileClient {
    /// Starts with the defaults; a gateway's configuration names them all.
    pub fn builder() -> ProfileClientBuilder {
        ProfileClientBuilder::default()
    }

    async fn fetch(&self, grant: &Grant, deadline: Instant) -> Result<Profile, FetchError> {
        let _permit = self.permits.acquire().await.expect("nobody closes the semaphore");
        let mut backoff = backoff::growing(PAUSE, LONGEST_PAUSE);
        for _ in 1..self.attempts.get() {
            let unavailable = match self.attempt(grant).await {
                Err(error @ FetchError::Unavailable(_)) => error,
                outcome => return outcome,
            };
            let pause = backoff.next_backoff();
            if pause.deadline().into_std() >= deadline {
                return Err(unavailable);
            }
            pause.await;
        }
        self.attempt(grant).await
    }

    async fn attempt(&self, grant: &Grant) -> Result<Profile, FetchError> {
        let request = self.http.get(grant.endpoint().url().clone());
        let request = request.header(header::AUTHORIZATION, bearer(grant)).header(header::CACHE_CONTROL, "no-cache");
        let response = request.send().await.map_err(answer::failed)?;
        answer::read(response, self.profile_limit).await
    }
}

impl ProfileSource for ProfileClient {
    fn fetch<'a>(&'a self, grant: &'a Grant, deadline: Instant) -> ProfileFuture<'a> {
        Box::pin(self.fetch(grant, deadline))
    }
}

fn bearer(grant: &Grant) -> HeaderValue {
    let bearer = format!("Bearer {}", grant.token().expose());
    let mut value = HeaderValue::try_from(bearer).expect("a token is visible ASCII");
    value.set_sensitive(true);
    value
}

const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
