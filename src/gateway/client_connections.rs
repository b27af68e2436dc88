//! The connections of clients, from a TLS handshake or an accepted socket to their end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::BytesMut;
use pingora_core::{
    apps::ServerApp,
    protocols::{ALPN, Stream},
    server::ShutdownWatch,
};
use tokio::{io::AsyncReadExt as _, time::timeout_at};

use super::{
    active_config::ActiveConfig,
    connection_memory::ConnectionMemory,
    first_bytes::FirstBytes,
    idle::{ARRIVAL, time_for_first_bytes, until_idle},
    logs::ConnectionOrigin,
    web_socket::MaybeWebSocket,
};
use crate::clock::{Clock as _, SystemClock};

/// A pingora app for the connections of clients. It limits how long each head may take, closes idle connections at a stop, and spells
/// the first host of an HTTP/1 connection in one way.
pub(super) struct ClientConnections<A> {
    app: Arc<A>,
    active: Arc<ArcSwap<ActiveConfig>>,
}

impl<A> ClientConnections<A> {
    pub(super) fn new(app: A, active: Arc<ArcSwap<ActiveConfig>>) -> Self {
        Self { app: Arc::new(app), active }
    }

    /// How long the start of a connection may take: the first head, or the preface of HTTP/2.
    fn limit(&self) -> Option<Duration> {
        self.active.load().config.timeouts.idle
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for ClientConnections<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let for_first_bytes = time_for_first_bytes(shutdown);
        let limit = self.limit().map(|limit| SystemClock.now() + limit);
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            let stream = until_idle(after_preface(stream, limit), || true, || for_first_bytes, shutdown).await??;
            return self.app.process_new(stream, shutdown).await;
        }
        let origin = ConnectionOrigin::of(&stream);
        let memory = ConnectionMemory::new(limit);
        let progress = Arc::clone(&memory.progress);
        let stream = Box::new(MaybeWebSocket::new(stream, Arc::clone(&progress), shutdown));
        let first = FirstBytes::with_head(stream, Arc::clone(&progress));
        let serving = memory.serve(self.app.process_new(Box::new(first), shutdown));
        let time = || if progress.is_fresh() { for_first_bytes } else { ARRIVAL };
        let served = until_idle(serving, || progress.is_idle(), time, shutdown).await.flatten();
        if let Some(status) = progress.unread_status()
            && let Some(access) = &self.active.load().logs.access
        {
            access.write_unread(&origin, status, SystemClock.wall());
        }
        served
    }
}

/// Waits for the preface of HTTP/2, for which pingora would wait for ever, and returns the connection as it was before. Returns none
/// if it has not come by then.
async fn after_preface(mut stream: Stream, by: Option<Instant>) -> Option<Stream> {
    let mut preface = BytesMut::zeroed(PREFACE);
    let reading = stream.read_exact(&mut preface);
    match by {
        Some(by) => timeout_at(by.into(), reading).await.ok()?.ok()?,
        None => reading.await.ok()?,
    };
    Some(Box::new(FirstBytes::given_back(stream, preface)))
}

/// The bytes of a client's preface (RFC 9113 §3.4).
const PREFACE: usize = 24;
