//! The listeners. Their sockets are bound first, so that a busy port is known before anything changes.

pub(super) mod certificate;
mod inherited;
mod socket_file;
mod sockets;
#[cfg(target_os = "linux")]
pub(super) mod takeover;
#[cfg(not(target_os = "linux"))]
#[path = "no_takeover.rs"]
pub(super) mod takeover;
mod tls;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use pingora_core::server::ShutdownWatch;
use tokio::{sync::watch, time::sleep};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

pub(super) use self::{
    inherited::InheritedSockets,
    sockets::{AcceptingSocket, OpenedSocket, Successor},
    tls::ListenerTls,
};
use self::{sockets::BACKLOG, takeover::HANDSHAKES};
use crate::gateway::{
    config::{ListenAddress, ListenerConfig},
    connections::{AcceptedConnection, ClientSocket, ConnectionSettings, Workers},
    process::Process,
};

/// The socket of a listener. If another process is at the address, that one gets all connections.
pub(super) struct BoundListener {
    /// Its address in the configuration.
    configured: ListenAddress,
    opened: OpenedSocket,
}

/// The socket of a listener that accepts no connections yet. Clients wait in its queue.
pub(super) struct ListeningListener {
    configured: ListenAddress,
    /// The address, with the port that the system chose for port 0.
    address: ListenAddress,
    socket: AcceptingSocket,
    successor: Successor,
}

/// The socket of a listener of a configuration.
pub(super) enum Place<L> {
    /// It is that of the open listener with this place in the list.
    Open(usize),
    New(L),
}

/// The reason why a listener has no socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct ListenError {
    pub(super) address: ListenAddress,
    pub(super) source: io::Error,
}

/// Binds the sockets of all listeners that are not open yet. It needs a tokio runtime.
pub(super) fn bind(
    listeners: &[ListenerConfig],
    open: &[Listener],
    process: &Process,
) -> Result<Vec<Place<BoundListener>>, ListenError> {
    let mut is_left = vec![true; open.len()];
    let place = |listener: &ListenerConfig| {
        let is_same = |(index, open): (usize, &Listener)| is_left[index] && open.is_at(&listener.address);
        match open.iter().enumerate().position(is_same) {
            Some(index) => {
                is_left[index] = false;
                Ok(Place::Open(index))
            }
            None => BoundListener::bind(&listener.address, process).map(Place::New),
        }
    };
    listeners.iter().map(place).collect()
}

/// Lets clients connect to all sockets that are new. They need a tokio runtime.
pub(super) fn listen(places: Vec<Place<BoundListener>>) -> Result<Vec<Place<ListeningListener>>, ListenError> {
    let listen = |place| match place {
        Place::Open(index) => Ok(Place::Open(index)),
        Place::New(bound) => BoundListener::listen(bound).map(Place::New),
    };
    places.into_iter().map(listen).collect()
}

/// Opens the socket of an address in the configuration. It needs a tokio runtime.
pub(super) fn open(address: &ListenAddress, process: &Process) -> Result<OpenedSocket, ListenError> {
    let opened = OpenedSocket::open(address, &process.inherited, process.fixed.reuse_port());
    opened.map_err(|source| ListenError { address: address.clone(), source })
}

impl BoundListener {
    fn bind(configured: &ListenAddress, process: &Process) -> Result<Self, ListenError> {
        Ok(Self { configured: configured.clone(), opened: open(configured, process)? })
    }

    fn listen(self) -> Result<ListeningListener, ListenError> {
        let Self { configured, opened: OpenedSocket { socket, address, successor } } = self;
        match socket.into_tokio() {
            Ok(socket) => Ok(ListeningListener { configured, address, socket, successor }),
            Err(source) => Err(ListenError { address, source }),
        }
    }
}

impl ListeningListener {
    /// Accepts connections from now on, and hands each to a thread. A task does that, which ends some time after the listener is
    /// dropped.
    pub(super) fn open(
        self,
        settings: Arc<ConnectionSettings>,
        workers: Workers,
        connections: &OpenConnections,
        tasks: &TaskTracker,
    ) -> Listener {
        let Self { configured, address, socket, successor } = self;
        let (settings, shutdown) = (Arc::new(ArcSwap::new(settings)), watch::Sender::new(false));
        let open = connections.closed_when_idle.token();
        let acceptor = Acceptor { settings: Arc::clone(&settings), open, shutdown: shutdown.subscribe(), workers };
        tasks.spawn(acceptor.accept(socket, successor));
        Listener { configured, address, settings, shutdown }
    }
}

/// A listener that accepts connections until it is dropped. Those that came before are accepted all the same, unless they wait in the
/// queue of a socket that another process has, too. The connections are closed as soon as they are idle.
pub(super) struct Listener {
    configured: ListenAddress,
    /// The address, with the port that the system chose for port 0.
    pub(super) address: ListenAddress,
    settings: Arc<ArcSwap<ConnectionSettings>>,
    shutdown: watch::Sender<bool>,
}

impl Listener {
    /// What its connections get now.
    pub(super) fn settings(&self) -> Arc<ConnectionSettings> {
        self.settings.load_full()
    }

    /// Lets new connections get these settings. A Unix socket gets the permissions of the configured address.
    pub(super) fn change(&mut self, configured: &ListenAddress, settings: Arc<ConnectionSettings>) {
        self.settings.store(settings);
        if let ListenAddress::Unix { path, mode } = configured
            && self.configured != *configured
            && fs::set_permissions(path, fs::Permissions::from_mode(*mode)).is_err()
        {
            tracing::warn!(%configured, "the permissions of a Unix socket cannot be changed");
        }
        self.configured = configured.clone();
    }

    fn is_at(&self, configured: &ListenAddress) -> bool {
        match (&self.configured, configured) {
            (ListenAddress::Unix { path, .. }, ListenAddress::Unix { path: other, .. }) => path == other,
            (open, configured) => open == configured,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
    }
}

/// The connections that are open, so that a stop can wait for them. Clones share them.
#[derive(Clone, Default)]
pub(super) struct OpenConnections {
    /// Has a token for each connection that is closed as soon as it is idle after a stop, and for each listener.
    pub(super) closed_when_idle: TaskTracker,
    /// Has a token for each connection of HTTP/2: its client is asked to close it.
    pub(super) http_2: TaskTracker,
}

/// What makes connections of sockets, and hands them to the threads.
struct Acceptor {
    settings: Arc<ArcSwap<ConnectionSettings>>,
    /// A token that is there until the last connection was accepted. Each connection gets another one.
    open: TaskTrackerToken,
    /// Turns true when the listener closes.
    shutdown: ShutdownWatch,
    workers: Workers,
}

impl Acceptor {
    async fn accept(self, socket: AcceptingSocket, successor: Successor) {
        let mut shutdown = self.shutdown.clone();
        let stopped = async { drop(shutdown.wait_for(|is_stopped| *is_stopped).await) };
        self.accept_until(&socket, pin!(stopped)).await;
        match successor {
            Successor::None => {}
            Successor::SameSocket => return,
            Successor::OtherSocket => {
                takeover::begin(&socket);
                self.accept_until(&socket, pin!(sleep(HANDSHAKES))).await;
                takeover::end(&socket);
            }
        }
        let Ok(listener) = socket.into_std() else { return };
        // More than fit into the queue have not come before the stop.
        for _ in 0..BACKLOG {
            match listener.accept_now() {
                Ok(socket) => self.hand_over(socket).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => break,
            }
        }
    }

    async fn accept_until(&self, listener: &AcceptingSocket, mut end: Pin<&mut impl Future>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut end => return,
            };
            match accepted {
                Ok(socket) => self.hand_over(socket).await,
                Err(error) if is_of_one_client(&error) => {}
                Err(_) => {
                    self.settings.load().telemetry.failed_accept();
                    tokio::select! {
                        () = sleep(PAUSE) => {}
                        _ = &mut end => return,
                    }
                }
            }
        }
    }

    async fn hand_over(&self, socket: ClientSocket) {
        let (settings, open) = (self.settings.load_full(), self.open.clone());
        let connection = AcceptedConnection { socket, settings, open, shutdown: self.shutdown.clone() };
        self.workers.hand_over(connection).await;
    }
}

/// Whether only the connection is lost that was to be accepted.
pub(super) fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// A system without descriptors has none a moment later either.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
