//! The server that a URL names, and a connection to it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, aio::MultiplexedConnection,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use url::Url;

use super::error::{RedisStoreError, failure_of, failure_of_io};
use crate::{
    cause::{Failure, NoAddress},
    tls,
};

/// The server that a URL names.
pub(super) struct Server {
    host: Box<str>,
    port: u16,
    login: RedisConnectionInfo,
    /// How TLS begins, and the name that the certificate must be for.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A connection that many commands share.
pub(super) struct ServerConnection {
    pub(super) commands: MultiplexedConnection,
    /// One token for each call that waits for its answer.
    pub(super) in_flight: TaskTracker,
    /// The last refusal of the server, if it has not answered since.
    refusal: Mutex<Option<Failure>>,
    driver: AbortHandle,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, RedisStoreError> {
        let mut url = Url::parse(url).map_err(|_| RedisStoreError::Url)?;
        let encrypted = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(RedisStoreError::Scheme),
        };
        // The client would read `#insecure` as: believe any certificate.
        if url.fragment().is_some() {
            return Err(RedisStoreError::Fragment);
        }
        // The stream is encrypted here, where the provider of TLS is given; the client asks for an ambient one.
        url.set_scheme("redis").map_err(|()| RedisStoreError::Url)?;
        let info = url.into_connection_info().map_err(|_| RedisStoreError::Url)?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(RedisStoreError::Url) };
        let name = ServerName::try_from(host.clone()).map_err(|_| RedisStoreError::Url);
        let tls = if encrypted { Some((connector(&[])?, name?)) } else { None };
        Ok(Self { host: host.as_str().into(), port: *port, login: info.redis_settings().clone(), tls })
    }

    /// Trusts the certificates of a PEM file beside Mozilla's roots.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), RedisStoreError> {
        let connector = connector(pem)?;
        if let Some(tls) = &mut self.tls {
            tls.0 = connector;
        }
        Ok(())
    }

    pub(super) async fn connect(&self) -> Result<ServerConnection, Failure> {
        let stream = self.reach().await.map_err(failure_of_io)?;
        let Some((connector, name)) = &self.tls else { return self.log_in(stream).await };
        self.log_in(connector.connect(name.clone(), stream).await.map_err(failure_of_io)?).await
    }

    /// Connects to the first of the host's addresses that can be connected to.
    async fn reach(&self) -> io::Result<TcpStream> {
        let found = lookup_host((&*self.host, self.port)).await;
        let found: Vec<_> = found.map_err(|error| io::Error::other(NoAddress(Some(error))))?.collect();
        if found.is_empty() {
            return Err(io::Error::other(NoAddress::default()));
        }
        let stream = TcpStream::connect(&*found).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn log_in(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<ServerConnection, Failure> {
        // Each call has a deadline of its own.
        let unlimited = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let connected = MultiplexedConnection::new_with_config(&self.login, stream, unlimited).await;
        let (commands, driver) = connected.map_err(failure_of)?;
        let mut tasks = JoinSet::new();
        let driver = tasks.spawn(driver);
        let (in_flight, refusal) = (TaskTracker::new(), Mutex::default());
        Ok(ServerConnection { commands, in_flight, refusal, driver, _tasks: tasks })
    }
}

impl ServerConnection {
    /// Whether the server, or the way to it, has ended the connection.
    pub(super) fn has_ended(&self) -> bool {
        self.driver.is_finished()
    }

    /// Takes note of what the server answered: it serves, or it refuses.
    pub(super) fn note(&self, refusal: Option<Failure>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// Returns why the connection has ended, if the server said so: one that refuses may also hang up. Waits until every call
    /// in flight has heard its answer, or that there is none.
    pub(super) async fn end(&self) -> Option<Failure> {
        self.in_flight.close();
        self.in_flight.wait().await;
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn connector(trusted: &[u8]) -> Result<TlsConnector, RedisStoreError> {
    Ok(TlsConnector::from(Arc::new(tls::config(trusted)?)))
}
