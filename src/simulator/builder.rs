//! How a simulator is set up.

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::net::TcpListener;

use super::{
    Simulator,
    post::AllowedTargets,
    routes,
    server::{self, SimulatorServer},
    shared::SharedState,
};

/// Builds a [`Simulator`].
#[derive(Debug)]
pub struct SimulatorBuilder {
    listen: SocketAddr,
    /// A certificate chain and its key, both in PEM.
    tls: Option<(Bytes, Bytes)>,
    targets: AllowedTargets,
    callback_url: Option<String>,
}

impl SimulatorBuilder {
    /// Sets the address to listen on. Defaults to a free port of `127.0.0.1`.
    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// Serves TLS with this certificate chain and key, both in PEM, and offers HTTP/2 and HTTP/1.1.
    #[must_use]
    pub fn tls(self, certificate_pem: impl Into<Bytes>, key_pem: impl Into<Bytes>) -> Self {
        Self { tls: Some((certificate_pem.into(), key_pem.into())), ..self }
    }

    /// Posts callbacks to any host. By default, it posts only to this machine.
    ///
    /// # Security
    ///
    /// Anyone who can reach the simulator can then make it post to any URL.
    #[must_use]
    pub fn insecure_any_target(self) -> Self {
        Self { targets: AllowedTargets::Any, ..self }
    }

    /// Posts what the user does on the phone's page to this `http://` URL, see
    /// [`Simulator::set_callback_url`].
    #[must_use]
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        Self { callback_url: Some(url.into()), ..self }
    }

    /// Binds the address and starts to serve on the tokio runtime of the caller.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, or with [`io::ErrorKind::InvalidInput`] when the certificate and the key
    /// are not PEM or do not fit each other, or the callback URL may not be called.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn start(self) -> io::Result<Simulator> {
        let tls = self.tls.map(|(certificate, key)| server::tls(&certificate, &key)).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(self.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(SharedState::new(scheme, address, self.targets));
        if let Some(url) = self.callback_url {
            shared.set_callback_url(&url).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        }
        let server = SimulatorServer::start(listener, tls, routes::router(Arc::clone(&shared)), Arc::clone(&shared));
        Ok(Simulator { address, shared, server })
    }
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            targets: AllowedTargets::default(),
            callback_url: None,
        }
    }
}
