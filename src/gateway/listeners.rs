//! The sockets of the listeners. They are bound first, so that a busy port is known before anything runs.

use std::{
    any::Any,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::IntoRawFd,
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora_core::{
    listeners::{TlsAccept, tls::TlsSettings},
    protocols::tls::TlsRef,
    server::{Fds, ListenFds},
    services::listening::Service,
};
use tokio_util::task::TaskTracker;

use super::{config::ListenerConfig, listener_certificate::Certificate};

/// A socket that is bound and listens.
pub(super) struct BoundListener {
    socket: TcpListener,
    /// The address, with the port that the system chose for port 0.
    pub(super) address: SocketAddr,
    /// The certificate of a listener with TLS.
    pub(super) certificate: Option<Certificate>,
}

/// The reason why a listener has no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl BoundListener {
    /// Binds the socket of a listener.
    pub(super) fn bind(listener: &ListenerConfig) -> Result<Self, ListenError> {
        let bound = Self::bind_plain(listener.address)?;
        let certificate = listener.tls.clone().map(Certificate::read).transpose();
        let certificate = certificate.map_err(|source| ListenError { address: bound.address, source })?;
        Ok(Self { certificate, ..bound })
    }

    /// Binds a socket for plain HTTP.
    pub(super) fn bind_plain(address: SocketAddr) -> Result<Self, ListenError> {
        let bind = || {
            let socket = TcpListener::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(Self { address: socket.local_addr()?, socket, certificate: None })
        };
        bind().map_err(|source| ListenError { address, source })
    }

    /// The socket for tokio.
    pub(super) fn into_tokio(self) -> Result<tokio::net::TcpListener, ListenError> {
        let Self { socket, address, .. } = self;
        tokio::net::TcpListener::from_std(socket).map_err(|source| ListenError { address, source })
    }
}

/// Hands the sockets to a pingora service, which finds each by its address. TLS connections are tracked.
pub(super) fn hand_over<A>(
    listeners: Vec<BoundListener>,
    service: &mut Service<A>,
    connections: &TaskTracker,
) -> ListenFds {
    let mut handed = Fds::new();
    for BoundListener { socket, address, certificate } in listeners {
        let key = address.to_string();
        match certificate {
            Some(certificate) => {
                let settings = tls_settings(certificate, Tracked(connections.clone()));
                service.add_tls_with_settings(&key, None, settings);
            }
            None => service.add_tcp(&key),
        }
        handed.add(key, socket.into_raw_fd());
    }
    Arc::new(Mutex::new(handed))
}

fn tls_settings(certificate: Certificate, tracked: Tracked) -> TlsSettings {
    let mut settings = TlsSettings::with_callbacks(Box::new(tracked)).expect("nothing is read, so nothing fails");
    settings.set_cert_resolver(Arc::new(certificate));
    settings.enable_h2();
    settings
}

/// Leaves a token with each connection; pingora drops it when the connection is closed.
struct Tracked(TaskTracker);

#[async_trait]
impl TlsAccept for Tracked {
    async fn handshake_complete_callback(&self, _: &TlsRef) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(self.0.token()))
    }
}
