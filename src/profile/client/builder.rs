//! Building a profile client.

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use super::{
    ProfileClient,
    connector::{Connector, HTTP_2, HTTP_11},
    endpoints::KnownEndpoints,
    resolver::PublicResolver,
};
use crate::{
    clock::{Clock, SystemClock},
    tls::{self, NoCertificate},
};

/// Builds a [`ProfileClient`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct ProfileClientBuilder {
    pub(crate) connect_timeout: Duration,
    pub(crate) attempts: NonZeroU32,
    pub(crate) profile_limit: usize,
    pub(crate) concurrency: NonZeroUsize,
    /// Certificates to trust besides the usual roots, as PEM; none if it is empty.
    pub(crate) trusted: Vec<u8>,
    /// The addresses to connect to for a host, in place of its DNS addresses.
    pub(crate) resolve: HashMap<String, SocketAddr>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ProfileClientBuilder {
    /// Sets how long it may take to connect, TLS handshake included. Defaults to 1 second.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the most requests for one answer, with retries. Defaults to 2; 0 means 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Sets the largest profile, and the largest answer of any endpoint, in bytes. Defaults to 64 KiB.
    pub fn profile_limit(mut self, bytes: usize) -> Self {
        self.profile_limit = bytes;
        self
    }

    /// Sets how many profiles are fetched at once from one endpoint. Defaults to 256. Later fetches wait, but not beyond their
    /// deadline.
    pub fn concurrency(mut self, fetches: NonZeroUsize) -> Self {
        self.concurrency = fetches;
        self
    }

    /// Trusts the certificates of a PEM file besides Mozilla's roots: for simulators and egress proxies.
    pub fn trust(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trusted = pem.into();
        self
    }

    /// Connects to `address` for a host, as curl's `--connect-to` does: for simulators and egress set-ups.
    ///
    /// The port of an endpoint's URL, if it names one, has priority. TLS still requires a certificate of the host.
    pub fn resolve(mut self, host: impl Into<String>, address: SocketAddr) -> Self {
        self.resolve.insert(host.into(), address);
        self
    }

    /// Sets the clock that says how old connections, answers of DNS and failures are. Defaults to the machine's. Timeouts,
    /// the pauses between attempts and HTTP/2 pings follow tokio's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether it builds a client that asks as the other one's does, by the same clock.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let Self { connect_timeout, attempts, profile_limit, concurrency, trusted, resolve, clock: _ } = self;
        *connect_timeout == other.connect_timeout
            && *attempts == other.attempts
            && *profile_limit == other.profile_limit
            && *concurrency == other.concurrency
            && *trusted == other.trusted
            && *resolve == other.resolve
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// When the trusted file holds no certificate.
    pub fn build(self) -> Result<ProfileClient, ClientError> {
        let mut tls = tls::config(&self.trusted)?;
        tls.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_11.to_vec()];
        let resolver = PublicResolver::new(self.resolve, Arc::clone(&self.clock));
        let connector = Connector::new(resolver, tls, self.connect_timeout);
        Ok(ProfileClient {
            attempts: self.attempts,
            profile_limit: self.profile_limit,
            endpoints: Arc::new(KnownEndpoints::new(connector, Arc::clone(&self.clock), self.concurrency)),
            clock: self.clock,
        })
    }
}

impl Default for ProfileClientBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            attempts: NonZeroU32::new(2).expect("two is not zero"),
            profile_limit: 64 * 1024,
            concurrency: NonZeroUsize::new(256).expect("256 is not zero"),
            trusted: Vec::new(),
            resolve: HashMap::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

redacted!(ProfileClientBuilder);

/// The reason why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The file to trust is not a PEM file, or holds no certificate.
    #[error("no certificate could be read from the trusted PEM file")]
    Certificate(#[source] Box<dyn Error + Send + Sync>),
}

impl From<NoCertificate> for ClientError {
    fn from(error: NoCertificate) -> Self {
        Self::Certificate(error.into())
    }
}
