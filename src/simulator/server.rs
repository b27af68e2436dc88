//! The accept loop and its connections.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::shared::Shared;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    accept_loop: JoinSet<()>,
    stop: oneshot::Sender<Infallible>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, shared: Arc<Shared>) -> Self {
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
pub(super) struct Connection {
    number: usize,
    closed: Arc<Notify>,
}

impl Connection {
    /// The first connection is 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Closes the connection under whoever waits for this.
    pub(super) async fn close<T>(&self) -> T {
        self.closed.notify_one();
        pending().await
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    shared: Arc<Shared>,
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
        let connection = Connection { number: shared.record.connection(), closed: Arc::default() };
        match &tls {
            None => connections.spawn(converse(stream, router.clone(), connection)),
            Some(_) if shared.faults.take_stall() => connections.spawn(keep(stream)),
            Some(tls) => connections.spawn(shake_hands(tls.clone(), stream, router.clone(), connection)),
        };
    }
    drop(listener);
    connections.shutdown().await;
}

/// Keeps a connection open without a word.
async fn keep(stream: TcpStream) {
    let _open = stream;
    pending::<()>().await;
}

async fn shake_hands(tls: TlsAcceptor, stream: TcpStream, router: Router, connection: Connection) {
    if let Ok(stream) = tls.accept(stream).await {
        converse(stream, router, connection).await;
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    connection: Connection,
) {
    let closed = Arc::clone(&connection.closed);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    let server = auto::Builder::new(TokioExecutor::new());
    let conversation = server.serve_connection(TokioIo::new(stream), service);
    // A connection that breaks is what many faults are made of.
    tokio::select! {
        _ = conversation => {}
        () = closed.notified() => {}
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
