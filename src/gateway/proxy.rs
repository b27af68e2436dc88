//! The proxy: pingora in front of the app, with truegate on the way.

use std::{mem, net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::{Extensions, StatusCode, Version, header};
use pingora_core::{Error, ErrorSource, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};
use tokio_util::task::TaskTracker;

use super::{
    active_config::ActiveConfig,
    admission,
    config::{CallbackConfig, HostMode},
    connections::memory,
    exchange::Exchange,
    failure,
    forwarded::Forwarded,
    logs::AccessLog,
    route_names::RouteId,
    upstream::{AffinityKey, Attempts},
};
use crate::{
    clock::{Clock as _, SystemClock},
    pingora::{
        CasedHead, RETRY_BUFFER, TruegateModule, answer_ended, answered, drain, inject, is_answer, module_of, respond,
    },
};

/// Answers what pingora asks about each request.
#[derive(Clone)]
pub(super) struct Proxy {
    active: Arc<ArcSwap<ActiveConfig>>,
    /// Counts the requests in flight, so that a stop can wait for them.
    in_flight: TaskTracker,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        let active = self.active.load_full();
        memory::note_request();
        Exchange {
            arrived: SystemClock.now(),
            record: active.logs.access.as_ref().map(AccessLog::record),
            request_id: None,
            trace: None,
            refusal: None,
            uncounted: None,
            route: RouteId::NONE,
            sent: None,
            answered: None,
            status: None,
            web_socket: None,
            extensions: Extensions::new(),
            upstream: active.routing.default_app(),
            active,
            attempts: Attempts::default(),
            client: None,
            _in_flight: self.in_flight.token(),
        }
    }

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        let active = Arc::clone(&self.active);
        modules.add_module(TruegateModule::builder_of(move || active.load().gate.clone()));
    }

    /// Lets the module and the exchange agree: each has taken the configuration by itself, and another one may have come between.
    async fn early_request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<()> {
        if let Some(module) = session.downstream_modules_ctx.get_mut::<TruegateModule>() {
            module.use_gate(&exchange.active.gate);
        }
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        admission::admit(session, exchange).await
    }

    async fn upstream_peer(&self, session: &mut Session, exchange: &mut Exchange) -> Result<Box<HttpPeer>> {
        let now = exchange.note_sent();
        let upstream = exchange.active.upstream(exchange.upstream);
        if let Some(trace) = &mut exchange.trace {
            trace.begin_attempt(&upstream.config.name, &session.req_header().method, now);
        }
        let protocol = upstream.protocol_for(session.req_header());
        let (client, attempts) = (exchange.client, &mut exchange.attempts);
        let peer = upstream.next(attempts, protocol, now, || affinity(session, client));
        if let Some(trace) = &mut exchange.trace {
            trace.note_server(attempts.address());
        }
        peer.map_err(Error::into_up)
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let upstream = exchange.active.upstream(exchange.upstream);
        // The gate refuses a request of HTTP/1.1 without a host.
        if session.req_header().version != Version::HTTP_11 || upstream.config.host != HostMode::Preserve {
            upstream.set_host(request, &exchange.attempts)?;
        }
        inject(session, request)?;
        if let Some(trace) = &exchange.trace {
            trace.tell_attempt(&mut CasedHead(request));
        }
        upstream.set_fixed_headers(&mut CasedHead(request));
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        end_attempt(exchange, &error);
        let upstream = exchange.active.upstream(exchange.upstream);
        error.set_retry(failure::plan_after_connect(&error, upstream, &mut exchange.attempts));
        error
    }

    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        exchange: &mut Exchange,
        was_reused: bool,
    ) -> Box<Error> {
        end_attempt(exchange, &error);
        let upstream = exchange.active.upstream(exchange.upstream);
        error.set_retry(failure::plan_after_loss(&error, session, was_reused, upstream, &mut exchange.attempts));
        error
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let is_old = session.req_header().version < Version::HTTP_11;
        if is_old && response.headers.contains_key(header::TRANSFER_ENCODING) {
            // The module takes the chunks away, and then the connection is closed where the body ends.
            session.set_keepalive(None);
        }
        if is_answer(&response.status) {
            exchange.note_answer(response.status);
            if let Some(trace) = &mut exchange.trace {
                trace.note_answer(response.status);
            }
        }
        if response.status == StatusCode::SWITCHING_PROTOCOLS {
            // A WebSocket stays open while the app speaks; its client may only listen.
            session.set_read_timeout(None);
            memory::note_web_socket();
            exchange.web_socket = Some(exchange.active.telemetry.open_web_socket());
        }
        Ok(())
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, exchange: &mut Exchange) -> FailToProxy {
        end_attempt(exchange, error);
        session.req_header_mut().extensions_mut().extend(mem::take(&mut exchange.extensions));
        let Exchange { active, upstream, attempts, .. } = &*exchange;
        let reply = failure::reply(error, session, &active.gate, active.upstream(*upstream), attempts);
        if answer_ended(session).await {
            return FailToProxy { error_code: StatusCode::UNAUTHORIZED.as_u16(), can_reuse_downstream: false };
        }
        let error_code = reply.as_ref().map_or(0, |reply| reply.response.status().as_u16());
        if let Some(reply) = reply
            && answered(session).is_none()
        {
            // The client may be gone too, and then the answer reaches no one.
            let _ = respond(session, reply).await;
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    /// Reads what is left of the body. This comes last, so that an app, too, may answer before it has read the whole body.
    async fn logging(&self, session: &mut Session, error: Option<&Error>, exchange: &mut Exchange) {
        let status = answered(session);
        exchange.uncounted.get_or_insert_with(|| session.req_header().method.clone());
        if let Some(record) = &mut exchange.record {
            if !record.has_request() {
                let forwarded = Forwarded::of(session, &exchange.active.config.trusted_proxies);
                record.note_request(session, &forwarded, None);
            }
            let module = module_of(session);
            record.note_user(module.and_then(TruegateModule::user));
            record.note_end(session, module.and_then(TruegateModule::refusal));
        }
        if exchange.trace.is_some() {
            exchange.refusal = module_of(session).and_then(TruegateModule::refusal);
        }
        exchange.end(status);
        if error.is_none() && status.is_some() && !session.was_upgraded() {
            drain(session).await;
        }
    }

    /// pingora would log the request's target.
    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        true
    }

    /// The same.
    fn suppress_proxy_warn_log(&self, _: &Session, _: &Exchange, _: &Error, _: ProxyWarnLogContext) -> bool {
        true
    }
}

impl Proxy {
    /// A proxy that serves each request by the configuration in force when it arrives.
    pub(super) fn new(active: Arc<ArcSwap<ActiveConfig>>, in_flight: TaskTracker) -> Self {
        Self { active, in_flight }
    }
}

/// An attempt at the app has failed, and another one may follow.
fn end_attempt(exchange: &mut Exchange, error: &Error) {
    if let Some(trace) = &mut exchange.trace
        && *error.esource() == ErrorSource::Upstream
    {
        trace.end_attempt(Some(failure::cause(error)), SystemClock.now());
    }
}

/// Requests of a session belong together; without one, those of a client.
fn affinity(session: &Session, client: Option<IpAddr>) -> AffinityKey {
    match (module_of(session).and_then(TruegateModule::lease), client) {
        (Some(lease), _) => lease.session().into(),
        (None, Some(IpAddr::V4(address))) => AffinityKey::from_slice(&address.octets()),
        (None, Some(IpAddr::V6(address))) => AffinityKey::from_slice(&address.octets()),
        (None, None) => AffinityKey::new(),
    }
}

/// pingora keeps a callback's body for the app, and silently drops what is longer than this.
const _: () = assert!(CallbackConfig::MAX_BODY_LIMIT <= RETRY_BUFFER);
