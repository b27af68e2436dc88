//! Opening a connection to an endpoint: addresses, TCP, TLS, and the HTTP version that the server chose.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Uri;
use http_body_util::Full;
use hyper::{
    client::conn::{http1, http2},
    rt::Executor,
};
use hyper_util::{
    client::legacy::connect::HttpConnector,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::resolver::PublicResolver;
use crate::cause::{Cause, Failure, find};

/// Opens connections. Clones share the resolver and the tickets that resume TLS sessions.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<PublicResolver>,
    resolver: PublicResolver,
    tls: TlsConnector,
    limit: Duration,
}

/// An open connection, to send requests on.
pub(super) enum Connection {
    /// For one request at a time.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// For all requests; clones share the connection.
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Reads and writes a connection until it is closed. Nothing moves on a connection that is not driven.
pub(super) type Driver = BoxFuture<'static, ()>;

impl Connector {
    pub(super) fn new(resolver: PublicResolver, tls: ClientConfig, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limit));
        Self { tcp, resolver, tls: TlsConnector::from(Arc::new(tls)), limit }
    }

    /// Opens a connection to the host of a URL, within the time for that.
    pub(super) async fn open(&self, url: &Uri) -> Result<(Connection, Driver), Failure> {
        let opened = match timeout(self.limit, self.connect(url)).await {
            Ok(opened) => opened.map_err(|error| Failure::new(find(&*error).unwrap_or(Cause::Connect), error)),
            Err(_) => Err(Cause::Timeout.into()),
        };
        opened.inspect_err(|_| self.resolver.distrust(url.host().unwrap_or_default()))
    }

    async fn connect(&self, url: &Uri) -> Result<(Connection, Driver), Box<dyn Error + Send + Sync>> {
        let stream = self.tcp.clone().call(url.clone()).await?.into_inner();
        if url.scheme_str() != Some("https") {
            return self.speak_http1(stream).await;
        }
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host)?.to_owned();
        let stream = self.tls.connect(name, stream).await?;
        match stream.get_ref().1.alpn_protocol() {
            Some(HTTP_2) => self.speak_http2(stream).await,
            _ => self.speak_http1(stream).await,
        }
    }

    async fn speak_http1<S>(&self, stream: S) -> Result<(Connection, Driver), Box<dyn Error + Send + Sync>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Each request on the connection hears of its end itself.
        Ok((Connection::Http1(requests), Box::pin(async { drop(connection.await) })))
    }

    async fn speak_http2<S>(&self, stream: S) -> Result<(Connection, Driver), Box<dyn Error + Send + Sync>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = http2::Builder::new(BoxingExecutor)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(self.limit)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok((Connection::Http2(requests), Box::pin(async { drop(connection.await) })))
    }
}

/// Spawns the tasks of a connection in boxes. hyper has one type for the task of a connection and for those of its requests, so
/// each request would be as large as a connection, and is moved several times.
#[derive(Clone)]
struct BoxingExecutor;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for BoxingExecutor {
    fn execute(&self, task: F) {
        TokioExecutor::new().execute(Box::pin(task));
    }
}

pub(super) const HTTP_2: &[u8] = b"h2";
pub(super) const HTTP_11: &[u8] = b"http/1.1";
/// Notices a dead connection before a callback needs it.
const PING_INTERVAL: Duration = Duration::from_secs(10);
