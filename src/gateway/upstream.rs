//! The app behind the gateway: its addresses, kept fresh.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock},
    time::Duration,
    vec,
};

use http::header;
use pingora_core::{
    Result,
    upstreams::peer::{HttpPeer, Peer},
};
use pingora_http::RequestHeader;
use tokio::time::timeout;

use super::config::Upstream;
use crate::cause::Cause;

/// The upstream with the addresses that its name has now.
pub(super) struct Upstreams {
    upstream: Upstream,
    addresses: RwLock<Vec<SocketAddr>>,
}

/// The addresses that one request may try, those that worked of late first.
pub(super) type Addresses = vec::IntoIter<SocketAddr>;

impl Upstreams {
    /// An upstream whose name is not resolved yet.
    pub(super) fn new(upstream: Upstream) -> Self {
        Self { upstream, addresses: RwLock::default() }
    }

    /// Resolves the name; if that fails or changes nothing, the addresses stand in the order of before.
    pub(super) async fn refresh(&self) {
        let found = tokio::net::lookup_host((self.upstream.host(), self.upstream.port()));
        let cause = match timeout(LOOKUP_TIMEOUT, found).await.map(|found| found.map(Iterator::collect::<Vec<_>>)) {
            Ok(Ok(found)) if !found.is_empty() => return self.replace(found),
            Ok(_) => Cause::Dns,
            Err(_) => Cause::Timeout,
        };
        tracing::warn!(cause = cause.code(), "the upstream's name could not be resolved");
    }

    /// Resolves the name again and again, for it may move.
    pub(super) async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(REFRESH).await;
            self.refresh().await;
        }
    }

    /// The addresses as they are now.
    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.read().unwrap_or_else(PoisonError::into_inner).clone().into_iter()
    }

    /// Tries an address last from now on, for it could not be connected to.
    pub(super) fn put_last(&self, peer: &HttpPeer) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        addresses.sort_by_key(|address| Some(address) == peer.address().as_inet());
    }

    /// How to speak to the upstream at an address.
    pub(super) fn peer(&self, address: SocketAddr) -> Box<HttpPeer> {
        let mut peer = HttpPeer::new(address, self.upstream.is_tls(), self.upstream.host().to_owned());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.total_connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.read_timeout = Some(SILENCE);
        peer.options.write_timeout = Some(SILENCE);
        peer.options.idle_timeout = Some(IDLE_TIMEOUT);
        Box::new(peer)
    }

    /// Names the upstream in a request that names no host, as HTTP/1.0 may.
    pub(super) fn name_host(&self, request: &mut RequestHeader) -> Result<()> {
        if !request.headers.contains_key(header::HOST) && request.uri.authority().is_none() {
            request.insert_header(header::HOST, self.upstream.authority())?;
        }
        Ok(())
    }

    fn replace(&self, found: Vec<SocketAddr>) {
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        let same = addresses.len() == found.len() && found.iter().all(|address| addresses.contains(address));
        if !same {
            *addresses = found;
        }
    }
}

const REFRESH: Duration = Duration::from_secs(30);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long either side may be silent: enough for a slow report or a quiet WebSocket, short enough to end what hangs.
pub(super) const SILENCE: Duration = Duration::from_mins(5);
/// Below what common app servers keep a connection for: a request that cannot be repeated must not meet its end.
const IDLE_TIMEOUT: Duration = Duration::from_millis(1500);
