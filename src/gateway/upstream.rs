//! The app behind the gateway: its addresses, and where a request may still be sent.

use std::{
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::header;
use pingora_core::{
    Result,
    upstreams::peer::{HttpPeer, Peer},
};
use pingora_http::RequestHeader;
use tokio::time::timeout;

use super::{
    config::{Timeouts, UpstreamConfig},
    watcher::{Freshness, Reason, Watched},
};
use crate::{cause::Cause, headers::HeaderTarget};

/// The upstream, with the current addresses of its name.
pub(super) struct ResolvedUpstream {
    pub(super) config: UpstreamConfig,
    timeouts: Timeouts,
    addresses: RwLock<Addresses>,
    /// How many new connections were asked for.
    fresh: AtomicU64,
}

/// The addresses of the upstream; those that failed last come last.
pub(super) type Addresses = Arc<[SocketAddr]>;

/// The addresses to which one request may still be sent.
pub(super) struct Attempts {
    addresses: Addresses,
    /// How many of them were tried.
    tried: usize,
    /// The address to which the request is sent again, on a new connection.
    again: Option<SocketAddr>,
    /// Whether it was sent to a second address.
    moved_on: bool,
}

impl Attempts {
    /// Plans to send the request again after the connection to an address was lost. Returns whether it may be sent again.
    ///
    /// The app may close a kept connection at any time, so the same address is tried once more.
    pub(super) fn plan_again(&mut self, address: Option<SocketAddr>, was_reused: bool) -> bool {
        self.again = match was_reused {
            true => address,
            false if self.moved_on => None,
            false => {
                self.moved_on = true;
                self.next_address()
            }
        };
        self.again.is_some()
    }

    /// Whether there is an address that was not tried yet.
    pub(super) fn are_left(&self) -> bool {
        self.tried < self.addresses.len()
    }

    fn next_address(&mut self) -> Option<SocketAddr> {
        let address = self.addresses.get(self.tried).copied()?;
        self.tried += 1;
        Some(address)
    }
}

impl ResolvedUpstream {
    /// An upstream whose name is not resolved yet.
    pub(super) fn new(config: UpstreamConfig, timeouts: Timeouts) -> Self {
        Self { config, timeouts, addresses: RwLock::new(Arc::new([])), fresh: AtomicU64::new(0) }
    }

    /// Resolves the name. If that fails or changes nothing, the addresses and their order stay the same.
    pub(super) async fn resolve(&self) -> Freshness {
        let found = tokio::net::lookup_host((self.config.host.as_str(), self.config.port));
        let cause = match timeout(LOOKUP_TIMEOUT, found).await.map(|found| found.map(Iterator::collect::<Vec<_>>)) {
            Ok(Ok(found)) if !found.is_empty() => {
                self.replace(found);
                return Freshness::Current;
            }
            Ok(_) => Cause::Dns,
            Err(_) => Cause::Timeout,
        };
        tracing::warn!(
            cause = cause.code(),
            "the name of the upstream could not be resolved; its previous addresses stay in use"
        );
        Freshness::Stale
    }

    /// The addresses as they are now.
    pub(super) fn addresses(&self) -> Addresses {
        Arc::clone(&self.addresses.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the addresses to which a new request may be sent.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts { addresses: self.addresses(), tried: 0, again: None, moved_on: false }
    }

    /// The peer that a request is sent to next, if any is left, and how to speak to it.
    pub(super) fn next(&self, attempts: &mut Attempts) -> Option<Box<HttpPeer>> {
        // The pool has no connection for a new key; the key of other requests is 0.
        let again = attempts.again.take().map(|address| (address, 1 + self.fresh.fetch_add(1, Ordering::Relaxed)));
        let (address, key) = again.or_else(|| Some((attempts.next_address()?, 0)))?;
        let sni = if self.config.tls { self.config.host.clone() } else { String::new() };
        let mut peer = HttpPeer::new(address, self.config.tls, sni);
        peer.group_key = key;
        peer.options.connection_timeout = self.timeouts.connect;
        peer.options.total_connection_timeout = self.timeouts.connect;
        peer.options.read_timeout = self.timeouts.read;
        peer.options.write_timeout = self.timeouts.write;
        peer.options.idle_timeout = Some(IDLE_TIMEOUT);
        Some(Box::new(peer))
    }

    /// Tries an address last from now on, because no connection to it could be made.
    pub(super) fn put_last(&self, peer: &HttpPeer) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut addresses).sort_by_key(|address| Some(address) == peer.address().as_inet());
    }

    /// Adds `Host` to a request without one, which HTTP/1.0 and HTTP/2 allow.
    pub(super) fn name_host(&self, request: &mut RequestHeader) -> Result<()> {
        if !request.headers.contains_key(header::HOST) && request.uri.authority().is_none() {
            request.insert_header(header::HOST, self.config.authority())?;
        }
        Ok(())
    }

    /// Sets the headers that the configuration adds to every request.
    pub(super) fn fix_headers(&self, request: &mut impl HeaderTarget) {
        self.config.headers.iter().for_each(|(name, value)| request.insert(name, value.clone()));
    }

    fn replace(&self, found: Vec<SocketAddr>) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        let same = addresses.len() == found.len() && found.iter().all(|address| addresses.contains(address));
        if !same {
            *addresses = found.into();
        }
    }
}

/// A name may get other addresses.
impl Watched for Arc<ResolvedUpstream> {
    const PERIOD: Duration = Duration::from_secs(30);

    async fn look(&mut self, _: Reason) -> Freshness {
        self.resolve().await
    }
}

const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than common app servers keep a connection: they must not close it while a request is on its way that cannot be
/// repeated.
const IDLE_TIMEOUT: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(ports: &[u16]) -> Attempts {
        let addresses = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        Attempts { addresses, tried: 1, again: None, moved_on: false }
    }

    #[test]
    fn a_request_is_sent_again_to_the_same_address_then_to_the_next_and_no_further() {
        let port = |attempts: &Attempts| attempts.again.map(|address| address.port());
        let first = Some(SocketAddr::from(([127, 0, 0, 1], 1)));
        let mut kept = attempts(&[1, 2, 3]);
        assert!(kept.plan_again(first, true));
        assert_eq!(port(&kept), Some(1));
        assert!(kept.plan_again(kept.again, false));
        assert_eq!(port(&kept), Some(2));
        assert!(!kept.plan_again(kept.again, false));
        assert_eq!(port(&kept), None);

        let mut fresh = attempts(&[1, 2]);
        assert!(fresh.plan_again(first, false));
        assert_eq!(port(&fresh), Some(2));
        assert!(!attempts(&[1]).plan_again(first, false), "there is no other address");
    }
}
