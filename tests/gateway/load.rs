//! Clients that ask while one process gives way to the next.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    task::{JoinSet, yield_now},
};

use super::{
    setup,
    support::{
        program::Program,
        raw::{self, Message, within},
    },
};

/// How many processes give way.
pub(crate) const ROUNDS: usize = 4;

/// Where clients come to.
#[derive(Clone)]
pub(crate) enum Place {
    Port(SocketAddr),
    Path(PathBuf),
}

impl Place {
    /// A request on a connection of its own; none if it gets no answer.
    pub(crate) async fn ask(&self) -> Option<Message> {
        match self {
            Self::Port(address) => ask_over(TcpStream::connect(address).await.ok()?).await,
            Self::Path(path) => ask_over(UnixStream::connect(path).await.ok()?).await,
        }
    }
}

async fn ask_over(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<Message> {
    stream.write_all(&raw::get("/livez", "Connection: close\r\n")).await.ok()?;
    Message::read(&mut stream).await.ok()?
}

/// Clients that ask again and again, each on a new connection.
pub(crate) struct Load {
    clients: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Load {
    pub(crate) fn start(place: &Place) -> Self {
        let mut load =
            Self { clients: JoinSet::new(), is_over: Arc::default(), answered: Arc::default(), failed: Arc::default() };
        for _ in 0..CLIENTS {
            let (place, is_over) = (place.clone(), Arc::clone(&load.is_over));
            let (answered, failed) = (Arc::clone(&load.answered), Arc::clone(&load.failed));
            load.clients.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let is_answered = within(place.ask()).await.is_some_and(|answer| answer.status() == 200);
                    let count = if is_answered { &answered } else { &failed };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }

    /// Waits until each client has got more answers.
    pub(crate) async fn go_on(&self) {
        let answered = self.answered.load(Ordering::Relaxed);
        within(async {
            while self.answered.load(Ordering::Relaxed) < answered + 5 * CLIENTS {
                yield_now().await;
            }
        })
        .await;
    }

    pub(crate) async fn assert_lost_nothing(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        let (answered, failed) = (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        assert_eq!(failed, 0, "beside {answered} that were answered");
    }
}

/// Stops a program, and waits for its end.
pub(crate) async fn stop(program: Program) {
    program.signal("TERM");
    let (status, log) = setup::ended(program).await;
    assert!(status.success(), "{log:#?}");
}

const CLIENTS: usize = 8;
