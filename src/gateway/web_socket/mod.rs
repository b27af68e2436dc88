//! WebSockets, which are closed properly at a stop.
//!
//! pingora passes the bytes of a WebSocket on. At a stop, the client gets a frame of the gateway that closes the WebSocket with the
//! code 1001, "going away" (RFC 6455 §7.4.1), and may connect again: to the next process, or to another gateway. The frame goes out
//! between two frames of the app; a message in several frames may be left unfinished. The client answers it, the app gets the
//! answer, and closes the connection. A WebSocket whose app is in the middle of a frame has the grace of the stop to finish it.

mod frames;

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use pingora_core::{
    protocols::{Peek, Stream},
    server::ShutdownWatch,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use self::frames::Frames;
use super::connections::memory::Progress;

/// A connection of HTTP/1, which may become a WebSocket.
pub(super) struct MaybeWebSocket {
    stream: Stream,
    progress: Arc<Progress>,
    shutdown: ShutdownWatch,
    web_socket: Option<Box<WebSocket>>,
}

/// A connection that has become a WebSocket.
struct WebSocket {
    frames: Frames,
    end: End,
}

/// How far the end of a WebSocket has come.
enum End {
    /// The gateway goes on: this future is ready when it stops.
    Unknown(Pin<Box<dyn Future<Output = ()> + Send + Sync>>),
    /// The gateway stops, and the frame that the app is sending has to end first.
    Due,
    /// So many bytes of the closing frame were sent. No more of the app's frames are, and the connection ends at this time.
    Begun(usize, Pin<Box<Sleep>>),
}

impl MaybeWebSocket {
    pub(super) fn new(stream: Stream, progress: Arc<Progress>, shutdown: &ShutdownWatch) -> Self {
        Self { stream, progress, shutdown: shutdown.clone(), web_socket: None }
    }

    /// The stream, and the WebSocket that it is by now.
    fn parts(&mut self) -> (Pin<&mut Stream>, Option<&mut WebSocket>) {
        if self.web_socket.is_none() && self.progress.is_web_socket() {
            self.web_socket = Some(Box::new(WebSocket::new(self.shutdown.clone())));
        }
        (Pin::new(&mut self.stream), self.web_socket.as_deref_mut())
    }
}

impl WebSocket {
    fn new(mut shutdown: ShutdownWatch) -> Self {
        let stopped = Box::pin(async move {
            // A gateway that is gone has stopped as well.
            let _ = shutdown.wait_for(|is_stopped| *is_stopped).await;
        });
        Self { frames: Frames::new(), end: End::Unknown(stopped) }
    }

    /// Goes on with the end, and is ready when the connection is to end.
    fn poll_end(&mut self, mut stream: Pin<&mut Stream>, cx: &mut Context<'_>) -> Poll<()> {
        if let End::Unknown(stopped) = &mut self.end {
            ready!(stopped.as_mut().poll(cx));
            self.end = End::Due;
        }
        if matches!(self.end, End::Due) && self.frames.is_between() {
            self.end = End::Begun(0, Box::pin(sleep(ANSWER)));
        }
        let End::Begun(sent, over) = &mut self.end else { return Poll::Pending };
        while *sent < GOING_AWAY.len() {
            match stream.as_mut().poll_write(cx, &GOING_AWAY[*sent..]) {
                Poll::Ready(Ok(count)) if count > 0 => *sent += count,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        let _ = stream.poll_flush(cx);
        over.as_mut().poll(cx)
    }

    /// Sends frames of the app, but none behind the closing frame.
    fn poll_write(
        &mut self,
        mut stream: Pin<&mut Stream>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = match self.end {
            End::Unknown(_) => bytes.len(),
            End::Due => self.frames.rest_of_frame(bytes),
            // The app may go on until it gets the client's answer.
            End::Begun(..) => return Poll::Ready(Ok(bytes.len())),
        };
        let count = ready!(stream.as_mut().poll_write(cx, &bytes[..allowed]))?;
        self.frames.follow(&bytes[..count]);
        if matches!(self.end, End::Due) {
            let _ = self.poll_end(stream, cx);
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for MaybeWebSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (mut stream, web_socket) = self.parts();
        if let Some(web_socket) = web_socket
            && web_socket.poll_end(stream.as_mut(), cx).is_ready()
        {
            return Poll::Ready(Ok(()));
        }
        stream.poll_read(cx, out)
    }
}

impl AsyncWrite for MaybeWebSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.parts() {
            (stream, None) => stream.poll_write(cx, bytes),
            (stream, Some(web_socket)) => web_socket.poll_write(stream, cx, bytes),
        }
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
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.parts() {
            (stream, None) => stream.poll_write_vectored(cx, bytes),
            (stream, Some(web_socket)) => {
                let first = bytes.iter().find(|bytes| !bytes.is_empty()).map_or(&[][..], |bytes| bytes);
                web_socket.poll_write(stream, cx, first)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Peek for MaybeWebSocket {
    async fn try_peek(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        self.stream.try_peek(bytes).await
    }
}

delegated!(MaybeWebSocket, |self| &self.stream, &mut self.stream);
redacted!(MaybeWebSocket);

/// The frame that closes a WebSocket with the code 1001.
const GOING_AWAY: [u8; 4] = [0x88, 2, 0x03, 0xe9];
/// How long the client may take to answer, and the app to end the connection then.
const ANSWER: Duration = Duration::from_secs(2);
