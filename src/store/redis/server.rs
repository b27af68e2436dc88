//! A server, and a connection to it.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, aio::MultiplexedConnection,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
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

/// A server: where it is, and how a client logs in there.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) login: RedisConnectionInfo,
    /// How TLS begins; none for a connection in clear.
    tls: Option<TlsConnector>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: Box<str>, port: u16 },
    Unix(PathBuf),
}

/// A connection that many commands share.
pub(super) struct ServerConnection {
    pub(super) commands: MultiplexedConnection,
    /// One token for each call that waits for its answer.
    pub(super) in_flight: TaskTracker,
    /// Whether a call has used the connection since its watch looked last.
    pub(super) used: Arc<AtomicBool>,
    /// The last refusal of the server, if it has not answered since.
    refusal: Mutex<Option<Failure>>,
    driver: AbortHandle,
    /// Ends when another server is to be used.
    watch: Option<AbortHandle>,
    tasks: JoinSet<()>,
}

impl Server {
    /// Reads the URL of a server: of a TCP port or a Unix socket.
    pub(super) fn parse(url: &str) -> Result<Self, RedisStoreError> {
        let mut url = Url::parse(url).map_err(|_| RedisStoreError::Url)?;
        let encrypted = match url.scheme() {
            "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(RedisStoreError::Scheme),
        };
        // The client would read `#insecure` as: believe any certificate.
        if url.fragment().is_some() {
            return Err(RedisStoreError::Fragment);
        }
        // The stream is encrypted here, where the provider of TLS is given; the client asks for an ambient one.
        if encrypted {
            url.set_scheme("redis").map_err(|()| RedisStoreError::Url)?;
        }
        let info = url.into_connection_info().map_err(|_| RedisStoreError::Url)?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Address::Tcp { host: host.as_str().into(), port: *port },
            ConnectionAddr::Unix(path) if path.file_name().is_some() => Address::Unix(path.clone()),
            _ => return Err(RedisStoreError::Url),
        };
        if encrypted && address.server_name().is_err() {
            return Err(RedisStoreError::Url);
        }
        let tls = if encrypted { Some(connector(&[])?) } else { None };
        Ok(Self { address, login: info.redis_settings().clone(), tls })
    }

    /// The server at another address to which a client connects and logs in as to this one.
    pub(super) fn at(&self, host: &str, port: u16) -> Self {
        Self { address: Address::Tcp { host: host.into(), port }, ..self.clone() }
    }

    /// Trusts the certificates of a PEM file beside Mozilla's roots.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), RedisStoreError> {
        let connector = connector(pem)?;
        if let Some(tls) = &mut self.tls {
            *tls = connector;
        }
        Ok(())
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) async fn connect(&self) -> Result<ServerConnection, Failure> {
        let (host, port) = match &self.address {
            Address::Tcp { host, port } => (host, *port),
            Address::Unix(path) => return self.log_in(UnixStream::connect(path).await.map_err(failure_of_io)?).await,
        };
        let stream = reach(host, port).await.map_err(failure_of_io)?;
        let Some(connector) = &self.tls else { return self.log_in(stream).await };
        let name = self.address.server_name().map_err(failure_of_io)?;
        self.log_in(connector.connect(name, stream).await.map_err(failure_of_io)?).await
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
        let (in_flight, used, refusal) = (TaskTracker::new(), Arc::default(), Mutex::default());
        Ok(ServerConnection { commands, in_flight, used, refusal, driver, watch: None, tasks })
    }
}

impl Address {
    /// The name that a certificate must be for. No certificate is asked of a Unix socket.
    fn server_name(&self) -> io::Result<ServerName<'static>> {
        let host = if let Self::Tcp { host, .. } = self { host } else { "localhost" };
        ServerName::try_from(host.to_owned()).map_err(io::Error::other)
    }
}

impl ServerConnection {
    /// Runs a watch as long as the connection is used. When it ends, the connection is of no use any more.
    pub(super) fn watch(&mut self, watch: impl Future<Output = ()> + Send + 'static) {
        self.watch = Some(self.tasks.spawn(watch));
    }

    /// Whether the server, or the way to it, has ended the connection.
    pub(super) fn has_ended(&self) -> bool {
        self.driver.is_finished()
    }

    /// Whether another server is to be used.
    pub(super) fn is_outdated(&self) -> bool {
        self.watch.as_ref().is_some_and(AbortHandle::is_finished)
    }

    /// Takes note of what the server answered: it serves, or it refuses.
    pub(super) fn note(&self, refusal: Option<Failure>) {
        self.used.store(true, Ordering::Relaxed);
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

/// Connects to the first of the host's addresses that can be connected to.
async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let found = lookup_host((host, port)).await;
    let found: Vec<_> = found.map_err(|error| io::Error::other(NoAddress(Some(error))))?.collect();
    if found.is_empty() {
        return Err(io::Error::other(NoAddress::default()));
    }
    let stream = TcpStream::connect(&*found).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn connector(trusted: &[u8]) -> Result<TlsConnector, RedisStoreError> {
    Ok(TlsConnector::from(Arc::new(tls::config(trusted)?)))
}
