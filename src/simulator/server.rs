//! The accept loop and its connections, with and without TLS.

use std::{convert::Infallible, error::Error, future::pending, io, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Notify, oneshot},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use super::shared::SharedState;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(super) struct SimulatorServer {
    accept_loop: JoinSet<()>,
    stop: oneshot::Sender<Infallible>,
}

impl SimulatorServer {
    pub(super) fn start(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        router: Router,
        shared: Arc<SharedState>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let mut accept_loop = JoinSet::new();
        accept_loop.spawn(accept(listener, tls, router, shared, stopped));
        Self { accept_loop, stop }
    }

    /// Ends when the listener and all connections are closed.
    pub(super) async fn stop(mut self) {
        drop(self.stop);
        while self.accept_loop.join_next().await.is_some() {}
    }
}

/// The connection of a request.
#[derive(Debug, Clone)]
pub(super) struct ConnectionHandle {
    /// The first connection is 1.
    pub(super) number: usize,
    closed: Arc<Notify>,
}

impl ConnectionHandle {
    /// Closes the connection. The request that awaits this ends with it.
    pub(super) async fn close<T>(&self) -> T {
        self.closed.notify_one();
        pending().await
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shared: Arc<SharedState>,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // Most often too many open files: it passes when connections end.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        shared.connections.send_modify(|count| *count += 1);
        let connection = ConnectionHandle { number: *shared.connections.borrow(), closed: Arc::default() };
        let (router, tls) = (router.clone(), tls.clone());
        let stalls = tls.is_some() && shared.settings().faults.take_stall();
        connections.spawn(async move {
            match tls {
                // The stream stays open and silent.
                Some(_) if stalls => pending().await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, router, connection).await;
                    }
                }
                None => converse(stream, router, connection).await,
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    connection: ConnectionHandle,
) {
    let closed = Arc::clone(&connection.closed);
    let service = TowerToHyperService::new(router.layer(Extension(connection)));
    let server = auto::Builder::new(TokioExecutor::new());
    // Many faults break the connection, so its errors say nothing.
    tokio::select! {
        _ = server.serve_connection(TokioIo::new(stream), service) => {}
        () = closed.notified() => {}
    }
}

/// TLS with HTTP/2 and HTTP/1.1.
pub(super) fn tls(certificate_pem: &[u8], key_pem: &[u8]) -> io::Result<TlsAcceptor> {
    fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, error)
    }
    let chain = CertificateDer::pem_slice_iter(certificate_pem).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(invalid)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(invalid)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
