//! Callbacks that are sent to the app after they were answered and verified.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts};
use pingora_core::{
    Error, ErrorType, Result, connectors::http::Connector, protocols::http::client::HttpSession,
    upstreams::peer::HttpPeer,
};
use pingora_http::RequestHeader;
use tokio::time::timeout;

use super::{
    BoxError, failure,
    forwarded::Forwarded,
    request_id::HttpRequestId,
    telemetry::Telemetry,
    traces::DeliverySpan,
    upstream::{AffinityKey, Attempts, Upstream, connector, with_authority},
};
use crate::{
    clock::{Clock as _, SystemClock},
    pingora::CasedHead,
    session::Delivery,
};

/// Sends callbacks to an app as the proxy would, once. Clones share their connections.
#[derive(Clone)]
pub(super) struct UpstreamDelivery(Arc<Client>);

struct Client {
    connector: Connector,
    upstream: Arc<Upstream>,
    telemetry: Telemetry,
}

impl UpstreamDelivery {
    /// Speaks to the app as the proxy does, and trusts the roots that the proxy trusts.
    pub(super) fn new(upstream: &Arc<Upstream>, telemetry: &Telemetry) -> Result<Self, BoxError> {
        let connector = connector(&upstream.config)?;
        Ok(Self(Arc::new(Client { connector, upstream: Arc::clone(upstream), telemetry: telemetry.clone() })))
    }

    /// Whether callbacks are sent to this very app.
    pub(super) fn is_to(&self, upstream: &Arc<Upstream>) -> bool {
        Arc::ptr_eq(&self.0.upstream, upstream)
    }
}

impl Delivery for UpstreamDelivery {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'static, ()> {
        let client = Arc::clone(&self.0);
        Box::pin(async move {
            let mut span = DeliverySpan::begin(&client.upstream.config.name, request.method());
            let answer = match timeout(DEADLINE, client.send(request, &mut span)).await {
                Ok(answer) => answer,
                Err(_) => Error::e_explain(ErrorType::ReadTimedout, "the app has not answered in time"),
            };
            let answer = answer.map_err(|error| failure::cause(&error));
            span.end(answer);
            client.telemetry.delivery(&client.upstream.telemetry, answer);
        })
    }
}

impl Client {
    /// Sends a request. Returns the status of the answer.
    async fn send(&self, request: Request<Bytes>, span: &mut DeliverySpan) -> Result<u16> {
        let (mut head, body) = request.into_parts();
        name_host(&mut head);
        remove_hop(&mut head.headers);
        if let Some(forwarded) = head.extensions.get::<Forwarded>() {
            forwarded.tell(&mut head.headers);
        }
        if let Some(id) = head.extensions.get::<HttpRequestId>().cloned() {
            id.tell(&mut head.headers);
        }
        span.tell(&mut head.headers);
        head.version = http::Version::HTTP_11;
        let mut request = RequestHeader::from(head);
        request.insert_header(header::CONTENT_LENGTH, body.len())?;
        let mut attempts = Attempts::default();
        let connected = self.connect(&mut attempts).await;
        span.note_server(attempts.address());
        let (mut session, peer) = connected?;
        self.upstream.set_host(&mut request, &attempts)?;
        self.upstream.set_fixed_headers(&mut CasedHead(&mut request));
        with_authority(&mut request, self.upstream.config.scheme())?;

        session.set_read_timeout(peer.options.read_timeout);
        session.set_write_timeout(peer.options.write_timeout);
        session.write_request_header(Box::new(request)).await?;
        let written = async {
            session.write_request_body(body, true).await?;
            session.finish_request_body().await
        };
        let written = written.await;
        // An app may answer and hang up before it has read the body.
        session.read_response_header().await.map_err(|error| written.err().unwrap_or(error))?;
        let status = session.response_header().map(|answer| answer.status.as_u16());
        if session.as_http2().is_some() {
            // Otherwise pingora keeps the connection as one in use.
            self.connector.release_http_session(session, &*peer, Some(Duration::ZERO)).await;
        }
        status.ok_or_else(|| Error::explain(ErrorType::InvalidHTTPHeader, "an answer has a status"))
    }

    /// Connects to the first server that accepts it, on a new connection: nothing may be sent twice.
    async fn connect(&self, attempts: &mut Attempts) -> Result<(HttpSession, Box<HttpPeer>)> {
        loop {
            let now = SystemClock.now();
            let peer = self.upstream.next(attempts, self.upstream.config.protocol, now, AffinityKey::new)?;
            match self.connector.get_http_session(&*peer).await {
                Ok((session, _)) => return Ok((session, peer)),
                Err(error) => {
                    self.upstream.rest(attempts, failure::cause(&error), SystemClock.now());
                    if !self.upstream.has_left(attempts) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Adds the `Host` that an HTTP/2 request has in its target only.
fn name_host(head: &mut Parts) {
    let authority = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let (Some(host), false) = (authority, head.headers.contains_key(header::HOST)) {
        head.headers.insert(header::HOST, host);
    }
}

/// Removes what a sender says to the next hop only (RFC 9110 §7.6.1), and how the body was framed.
fn remove_hop(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let named = lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let named: Vec<_> = named.filter(|name| *name != header::HOST).collect();
    HOP.iter().chain(&named).for_each(|name| drop(headers.remove(name)));
}

/// How long a slow app may take.
const DEADLINE: Duration = Duration::from_secs(30);
const HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_two_hops_stays_there() {
        let lines = [
            ("connection", "close, X-Hop,host"),
            ("connection", "te"),
            ("x-hop", "a"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "1"),
            ("expect", "100-continue"),
            ("host", "app.example"),
            ("x-end", "b"),
            ("x-end", "c"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        remove_hop(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("host", "app.example"), ("x-end", "b"), ("x-end", "c")]);
    }

    #[test]
    fn a_host_in_the_target_is_named_in_a_line() {
        for (host, expected) in [(None, "app.example:8443"), (Some("named.example"), "named.example")] {
            let request = Request::post("https://app.example:8443/cb");
            let request = host.into_iter().fold(request, |request, host| request.header(header::HOST, host));
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            name_host(&mut head);
            assert_eq!(head.headers[header::HOST], expected);
        }
    }
}
