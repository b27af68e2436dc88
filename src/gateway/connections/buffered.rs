//! Buffers between a socket and those who read and write it.
//!
//! pingora does not let the owner of a socket choose its buffers, and those of its own listeners keep 64 KiB for a client that
//! says nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use pingora_core::protocols::{Peek, l4::stream::Stream as Socket};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, BufWriter, ReadBuf};

/// A socket with a small buffer for what is written, so that a head and a short body leave together.
pub(super) struct Buffered(BufReader<BufWriter<Socket>>);

impl Buffered {
    /// A socket that is read in pieces of up to `read` bytes, or in larger ones if the reader has room for them.
    pub(super) fn new(socket: Socket, read: usize) -> Self {
        Self(BufReader::with_capacity(read, BufWriter::with_capacity(SEGMENT, socket)))
    }
}

impl AsyncRead for Buffered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, out)
    }
}

impl AsyncWrite for Buffered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }
}

/// pingora drops a connection in the middle of an answer without a last flush.
impl Drop for Buffered {
    fn drop(&mut self) {
        let _ = Pin::new(self.0.get_mut()).poll_flush(&mut Context::from_waker(Waker::noop()));
    }
}

impl Peek for Buffered {}

delegated!(Buffered, |self| self.0.get_ref().get_ref(), self.0.get_mut().get_mut());
redacted!(Buffered);

/// A usual segment of TCP.
const SEGMENT: usize = 1460;
