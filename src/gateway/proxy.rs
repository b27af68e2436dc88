//! The proxy: pingora in front of the app, with truegate on the way.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use pingora_core::{Error, ErrorSource, ErrorType, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{
    forwarded, limits,
    telemetry::Telemetry,
    upstream::{SILENCE, Upstreams},
};
use crate::{
    clock::{Clock, SystemClock},
    gate::{Connection, Gate, Rejection, Reply},
    pingora::{TruegateModule, inject, intercept, respond},
};

/// What pingora asks about each request.
pub(super) struct Proxy {
    pub(super) gate: Gate,
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) telemetry: Telemetry,
    /// Counts the requests in flight, so that a stop can wait for them.
    pub(super) in_flight: TaskTracker,
}

/// One request on its way.
pub(super) struct Exchange {
    arrived: Instant,
    /// How many addresses of the upstream were tried in vain.
    tries: usize,
    _in_flight: TaskTrackerToken,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange { arrived: SystemClock.now(), tries: 0, _in_flight: self.in_flight.token() }
    }

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        modules.add_module(TruegateModule::builder(self.gate.clone()));
    }

    async fn request_filter(&self, session: &mut Session, _: &mut Exchange) -> Result<bool> {
        if let Err(rejection) = limits::check(session.req_header()) {
            respond(session, self.gate.reject(rejection)).await?;
            return Ok(true);
        }
        if session.is_upgrade_req() {
            session.set_read_timeout(Some(SILENCE));
        }
        intercept(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, exchange: &mut Exchange) -> Result<Box<HttpPeer>> {
        let peer = self.upstreams.peer(exchange.tries);
        peer.ok_or_else(|| Error::explain(ErrorType::ConnectNoRoute, "the upstream's name has no address").into_up())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _: &mut Exchange,
    ) -> Result<()> {
        forwarded::replace(session, request)?;
        inject(session, request)
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        exchange.tries += 1;
        error.set_retry(exchange.tries < self.upstreams.count());
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, _: &mut Exchange) -> FailToProxy {
        let reply = match error.esource() {
            ErrorSource::Downstream if is_gone(error) => None,
            ErrorSource::Downstream => Some(self.gate.reject(Rejection::MalformedRequest)),
            ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset => Some(self.lost_upstream(error)),
        };
        let error_code = reply.as_ref().map_or(0, |reply| reply.response.status().as_u16());
        if let Some(reply) = reply
            && session.response_written().is_none()
        {
            // The client may be gone too, and then there is nobody to tell.
            let _ = respond(session, reply).await;
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, exchange: &mut Exchange) {
        let status = session.response_written().map_or(0, |response| response.status.as_u16());
        self.telemetry.request(&session.req_header().method, status, SystemClock.now() - exchange.arrived);
    }

    /// pingora would log the request's target.
    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        true
    }
}

impl Proxy {
    fn lost_upstream(&self, error: &Error) -> Reply {
        self.telemetry.upstream_failure(error.etype());
        Reply::reject(Rejection::UpstreamUnavailable, Connection::Close)
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error.etype(), ErrorType::WriteError | ErrorType::ReadError | ErrorType::ConnectionClosed)
}
