use std::{
    net::{TcpListener, TcpStream},
    pin::pin,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use pingora_core::{protocols::Stream, server::ShutdownWatch};
use tokio::{
    io::AsyncReadExt as _,
    sync::{mpsc, watch},
};

use super::*;
use crate::gateway::{
    admin::Metrics,
    connections::{client_socket::ClientSocket, settings::ConnectionSettings},
    telemetry::Telemetry,
};

/// Says on which thread a connection is served, and blocks the thread if the connection says so.
struct App {
    served: mpsc::UnboundedSender<String>,
    released: Arc<Mutex<Receiver<()>>>,
}

#[async_trait]
impl ServerApp for App {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, _: &ShutdownWatch) -> Option<Stream> {
        let blocks = stream.read_u8().await.ok()? == BLOCKING;
        self.served.send(thread::current().name().unwrap().to_owned()).unwrap();
        if blocks {
            self.released.lock().unwrap().recv().unwrap();
        }
        // Until the client leaves.
        let _ = stream.read_u8().await;
        None
    }
}

/// Threads with clients that stay.
struct Site {
    workers: Workers,
    listener: TcpListener,
    clients: Vec<TcpStream>,
    served: mpsc::UnboundedReceiver<String>,
    release: Sender<()>,
    stop: watch::Sender<bool>,
    end: CancellationToken,
    threads: TaskTracker,
    connections: TaskTracker,
}

impl Site {
    async fn start(count: usize) -> Self {
        let ((tell, served), (release, released)) = (mpsc::unbounded_channel(), channel());
        let (stop, end, threads) = (watch::Sender::new(false), CancellationToken::new(), TaskTracker::new());
        let worker_stop = WorkerStop { ended: end.clone(), threads: threads.clone() };
        let released = Arc::new(Mutex::new(released));
        let make = move || Ok(App { served: tell.clone(), released: Arc::clone(&released) });
        let workers = Workers::start(NonZero::new(count).unwrap(), &worker_stop, make).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (clients, connections) = (Vec::new(), TaskTracker::new());
        Self { workers, listener, clients, served, release, stop, end, threads, connections }
    }

    /// A client connects, and says one byte.
    async fn connect(&mut self, byte: u8) {
        let mut client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        io::Write::write_all(&mut client, &[byte]).unwrap();
        self.clients.push(client);
        let (socket, peer) = self.listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let (telemetry, http_2) = (Telemetry::new(Metrics::new()), TaskTracker::new());
        let settings = Arc::new(ConnectionSettings { proxies: None, tls: None, redirect: None, http_2, telemetry });
        let (socket, open) = (ClientSocket::Tcp(socket, peer), self.connections.token());
        let shutdown = self.stop.subscribe();
        self.workers.hand_over(AcceptedConnection { socket, settings, open, shutdown }).await;
    }

    async fn served(&mut self) -> String {
        self.served.recv().await.unwrap()
    }
}

#[tokio::test]
async fn each_thread_serves_as_many_connections_as_the_others() {
    let mut site = Site::start(3).await;
    let mut threads = Vec::new();
    for _ in 0..12 {
        site.connect(QUIET).await;
        threads.push(site.served().await);
    }
    for name in ["worker-0", "worker-1", "worker-2"] {
        assert_eq!(threads.iter().filter(|thread| *thread == name).count(), 4, "{threads:?}");
    }
}

#[tokio::test]
async fn a_thread_that_is_stuck_gets_one_more_connection_at_most() {
    let mut site = Site::start(2).await;
    site.connect(BLOCKING).await;
    let stuck = site.served().await;
    site.connect(QUIET).await;
    let other = site.served().await;
    // Nobody knows yet that the first thread is stuck, and it has no more connections than the other one.
    site.connect(QUIET).await;

    for _ in 0..8 {
        site.connect(QUIET).await;
        assert_eq!(site.served().await, other);
    }

    site.release.send(()).unwrap();
    assert_eq!(site.served().await, stuck, "none is lost");
}

#[tokio::test]
async fn threads_that_take_none_get_equally_many() {
    let mut site = Site::start(2).await;
    site.connect(BLOCKING).await;
    site.served().await;
    // The other thread has more open connections when it is stuck too.
    site.connect(QUIET).await;
    site.served().await;
    site.connect(QUIET).await;
    for _ in 0..8 {
        site.connect(QUIET).await;
        site.served().await;
    }
    site.connect(BLOCKING).await;
    site.served().await;

    for _ in 0..9 {
        site.connect(QUIET).await;
    }

    let untaken: Vec<_> = site.workers.workers.iter().map(Worker::untaken).collect();
    assert_eq!(untaken, [5, 5]);
    site.release.send(()).unwrap();
    site.release.send(()).unwrap();
}

#[tokio::test]
async fn all_threads_run_something_unless_one_is_stuck() {
    let mut site = Site::start(2).await;
    site.workers.run_all().await;
    site.connect(BLOCKING).await;
    site.served().await;

    let workers = site.workers.clone();
    let mut running = pin!(workers.run_all());
    assert!((&mut running).now_or_never().is_none());
    // By then, the other thread has run what it was given.
    for _ in 0..2 {
        site.connect(QUIET).await;
    }
    site.served().await;
    assert!((&mut running).now_or_never().is_none(), "one is stuck");

    site.release.send(()).unwrap();
    running.await;
}

#[tokio::test]
async fn threads_end_with_the_gateway_whatever_is_left() {
    let mut site = Site::start(2).await;
    for _ in 0..4 {
        site.connect(QUIET).await;
        site.served().await;
    }
    site.stop.send_replace(true);
    site.end.cancel();
    site.threads.close();
    site.threads.wait().await;
    for client in &mut site.clients {
        assert!(matches!(io::Read::read(client, &mut [0]), Ok(0) | Err(_)), "it is closed");
    }
}

#[tokio::test]
async fn an_app_that_cannot_be_made_is_an_error() {
    let stop = WorkerStop { ended: CancellationToken::new(), threads: TaskTracker::new() };
    let make = || Err::<App, _>(io::Error::other("no"));
    assert!(Workers::start(NonZero::new(2).unwrap(), &stop, make).await.is_err());
}

const QUIET: u8 = 0;
const BLOCKING: u8 = 1;
