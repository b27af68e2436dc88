//! The app behind the gateway: its addresses, kept fresh.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use pingora_core::upstreams::peer::HttpPeer;

use super::config::Upstream;

/// The upstream with the addresses that its name has now.
pub(super) struct Upstreams {
    upstream: Upstream,
    addresses: RwLock<Vec<SocketAddr>>,
}

impl Upstreams {
    /// An upstream whose name is not resolved yet.
    pub(super) fn new(upstream: Upstream) -> Self {
        Self { upstream, addresses: RwLock::default() }
    }

    /// Resolves the name; if that fails, the addresses of before stand.
    pub(super) async fn refresh(&self) {
        let found = tokio::net::lookup_host((self.upstream.host(), self.upstream.port())).await;
        match found.map(Iterator::collect::<Vec<_>>) {
            Ok(found) if !found.is_empty() => {
                *self.addresses.write().unwrap_or_else(PoisonError::into_inner) = found;
            }
            _ => tracing::warn!(upstream = self.upstream.authority(), "the upstream's name could not be resolved"),
        }
    }

    /// Resolves the name again and again, for it may move.
    pub(super) async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(REFRESH).await;
            self.refresh().await;
        }
    }

    /// How many addresses there are to try.
    pub(super) fn count(&self) -> usize {
        self.addresses.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whom to connect to after so many tries in vain.
    pub(super) fn peer(&self, tries: usize) -> Option<Box<HttpPeer>> {
        let address = *self.addresses.read().unwrap_or_else(PoisonError::into_inner).get(tries)?;
        let mut peer = HttpPeer::new(address, self.upstream.is_tls(), self.upstream.host().to_owned());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.total_connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.read_timeout = Some(SILENCE);
        peer.options.write_timeout = Some(SILENCE);
        peer.options.idle_timeout = Some(IDLE_TIMEOUT);
        Some(Box::new(peer))
    }
}

const REFRESH: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long either side may be silent: enough for a slow report or a quiet WebSocket, short enough to end what hangs.
pub(super) const SILENCE: Duration = Duration::from_mins(5);
/// Below what common app servers keep a connection for: a request that cannot be repeated must not meet its end.
const IDLE_TIMEOUT: Duration = Duration::from_millis(1500);
