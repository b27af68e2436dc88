//! The proxy: pingora in front of the app, with truegate on the way.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use http::StatusCode;
use pingora_core::{Error, ErrorSource, ErrorType, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    failure,
    forwarded::{self, Origin, TrustedProxies},
    limits,
    telemetry::Telemetry,
    upstream::{Addresses, SILENCE, Upstreams},
};
use crate::{
    clock::{Clock, SystemClock},
    gate::{Connection, Gate, Rejection, Reply, session::TrustedProxy},
    pingora::{Target, TruegateModule, inject, intercept, respond},
};

/// What pingora asks about each request.
pub(super) struct Proxy {
    pub(super) gate: Gate,
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) trusted_proxies: TrustedProxies,
    /// Whether callbacks are sent to the app once they are answered, and have to carry where they came from until then.
    pub(super) delivers: bool,
    pub(super) telemetry: Telemetry,
    /// Counts the requests in flight, so that a stop can wait for them.
    pub(super) in_flight: TaskTracker,
}

/// One request on its way.
pub(super) struct Exchange {
    arrived: Instant,
    /// Where it came from; none before it was looked at.
    origin: Option<Origin>,
    /// The upstream's addresses that are left to try.
    addresses: Addresses,
    _in_flight: TaskTrackerToken,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        let addresses = self.upstreams.addresses();
        Exchange { arrived: SystemClock.now(), origin: None, addresses, _in_flight: self.in_flight.token() }
    }

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        modules.add_module(TruegateModule::builder(self.gate.clone()));
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        if let Err(rejection) = limits::check(session.req_header()) {
            respond(session, self.gate.reject(rejection)).await?;
            return Ok(true);
        }
        session.set_read_timeout(Some(SILENCE));
        session.set_write_timeout(Some(SILENCE));
        self.trace(session, exchange);
        intercept(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, exchange: &mut Exchange) -> Result<Box<HttpPeer>> {
        let peer = exchange.addresses.next().map(|address| self.upstreams.peer(address));
        peer.ok_or_else(|| failure::no_address().into_up())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let origin = exchange.origin.get_or_insert_with(|| forwarded::origin(session, &self.trusted_proxies));
        origin.tell(&mut Target(request));
        self.upstreams.name_host(request)?;
        inject(session, request)
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        peer: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        self.upstreams.put_last(peer);
        error.set_retry(exchange.addresses.len() > 0);
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, _: &mut Exchange) -> FailToProxy {
        let reply = match error.esource() {
            ErrorSource::Downstream => downstream(error.etype()).map(|rejection| self.gate.reject(rejection)),
            ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset => Some(self.lost_upstream(error)),
        };
        let error_code = reply.as_ref().map_or(0, |reply| reply.response.status().as_u16());
        if let Some(reply) = reply
            && answered(session).is_none()
        {
            // The client may be gone too, and then there is nobody to tell.
            let _ = respond(session, reply).await;
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, exchange: &mut Exchange) {
        let status = answered(session).map_or(0, |status| status.as_u16());
        self.telemetry.request(&session.req_header().method, status, SystemClock.now() - exchange.arrived);
    }

    /// pingora would log the request's target.
    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        true
    }
}

impl Proxy {
    /// Finds out where a request came from, removes what it may not say, and lets the gate know what it needs.
    fn trace(&self, session: &mut Session, exchange: &mut Exchange) {
        let origin = forwarded::origin(session, &self.trusted_proxies);
        origin.guard(&mut Target(session.req_header_mut()));
        let extensions = session.req_header_mut().extensions_mut();
        extensions.insert(origin.client_info());
        if origin.is_by_proxy() {
            extensions.insert(TrustedProxy);
        }
        if self.delivers {
            extensions.insert(origin.clone());
        }
        exchange.origin = Some(origin);
    }

    fn lost_upstream(&self, error: &Error) -> Reply {
        self.telemetry.upstream_failure(failure::cause(error));
        Reply::reject(Rejection::UpstreamUnavailable, Connection::Close)
    }
}

/// What to tell a client that broke off, if it is still there.
fn downstream(error: &ErrorType) -> Option<Rejection> {
    match error {
        ErrorType::WriteError | ErrorType::WriteTimedout | ErrorType::ReadError => None,
        ErrorType::ConnectionClosed | ErrorType::H2Error => None,
        ErrorType::ReadTimedout => Some(Rejection::BodyTimeout),
        _ => Some(Rejection::MalformedRequest),
    }
}

/// The status that the client got; an interim one is no answer.
fn answered(session: &Session) -> Option<StatusCode> {
    let status = session.response_written()?.status;
    (!status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS).then_some(status)
}
