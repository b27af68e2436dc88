//! The connections of clients, from a TLS handshake or an accepted socket to their end.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::BytesMut;
use http::{Method, StatusCode};
use pingora_core::{
    apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp},
    protocols::{
        ALPN, Stream,
        http::{ServerSession, v2::server::H2Options},
    },
    server::ShutdownWatch,
};
use tokio::{io::AsyncReadExt as _, time::timeout_at};

use super::{
    first_bytes::FirstBytes,
    idle::{ARRIVAL, time_for_first_bytes, until_idle},
    memory::ConnectionMemory,
};
use crate::{
    clock::{Clock as _, SystemClock},
    gateway::{
        active_config::ActiveConfig,
        forwarded::Forwarded,
        logs::{Answer, ConnectionOrigin},
        web_socket::MaybeWebSocket,
    },
};

/// A pingora app around another one, for the connections of clients. It limits how long each head may take, closes idle connections at a stop, and spells
/// the first host of an HTTP/1 connection in one way.
pub(in crate::gateway) struct ClientConnections<A> {
    app: Arc<A>,
    active: Arc<ArcSwap<ActiveConfig>>,
}

impl<A> ClientConnections<A> {
    pub(in crate::gateway) fn new(app: A, active: Arc<ArcSwap<ActiveConfig>>) -> Self {
        Self { app: Arc::new(app), active }
    }

    /// How long a connection may wait: for its first head, or for the preface of HTTP/2 and then without a request.
    fn idle(&self) -> Option<Duration> {
        self.active.load().config.timeouts.idle
    }
}

#[async_trait]
impl<A: HttpServerApp + Send + Sync + 'static> ServerApp for ClientConnections<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let for_first_bytes = time_for_first_bytes(shutdown);
        let idle = self.idle();
        let limit = idle.map(|idle| SystemClock.now() + idle);
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            let stream = until_idle(after_preface(stream, limit), || true, || for_first_bytes, shutdown).await??;
            let app = Http2::new(Arc::clone(&self.app), Arc::clone(&self.active), idle);
            return Arc::new(app).process_new(stream, shutdown).await;
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

/// The app of one connection of HTTP/2, which is closed after so long without a request. pingora asks an app for that at the start
/// of each connection, and the configuration may have changed since the app was made.
struct Http2<A> {
    app: Arc<A>,
    active: Arc<ArcSwap<ActiveConfig>>,
    options: HttpServerOptions,
}

impl<A: HttpServerApp> Http2<A> {
    fn new(app: Arc<A>, active: Arc<ArcSwap<ActiveConfig>>, idle: Option<Duration>) -> Self {
        let mut options = HttpServerOptions::default();
        options.h2_idle_timeout = idle;
        Self { app, active, options }
    }

    /// Lets pingora refuse a `CONNECT`, of which the proxy never hears, and writes its line.
    async fn refuse_tunnel(&self, session: ServerSession, shutdown: &ShutdownWatch) -> Option<ReusedHttpStream> {
        let (arrived, active) = (SystemClock.now(), self.active.load_full());
        let record = active.logs.access.as_ref().map(|access| {
            let mut record = access.record();
            record.note_request(&session, &Forwarded::of(&session, &active.config.trusted_proxies), None);
            record
        });
        let served = self.app.process_new_http(session, shutdown).await;
        if let Some(record) = record {
            let (status, ended, time) = (StatusCode::METHOD_NOT_ALLOWED, SystemClock.now(), SystemClock.wall());
            record.write(&Answer { status: Some(status), arrived, ended, time, app: None, server: None, trace: None });
        }
        served
    }
}

#[async_trait]
impl<A: HttpServerApp + Send + Sync + 'static> HttpServerApp for Http2<A> {
    // It is not async, because the future of the app would then be put into another box.
    fn process_new_http<'life0, 'life1, 'async_trait>(
        self: &'life0 Arc<Self>,
        session: ServerSession,
        shutdown: &'life1 ShutdownWatch,
    ) -> Pin<Box<dyn Future<Output = Option<ReusedHttpStream>> + Send + 'async_trait>>
    where
        Self: 'async_trait,
        'life0: 'async_trait,
        'life1: 'async_trait,
    {
        if session.req_header().method == Method::CONNECT {
            return Box::pin(self.refuse_tunnel(session, shutdown));
        }
        self.app.process_new_http(session, shutdown)
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.app.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
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
