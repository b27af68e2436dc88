//! What the profile client promises: whom it asks, how often, what it believes and what it reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod answers;
mod asking;
mod connections;
mod native;
mod outages;
mod retries;
#[path = "../support/mod.rs"]
mod support;
mod trust;

use std::time::{Duration, Instant};

use truegate::{
    callback::{AccessToken, Grant, ProfileEndpoint, RequestId},
    cause::Cause,
    clock::{Clock, SystemClock},
    profile::{FetchError, Profile, ProfileClient, ProfileSource},
    simulator::{DOCUMENTED_TOKEN, Simulator},
};

/// The grant of the documented profile, from an endpoint that is the only one listed.
fn grant(endpoint: &str) -> Grant {
    grant_of(endpoint, DOCUMENTED_TOKEN)
}

fn grant_of(endpoint: &str, token: &str) -> Grant {
    let request_id = RequestId::parse("a-request_id-of-a-login").unwrap();
    Grant::new(request_id, AccessToken::parse(token).unwrap(), ProfileEndpoint::parse(endpoint).unwrap())
}

async fn fetch(client: &ProfileClient, grant: &Grant) -> Result<Profile, FetchError> {
    support::raw::within(client.fetch(grant, far())).await
}

/// What became of a fetch of the documented profile.
async fn outcome(client: &ProfileClient, endpoint: &str) -> Result<(), FetchError> {
    fetch(client, &grant(endpoint)).await.map(drop)
}

fn client(attempts: u32) -> ProfileClient {
    ProfileClient::builder().attempts(attempts).build().unwrap()
}

/// There is no profile, for this reason.
fn unavailable(cause: Cause) -> Result<(), FetchError> {
    Err(FetchError::Unavailable(cause.into()))
}

/// A deadline that does not come while the test runs.
fn far() -> Instant {
    SystemClock.now() + Duration::from_secs(3600)
}

/// A simulator with a certificate of its own for these names.
struct Secured {
    simulator: Simulator,
    certificate: String,
}

impl Secured {
    async fn start(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let pair = rcgen::generate_simple_self_signed(names).unwrap();
        let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
        let simulator = Simulator::builder().tls(certificate.clone(), key).start().await.unwrap();
        Self { simulator, certificate }
    }
}
