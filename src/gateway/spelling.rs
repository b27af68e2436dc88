//! Absolute targets whose host is spelled otherwise than `Host` spells it.
//!
//! `GET http://Shop.Example:80/ HTTP/1.1` with `Host: shop.example` names one host twice. pingora compares the two byte for
//! byte and refuses the request before anyone else sees it. So the target is spelled as `Host` is while the head is read.
//! Heads that name two hosts are left as they came, for pingora to refuse.
//!
//! Only the first head of a connection is changed, because the first byte of a connection is certain to start one. Where
//! a later head starts, only pingora knows: it may already hold a part of it, and what is read next may be a body. So later
//! heads are left as they came. A connection whose first head was changed is closed after the answer, and the client
//! opens another one for its next request.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora_core::{
    apps::ServerApp,
    protocols::{
        ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream,
        TimingDigest, UniqueID, UniqueIDType,
        raw_connect::ProxyDigest,
        tls::{SslDigest, TlsRef},
    },
    server::ShutdownWatch,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::gate::authority::Authority;

/// An app of pingora's; the first request of each of its HTTP/1 connections spells its host in one way.
pub(super) struct OneSpelling<A>(Arc<A>);

impl<A> OneSpelling<A> {
    pub(super) fn new(app: A) -> Self {
        Self(Arc::new(app))
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for OneSpelling<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            return self.0.process_new(stream, shutdown).await;
        }
        let was_changed = Arc::new(AtomicBool::new(false));
        let first =
            FirstHead { stream, is_expected: true, head: BytesMut::new(), was_changed: Arc::clone(&was_changed) };
        WAS_CHANGED.scope(was_changed, self.0.process_new(Box::new(first), shutdown)).await
    }

    async fn cleanup(&self) {
        self.0.cleanup().await;
    }
}

/// Whether the first head was changed of the connection that the current task serves.
pub(super) fn has_changed_a_head() -> bool {
    WAS_CHANGED.try_with(|was_changed| was_changed.load(Ordering::Relaxed)).unwrap_or(false)
}

tokio::task_local! {
    static WAS_CHANGED: Arc<AtomicBool>;
}

/// A connection whose first head is looked at as it is read.
struct FirstHead {
    stream: Stream,
    is_expected: bool,
    /// What was read of a head with an absolute target, until it is whole; then what is left to give of it.
    head: BytesMut,
    was_changed: Arc<AtomicBool>,
}

impl FirstHead {
    /// Gives what is held.
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
                    self.was_changed.store(true, Ordering::Relaxed);
                    self.head = BytesMut::from(&*head);
                }
            }
        }
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, out);
        }
        self.give(out);
        Poll::Ready(Ok(()))
    }
}

/// Whether a head can have an absolute target, by what has come of it.
fn may_be_absolute(head: &[u8]) -> bool {
    let line = head.trim_ascii_start();
    if head.len() - line.len() > LONGEST_GAP {
        return false;
    }
    let Some(space) = line.iter().position(|byte| *byte == b' ') else {
        return line.len() <= LONGEST_METHOD && !line.contains(&b'\n');
    };
    let target = &line[space + 1..];
    SCHEMES.iter().any(|scheme| {
        let known = target.len().min(scheme.len());
        target[..known].eq_ignore_ascii_case(&scheme[..known])
    })
}

/// Where the lines of a head end, if they have; the first bytes were `seen` to hold no end.
fn end_of_head(head: &[u8], seen: usize) -> Option<usize> {
    let start = (head.len() - head.trim_ascii_start().len()).max(seen.saturating_sub(2));
    let empty_line = |(at, byte): (usize, &u8)| {
        let rest = &head[at + 1..];
        *byte == b'\n' && (rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
    };
    head.iter().enumerate().skip(start).find(|entry| empty_line(*entry)).map(|(at, _)| at + 1)
}

/// A head whose absolute target spells the host as its one `Host` line does; none if they are alike or not the same.
fn spelled_alike(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = &bytes[..end_of_head(bytes, 0)?];
    let (start, authority) = target_authority(head)?;
    let mut hosts = head.split(|byte| *byte == b'\n').skip(1).filter_map(host);
    let (host, None) = (hosts.next()?, hosts.next()) else { return None };
    let scheme = if start > 0 && head[..start].trim_ascii_end().to_ascii_lowercase().ends_with(b"https://") {
        "https"
    } else {
        "http"
    };
    let same = Authority::parse(host)?.is_same(&Authority::parse(authority)?, Some(scheme));
    let end = start + authority.len();
    (same && host != authority).then(|| [&bytes[..start], host, &bytes[end..]].concat())
}

/// The host of an absolute target, and where it begins.
fn target_authority(head: &[u8]) -> Option<(usize, &[u8])> {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    let space = line.iter().position(|byte| *byte == b' ')?;
    let target = &line[space + 1..];
    let scheme = SCHEMES
        .iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let authority = target[scheme.len()..].split(|byte| b"/?# \r".contains(byte)).next()?;
    let offset = authority.as_ptr().addr() - head.as_ptr().addr();
    Some((offset, authority))
}

/// The value of a line, if it is that of `Host`.
fn host(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    line[..colon].eq_ignore_ascii_case(b"host").then(|| line[colon + 1..].trim_ascii())
}

const SCHEMES: [&[u8]; 2] = [b"http://", b"https://"];
const LONGEST_METHOD: usize = 32;
/// Before a request there may be an empty line or two.
const LONGEST_GAP: usize = 16;
/// What is longer is refused anyway.
const LONGEST: usize = 128 * 1024;

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
impl Shutdown for FirstHead {
    async fn shutdown(&mut self) {
        self.stream.shutdown().await;
    }
}

#[async_trait]
impl Peek for FirstHead {
    async fn try_peek(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        self.stream.try_peek(bytes).await
    }
}

impl UniqueID for FirstHead {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl Ssl for FirstHead {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.stream.get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.selected_alpn_proto()
    }
}

impl GetTimingDigest for FirstHead {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> Duration {
        self.stream.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> Duration {
        self.stream.get_write_pending_time()
    }
}

impl GetProxyDigest for FirstHead {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.stream.set_proxy_digest(digest);
    }
}

impl GetSocketDigest for FirstHead {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.stream.set_socket_digest(digest);
    }
}

impl fmt::Debug for FirstHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstHead").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(head: &str) -> Option<String> {
        spelled_alike(head.as_bytes()).map(|head| String::from_utf8(head).unwrap())
    }

    #[test]
    fn one_host_is_spelled_in_one_way() {
        for (target, host, spelled) in [
            ("http://A.Test/x", "a.test", "http://a.test/x"),
            ("HTTP://a.test:80", "a.test", "HTTP://a.test"),
            ("http://a.test?q", "A.test:80", "http://A.test:80?q"),
            ("https://a.test:443/", "a.test", "https://a.test/"),
        ] {
            for end in ["\r\n", "\n"] {
                let head = |target: &str| {
                    format!("{end}GET {target} HTTP/1.1{end}X: y{end}HOST: {host} {end}{end}GET http://B/")
                };
                assert_eq!(alike(&head(target)), Some(head(spelled)), "{target}");
            }
        }
    }

    #[test]
    fn everything_else_stays_as_it_came() {
        for head in [
            "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
            "GET http://a.test:443/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://u@A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost : a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nX-Host: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost: a.test\r\n",
            "GET /http://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET ftp://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nGET http://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "\r\n\r\n",
            "",
        ] {
            assert_eq!(alike(head), None, "{head:?}");
        }
    }

    #[test]
    fn a_target_that_is_a_path_is_known_at_once() {
        for (head, may_be) in [
            ("", true),
            ("\r\n", true),
            ("GET", true),
            ("GET ", true),
            ("GET h", true),
            ("GET HTTPS:/", true),
            ("GET http://a", true),
            ("GET /", false),
            ("GET *", false),
            ("GET hx", false),
            ("GET\n", false),
            (&"A".repeat(33), false),
        ] {
            assert_eq!(may_be_absolute(head.as_bytes()), may_be, "{head:?}");
        }
    }
}
