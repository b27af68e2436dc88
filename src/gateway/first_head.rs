//! Connections whose first head is [spelled alike](super::target_host) while it is read.
//!
//! Only the first head of a connection is changed, because the first byte of a connection is certain to start one. Where
//! a later head starts, only pingora knows: it may already hold a part of it, and what is read next may be a body. So later
//! heads are left as they came. A connection whose first head was changed is closed after the answer, and the client
//! opens another one for its next request.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora_core::{
    apps::ServerApp,
    protocols::{ALPN, Peek, Stream},
    server::ShutdownWatch,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    time::timeout_at,
};

use super::{
    connection_memory::{ConnectionMemory, Progress},
    idle::{ARRIVAL, FIRST_REQUEST, until_idle},
    target_host::{LONGEST, end_of_head, may_be_absolute, spelled_alike},
};
use crate::clock::{Clock as _, SystemClock};

/// A pingora app; the first request of each of its HTTP/1 connections spells its host in one way.
pub(super) struct OneSpelling<A> {
    app: Arc<A>,
    /// How long the start of a connection may take: the first head, or the preface of HTTP/2.
    limit: Option<Duration>,
}

impl<A> OneSpelling<A> {
    pub(super) fn new(app: A, limit: Option<Duration>) -> Self {
        Self { app: Arc::new(app), limit }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for OneSpelling<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        // A client that shook hands during the stop sends its request only now.
        let shook_hands = stream.get_ssl_digest().is_some() && *shutdown.borrow();
        let time = if shook_hands { FIRST_REQUEST } else { ARRIVAL };
        let limit = self.limit.map(|limit| SystemClock.now() + limit);
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            let stream = until_idle(after_preface(stream, limit), || true, shutdown, time).await??;
            return self.app.process_new(stream, shutdown).await;
        }
        let memory = ConnectionMemory::new(limit);
        let progress = Arc::clone(&memory.progress);
        let first = FirstHead { stream, is_expected: true, head: BytesMut::new(), progress: Arc::clone(&progress) };
        let serving = memory.serve(self.app.process_new(Box::new(first), shutdown));
        until_idle(serving, || progress.is_idle(), shutdown, time).await.flatten()
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
    let progress = Arc::default();
    Some(Box::new(FirstHead { stream, is_expected: false, head: preface, progress }))
}

/// The bytes of a client's preface (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// A connection of which the first bytes are looked at as they are read.
struct FirstHead {
    stream: Stream,
    is_expected: bool,
    /// The bytes of a head with an absolute target until it is whole, or of a preface; then the part that was not handed out yet.
    head: BytesMut,
    progress: Arc<Progress>,
}

impl FirstHead {
    /// Hands out what is held.
    fn give(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.head.len().min(out.remaining());
        out.put_slice(&self.head[..count]);
        self.head.advance(count);
    }
}

impl AsyncRead for FirstHead {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.is_expected {
            let before = out.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, out))?;
            self.progress.note_bytes();
            let came = &out.filled()[before..];
            let ended = came.is_empty();
            if self.head.is_empty() && (ended || !may_be_absolute(came)) {
                self.is_expected = false;
                return Poll::Ready(Ok(()));
            }
            let came = came.to_vec();
            out.set_filled(before);
            self.head.extend_from_slice(&came);
            let seen = self.head.len() - came.len();
            let is_whole = end_of_head(&self.head, seen).is_some() || self.head.len() > LONGEST;
            if ended || is_whole || !may_be_absolute(&self.head) {
                self.is_expected = false;
                if let Some(head) = spelled_alike(&self.head) {
                    self.progress.change_head();
                    self.head = BytesMut::from(&*head);
                }
            }
        }
        if self.head.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, out))?;
            self.progress.note_bytes();
            return Poll::Ready(Ok(()));
        }
        self.give(out);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FirstHead {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Peek for FirstHead {
    async fn try_peek(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        self.stream.try_peek(bytes).await
    }
}

delegated!(FirstHead, |self| &self.stream, &mut self.stream);
redacted!(FirstHead);
