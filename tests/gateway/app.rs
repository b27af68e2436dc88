//! Apps of the tests, on each kind of address and by each version of HTTP.

use std::{net::SocketAddr, path::Path, sync::Arc};

use axum::{Router, extract::Request, response::Response, serve::Listener};
use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Notify,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::support::port::Port;

/// An app that serves HTTP/1.1 and HTTP/2; it stops when it is dropped.
pub(crate) struct App {
    port: Port,
    _task: JoinSet<()>,
}

impl App {
    /// Serves without TLS.
    pub(crate) async fn start(routes: Router) -> Self {
        Self::on(Port::reserve(), routes).await
    }

    /// Serves without TLS at a port that was reserved.
    pub(crate) async fn on(port: Port, routes: Router) -> Self {
        let listener = TcpListener::bind(port.address()).await.unwrap();
        Self { port, _task: serve(listener, routes) }
    }

    /// Serves with TLS.
    pub(crate) async fn with_tls(config: ServerConfig, routes: Router) -> Self {
        Self::for_each_connection(config, move |_| routes.clone()).await
    }

    /// Serves with TLS, and answers each request with the number of its connection.
    pub(crate) async fn counting_connections(config: ServerConfig) -> Self {
        Self::for_each_connection(config, |number| Router::new().fallback(move || async move { number.to_string() }))
            .await
    }

    async fn for_each_connection(config: ServerConfig, routes: impl Fn(usize) -> Router + Send + 'static) -> Self {
        let port = Port::reserve();
        let listener = TcpListener::bind(port.address()).await.unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { break };
                let (acceptor, routes) = (acceptor.clone(), routes(number));
                connections.spawn(async move {
                    // A gateway that does not believe the certificate hangs up.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        connection(stream, routes).await;
                    }
                });
            }
        });
        Self { port, _task: task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

/// Serves without TLS at a listener of the test's own.
pub(crate) fn serve<L: Listener>(mut listener: L, routes: Router) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await;
            connections.spawn(connection(stream, routes.clone()));
        }
    });
    task
}

/// Serves at a Unix socket.
pub(crate) fn serve_at(path: &Path, routes: Router) -> JoinSet<()> {
    serve(UnixListener::bind(path).unwrap(), routes)
}

/// Serves HTTP/2, and says on each connection after its first answer that it takes no more requests there.
pub(crate) fn serve_once_a_connection(listener: TcpListener, routes: Router) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let answered = Arc::new(Notify::new());
            let tell = Arc::clone(&answered);
            let routes = routes.clone().layer(axum::middleware::map_response(move |answer: Response| {
                tell.notify_one();
                std::future::ready(answer)
            }));
            connections.spawn(async move {
                let service = TowerToHyperService::new(routes);
                let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
                let mut serving = std::pin::pin!(serving);
                tokio::select! {
                    _ = serving.as_mut() => return,
                    () = answered.notified() => {}
                }
                serving.as_mut().graceful_shutdown();
                drop(serving.await);
            });
        }
    });
    task
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, routes: Router) {
    let service = TowerToHyperService::new(routes);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().enable_connect_protocol();
    // A client may leave at any time.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

/// An app that answers every request with a text.
pub(crate) fn saying(text: &'static str) -> Router {
    Router::new().fallback(move || async move { text })
}

/// An app that answers with the version of HTTP, `Host` or `:authority`, and `X-Forwarded-Host`.
pub(crate) fn telling_host() -> Router {
    Router::new().fallback(|request: Request| async move {
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let host = request.uri().authority().map(ToString::to_string).or(header("host"));
        format!("{:?} {} {}", request.version(), host.unwrap(), header("x-forwarded-host").unwrap_or_default())
    })
}
