//! The access log: one line for each request that was answered.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::Arc,
    time::{Instant, SystemTime},
};

use http::{HeaderValue, Method, StatusCode, Version};
use pingora_core::protocols::{Stream, http::ServerSession, l4::socket::SocketAddr, tls::SslDigest};

use super::{
    LogLine, LogName, LogSink, UserHasher,
    logged_path::{LoggedPath, PathNames},
};
use crate::{
    gateway::{
        config::{AccessLogConfig, Config, LineFormat},
        connections::memory::address_text,
        forwarded::Forwarded,
        request_id::HttpRequestId,
        route_names::RouteNames,
        traces::TraceId,
    },
    profile::PhoneNumber,
};

/// The access log.
pub(in crate::gateway) struct AccessLog {
    sink: LogSink,
    format: LineFormat,
    paths: PathNames,
    users: UserHasher,
}

/// What is known of a request that is on its way. Whoever ends the request writes its line.
pub(in crate::gateway) struct AccessRecord {
    log: Arc<AccessLog>,
    request: Option<Request>,
    user: Option<PhoneNumber>,
    /// The code of truegate's own refusal.
    refusal: Option<&'static str>,
    bytes: Option<Bytes>,
}

/// What is known of a request from its head.
struct Request {
    id: Option<HttpRequestId>,
    /// The text of its address.
    client: Option<HeaderValue>,
    host: Option<HeaderValue>,
    method: Method,
    path: LoggedPath,
    version: Version,
    /// The version of TLS; none for plain HTTP.
    tls: Option<Cow<'static, str>>,
}

/// What is known of the client of a connection before its first request.
pub(in crate::gateway) struct ConnectionOrigin {
    client: Option<IpAddr>,
    tls: Option<Arc<SslDigest>>,
}

/// How many bytes the bodies had.
struct Bytes {
    received: usize,
    sent: usize,
}

/// The answer to a request, as far as it is known at its end.
pub(in crate::gateway) struct Answer<'a> {
    /// None if the client left before.
    pub(in crate::gateway) status: Option<StatusCode>,
    /// When the head of the request had come.
    pub(in crate::gateway) arrived: Instant,
    pub(in crate::gateway) ended: Instant,
    pub(in crate::gateway) time: SystemTime,
    /// The app that the request was sent to.
    pub(in crate::gateway) app: Option<AskedApp<'a>>,
    /// Its trace, if the spans of it are exported.
    pub(in crate::gateway) trace: Option<TraceId>,
    /// The server of the app that was asked last.
    pub(in crate::gateway) server: Option<&'a SocketAddr>,
}

/// The app that a request was sent to.
pub(in crate::gateway) struct AskedApp<'a> {
    pub(in crate::gateway) name: &'a str,
    /// When the request was first sent to one of its servers.
    pub(in crate::gateway) sent: Instant,
    /// When the head of its answer came.
    pub(in crate::gateway) answered: Option<Instant>,
}

impl AccessLog {
    pub(super) fn new(
        sink: LogSink,
        log: &AccessLogConfig,
        config: &Config,
        routes: &Arc<RouteNames>,
        users: UserHasher,
    ) -> Self {
        Self { sink, format: log.format, paths: PathNames::new(config, routes), users }
    }

    /// Writes the line of a head that was answered without being a request, because it could not be read.
    pub(in crate::gateway) fn write_unread(&self, from: &ConnectionOrigin, status: StatusCode, time: SystemTime) {
        let mut line = LogLine::begin(self.format, LogName::Access, time);
        if let Some(client) = from.client {
            line.display("client", client);
        }
        if let Some(tls) = &from.tls {
            line.display("tls", tls_version(&tls.version));
        }
        line.number("status", status.as_u16().into());
        self.sink.write(&line.finish());
    }

    /// Begins the record of a request.
    pub(in crate::gateway) fn record(self: &Arc<Self>) -> Box<AccessRecord> {
        Box::new(AccessRecord { log: Arc::clone(self), request: None, user: None, refusal: None, bytes: None })
    }
}

impl ConnectionOrigin {
    pub(in crate::gateway) fn of(stream: &Stream) -> Self {
        let peer =
            stream.get_socket_digest().and_then(|digest| digest.peer_addr().and_then(|peer| peer.as_inet().copied()));
        Self { client: peer.map(|peer| peer.ip().to_canonical()), tls: stream.get_ssl_digest() }
    }
}

impl AccessRecord {
    /// Whether the head of the request was noted.
    pub(in crate::gateway) fn has_request(&self) -> bool {
        self.request.is_some()
    }

    /// Takes note of the head of the request, where it came from, and its id.
    pub(in crate::gateway) fn note_request(
        &mut self,
        session: &ServerSession,
        forwarded: &Forwarded,
        id: Option<&HttpRequestId>,
    ) {
        let head = session.req_header();
        let raw = head.raw_path().split(|byte| *byte == b'?').next().unwrap_or_default();
        let tls = session.digest().and_then(|digest| digest.ssl_digest.as_ref());
        self.request = Some(Request {
            id: id.cloned(),
            client: forwarded.client.address.map(address_text),
            host: forwarded.host.clone(),
            method: head.method.clone(),
            path: self.log.paths.choose(head, raw),
            version: head.version,
            tls: tls.map(|tls| tls.version.clone()),
        });
    }

    /// Takes note of the user, as soon as it is known.
    pub(in crate::gateway) fn note_user(&mut self, user: Option<&PhoneNumber>) {
        self.user = user.cloned().or(self.user.take());
    }

    /// Takes note of the bodies, and of truegate's own refusal, at the end of the request.
    pub(in crate::gateway) fn note_end(&mut self, session: &ServerSession, refusal: Option<&'static str>) {
        self.bytes = Some(Bytes { received: session.body_bytes_read(), sent: session.body_bytes_sent() });
        self.refusal = refusal;
    }

    /// Writes the line.
    pub(in crate::gateway) fn write(self, answer: &Answer<'_>) {
        let mut line = LogLine::begin(self.log.format, LogName::Access, answer.time);
        if let Some(request) = &self.request {
            request.write(&mut line, &self.log.paths);
        }
        line.number("status", answer.status.map_or(CLIENT_LEFT, |status| status.as_u16()).into());
        if let Some(bytes) = &self.bytes {
            line.number("bytes_received", bytes.received as u64);
            line.number("bytes_sent", bytes.sent as u64);
        }
        answer.write_times(&mut line);
        if let Some(app) = &answer.app {
            line.bytes("upstream", app.name.as_bytes(), usize::MAX);
        }
        if let Some(server) = answer.server {
            line.display("server", server);
        }
        if let Some(user) = &self.user {
            line.display("user", self.log.users.hash(user));
        }
        if let Some(refusal) = self.refusal {
            line.word("refusal", refusal);
        }
        if let Some(trace) = answer.trace {
            line.display("trace_id", trace);
        }
        self.log.sink.write(&line.finish());
    }
}

impl Answer<'_> {
    fn write_times(&self, line: &mut LogLine) {
        let Self { arrived, ended, app, .. } = self;
        line.milliseconds("duration_ms", *ended - *arrived);
        line.milliseconds("own_ms", app.as_ref().map_or(*ended, |app| app.sent) - *arrived);
        if let Some(AskedApp { sent, answered, .. }) = app {
            line.milliseconds("upstream_ms", answered.unwrap_or(*ended) - *sent);
        }
    }
}

impl Request {
    fn write(&self, line: &mut LogLine, paths: &PathNames) {
        if let Some(id) = &self.id {
            line.bytes("id", id.value().as_bytes(), usize::MAX);
        }
        if let Some(client) = &self.client {
            line.bytes("client", client.as_bytes(), usize::MAX);
        }
        if let Some(host) = &self.host {
            line.bytes("host", host.as_bytes(), LONGEST_HOST);
        }
        line.bytes("method", self.method.as_str().as_bytes(), LONGEST_METHOD);
        match &self.path {
            LoggedPath::Hidden => {}
            LoggedPath::Route(route) => line.bytes("path", paths.name(*route).as_bytes(), usize::MAX),
            LoggedPath::Full(path) => line.bytes("path", path, LONGEST_PATH),
        }
        line.word("version", version(self.version));
        if let Some(tls) = &self.tls {
            line.display("tls", tls_version(tls));
        }
    }
}

/// The version of TLS as OpenSSL and nginx write it: rustls has `TLSv1_3`.
fn tls_version(version: &str) -> String {
    version.replace('_', ".")
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// The status that nginx logs, too, for a client that left before the answer.
const CLIENT_LEFT: u16 = 499;
const LONGEST_HOST: usize = 255;
const LONGEST_METHOD: usize = 32;
const LONGEST_PATH: usize = 2048;
