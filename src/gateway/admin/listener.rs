//! The listener of the admin routes.
//!
//! Whoever reaches it may connect, even if there is a token. So its connections are few and short: otherwise clients that send nothing
//! would take the descriptors that the clients of the site need.

use std::{io, net::SocketAddr, os::fd::AsFd as _, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::gateway::{
    config::ListenAddress,
    listeners::{
        self, AcceptingSocket, ListenError, OpenedSocket, PAUSE, Successor, is_of_one_client,
        takeover::{self, HANDSHAKES},
    },
    process::Process,
};

/// The socket of the admin routes, which answers nothing yet.
pub(in crate::gateway) struct BoundAdmin {
    configured: SocketAddr,
    opened: OpenedSocket,
}

impl BoundAdmin {
    /// Opens the socket. It needs a tokio runtime.
    pub(in crate::gateway) fn bind(configured: SocketAddr, process: &Process) -> Result<Self, ListenError> {
        Ok(Self { configured, opened: listeners::open(&ListenAddress::Tcp(configured), process)? })
    }

    /// Answers requests until the listener is dropped, or until all ends.
    ///
    /// # Errors
    ///
    /// When the socket cannot be listened on.
    pub(in crate::gateway) fn open(
        self,
        routes: Router,
        ended: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<AdminListener, ListenError> {
        let Self { configured, opened: OpenedSocket { socket, address, successor } } = self;
        let failed = |source| ListenError { address: ListenAddress::Tcp(configured), source };
        let AcceptingSocket::Tcp(socket) = socket.into_tokio().map_err(failed)? else {
            return Err(failed(io::ErrorKind::Unsupported.into()));
        };
        let same_socket = socket.as_fd().try_clone_to_owned().map_err(failed)?;
        let closed = ended.child_token();
        let stopped = closed.child_token();
        let (is_closed, is_stopped) = (closed.clone(), stopped.clone());
        let end = async move {
            if successor == Successor::None {
                return is_closed.cancelled().await;
            }
            is_stopped.cancelled().await;
            if successor == Successor::OtherSocket {
                takeover::begin(&same_socket);
                sleep(HANDSHAKES).await;
                takeover::end(&same_socket);
            }
        };
        tasks.spawn(serve(socket, routes, MOST_CONNECTIONS, end, tasks.clone()));
        let address = address.tcp().expect("the address of a port is one of a port");
        Ok(AdminListener { configured, address, stopped, _closed: closed.drop_guard() })
    }
}

/// The open listener of the admin routes. When it is dropped, it takes no further requests.
pub(in crate::gateway) struct AdminListener {
    /// Its address in the configuration, where the port may be 0.
    pub(in crate::gateway) configured: SocketAddr,
    pub(in crate::gateway) address: SocketAddr,
    stopped: CancellationToken,
    _closed: DropGuard,
}

impl AdminListener {
    /// Leaves the routes to the next process, if there is one. Otherwise they are there to the end.
    pub(in crate::gateway) fn stop(&self) {
        self.stopped.cancel();
    }
}

/// Serves connections until the end, so many at once, and finishes the requests that came before.
async fn serve(socket: TcpListener, routes: Router, most: usize, end: impl Future<Output = ()>, tasks: TaskTracker) {
    let (ended, permits) = (CancellationToken::new(), Arc::new(Semaphore::new(most)));
    let _ended = ended.clone().drop_guard();
    let mut end = pin!(end);
    loop {
        // Further clients wait in the queue of the socket.
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            Some((socket.accept().await, permit))
        };
        let accepted = tokio::select! {
            Some(accepted) = accepted => accepted,
            () = &mut end => return,
        };
        let (stream, permit) = match accepted {
            (Ok((stream, _)), permit) => (stream, permit),
            (Err(error), _) if is_of_one_client(&error) => continue,
            // Most often too many open files: it passes when connections end.
            (Err(_), _) => tokio::select! {
                () = sleep(PAUSE) => continue,
                () = &mut end => return,
            },
        };
        let (routes, ended) = (routes.clone(), ended.clone());
        tasks.spawn(async move {
            serve_connection(stream, routes, ended).await;
            drop(permit);
        });
    }
}

/// Serves one connection.
async fn serve_connection<S>(stream: S, routes: Router, ended: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(LONGEST_HEAD);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));
    // An error means that the client has left.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = ended.cancelled() => {}
        () = sleep(LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_ANSWER, connection).await;
}

/// Far more than probes, scrapers and operators have at once.
const MOST_CONNECTIONS: usize = 256;
/// How long a client may take for a head, and may stay without a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// So that all heads together take 16 MiB at most, and not the 100 MiB that hyper would let them have.
const LONGEST_HEAD: usize = 64 << 10;
/// How long a connection takes requests.
const LIFETIME: Duration = Duration::from_mins(2);
/// How long the answer to the last of them may take. A reload answers after a minute at most.
const LAST_ANSWER: Duration = Duration::from_secs(70);

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        net::TcpStream,
        task::yield_now,
    };

    use super::*;

    /// A little later than a head has to be there, and long before a connection is too old.
    const SOON: Duration = HEAD_TIMEOUT.saturating_add(Duration::from_secs(1));

    fn routes() -> Router {
        let large = get(|| async { Body::from(vec![b'a'; 64 << 20]) });
        Router::new().route("/livez", get(|| async { "ok" })).route("/large", large)
    }

    /// A connection in memory, where a paused clock goes on only when nobody has anything to do.
    async fn connection(text: &str, tasks: &TaskTracker) -> DuplexStream {
        let (mut client, server) = duplex(256 << 10);
        tasks.spawn(serve_connection(server, routes(), CancellationToken::new()));
        client.write_all(text.as_bytes()).await.unwrap();
        client
    }

    /// A listener that serves two connections at once, until the guard is dropped.
    async fn listener() -> (SocketAddr, DropGuard, TaskTracker) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, end, tasks) = (socket.local_addr().unwrap(), CancellationToken::new(), TaskTracker::new());
        tasks.spawn(serve(socket, routes(), 2, end.clone().cancelled_owned(), tasks.clone()));
        (address, end.drop_guard(), tasks)
    }

    async fn connect(address: SocketAddr, text: &str) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(text.as_bytes()).await.unwrap();
        client
    }

    /// All that comes until the connection is closed.
    async fn rest(client: &mut (impl AsyncRead + Unpin)) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_no_request_keeps_no_connection() {
        let tasks = TaskTracker::new();
        for start in ["", "G", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nX: "] {
            let mut client = connection(start, &tasks).await;
            let text = timeout(SOON, rest(&mut client)).await.unwrap();
            assert!(!text.contains("200 OK"), "{start}: {text}");
        }
        let mut idle = connection("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", &tasks).await;
        assert!(timeout(SOON, rest(&mut idle)).await.unwrap().ends_with("\r\n\r\nok"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_no_answer_keeps_no_connection() {
        let tasks = TaskTracker::new();
        let _client = connection("GET /large HTTP/1.1\r\nHost: a\r\n\r\n", &tasks).await;
        tasks.close();
        let longest = LIFETIME + LAST_ANSWER;
        assert!(timeout(longest - Duration::from_secs(1), tasks.wait()).await.is_err());
        timeout(Duration::from_secs(2), tasks.wait()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_head_is_refused() {
        let tasks = TaskTracker::new();
        for (length, status) in [(LONGEST_HEAD / 2, "200"), (2 * LONGEST_HEAD, "431")] {
            let filler = "a".repeat(length);
            let head = format!("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {filler}\r\n\r\n");
            let text = rest(&mut connection(&head, &tasks).await).await;
            assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{text}");
        }
    }

    #[tokio::test]
    async fn the_next_client_waits_until_one_of_the_others_has_left() {
        const REQUEST: &str = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let (address, _open, tasks) = listener().await;
        let silent = [connect(address, "G").await, connect(address, "G").await];
        while tasks.len() < 3 {
            yield_now().await;
        }
        let mut last = connect(address, REQUEST).await;
        assert!(timeout(Duration::from_millis(50), last.readable()).await.is_err());
        drop(silent);
        assert!(rest(&mut last).await.ends_with("\r\n\r\nok"));
    }

    #[tokio::test]
    async fn the_end_waits_for_no_client_that_is_idle() {
        let (address, open, tasks) = listener().await;
        let mut idle = connect(address, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        drop(open);
        tasks.close();
        timeout(HEAD_TIMEOUT / 2, tasks.wait()).await.unwrap();
        rest(&mut idle).await;
    }
}
