//! Connections whose first head is [spelled alike](crate::gateway::target_host) while it is read, or whose first bytes were read already.
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
};

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora_core::protocols::{Peek, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::memory::Progress;
use crate::gateway::target_host::{LONGEST, end_of_head, may_be_absolute, spelled_alike};

/// A connection of which the first bytes are looked at.
pub(super) struct FirstBytes {
    stream: Stream,
    /// Whether the first head is still to come.
    is_expected: bool,
    /// The bytes of a head with an absolute target until it is whole, or of a preface; then the part that was not handed out yet.
    head: BytesMut,
    progress: Arc<Progress>,
}

impl FirstBytes {
    /// A connection of HTTP/1, of which nothing was read.
    pub(super) fn with_head(stream: Stream, progress: Arc<Progress>) -> Self {
        Self { stream, is_expected: true, head: BytesMut::new(), progress }
    }

    /// A connection of which these bytes were read: they are read again.
    pub(super) fn given_back(stream: Stream, head: BytesMut) -> Self {
        Self { stream, is_expected: false, head, progress: Arc::default() }
    }

    /// Hands out what is held.
    fn give(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.head.len().min(out.remaining());
        out.put_slice(&self.head[..count]);
        self.head.advance(count);
    }
}

impl AsyncRead for FirstBytes {
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

impl AsyncWrite for FirstBytes {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.progress.note_answer(bytes);
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
        self.progress.note_answer(bytes.first().map_or(&[], |bytes| &**bytes));
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Peek for FirstBytes {
    async fn try_peek(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        self.stream.try_peek(bytes).await
    }
}

delegated!(FirstBytes, |self| &self.stream, &mut self.stream);
redacted!(FirstBytes);
