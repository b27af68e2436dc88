//! The proxy: pingora in front of the app, with truegate on the way.

use std::{mem, net::IpAddr, sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::{Extensions, HeaderValue, StatusCode, Version, header};
use pingora_core::{Error, ErrorSource, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};
use tokio_util::task::TaskTracker;

use super::{
    active_config::ActiveConfig,
    config::{CallbackConfig, HostMode},
    connection_memory,
    exchange::Exchange,
    failure,
    forwarded::Forwarded,
    logs::{AccessLog, AuditEntry, AuditEvent},
    rejection,
    request_id::HttpRequestId,
    route_names::RouteId,
    telemetry::Telemetry,
    traces::{RequestTrace, TracedHead, TracedVerdict},
    upstream::{AffinityKey, Attempts},
};
use crate::{
    clock::{Clock, SystemClock},
    gate::{ClientInfo, Rejection, Scheme, TrustedProxy},
    headers::Spoofs,
    host::Authority,
    pingora::{
        CasedHead, RETRY_BUFFER, TruegateModule, answer_ended, answered, drain, inject, intercept, is_answer,
        module_of, respond,
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
        connection_memory::note_request();
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
        let active = &*exchange.active;
        let ActiveConfig { gate, config, telemetry, .. } = active;
        exchange.uncounted = Some(session.req_header().method.clone());
        connection_memory::note_head();
        if connection_memory::has_changed_head() {
            session.set_keepalive(None);
        }
        // HTTP/1.0 has no interim answers (RFC 9110 §15.2).
        let is_old = session.req_header().version < Version::HTTP_11;
        session.set_ignore_info_resp(is_old);
        let forwarded = Forwarded::of(session, &config.trusted_proxies);
        exchange.client = forwarded.client.address;
        let headers = &session.req_header().headers;
        exchange.request_id = active.request_ids.as_ref().map(|ids| ids.of(headers, forwarded.by_proxy));
        let hsts = config.hsts.as_ref().filter(|_| forwarded.client.scheme == Some(Scheme::Https));
        if (hsts.is_some() || exchange.request_id.is_some())
            && let Some(module) = session.downstream_modules_ctx.get_mut::<TruegateModule>()
        {
            module.hsts = hsts.cloned();
            module.request_id = exchange.request_id.as_ref().map(HttpRequestId::value).cloned();
        }
        if let Some(record) = &mut exchange.record {
            record.note_request(session, &forwarded, exchange.request_id.as_ref());
        }
        if let Err(rejection) = rejection::check_size(session.req_header(), |path| gate.reserves(path)) {
            telemetry.refusal(rejection);
            exchange.route = active.routes.of(session.req_header());
            let reply = rejection.reply(gate, session.req_header());
            audit(session, exchange);
            Box::pin(respond(session, reply)).await?;
            return Ok(true);
        }
        session.set_read_timeout(config.timeouts.read);
        session.set_write_timeout(config.timeouts.write);
        trace(session, &forwarded, exchange.request_id.as_ref(), active);
        if let Some(tracer) = &active.tracer {
            exchange.trace = tracer.begin(&session.req_header().headers, forwarded.by_proxy, exchange.arrived);
        }
        let is_answered = match &mut exchange.trace {
            None => intercept(session).await,
            // The future is large, and most requests have no trace.
            Some(trace) => Box::pin(intercept_traced(session, trace, &forwarded, exchange.arrived)).await,
        };
        let module = module_of(session);
        let rule = module.and_then(TruegateModule::rule);
        exchange.route = match is_answered {
            Ok(false) if !module.is_some_and(TruegateModule::is_verified) => {
                active.routes.passed(session.req_header(), rule)
            }
            _ => active.routes.of(session.req_header()),
        };
        audit(session, exchange);
        if is_answered? {
            return Ok(true);
        }
        if let Some(record) = &mut exchange.record {
            record.note_user(module.and_then(TruegateModule::user));
        }
        exchange.upstream = active.routing.app(rule);
        let request = session.req_header_mut();
        exchange.extensions = mem::take(request.extensions_mut());
        // pingora leaves room in this head, but none in the copies of it that it makes for the app. No client can
        // have these headers removed later: the gate refuses a `Connection` that lists them.
        forwarded.tell(&mut CasedHead(request));
        if let Some(id) = &exchange.request_id {
            id.tell(&mut CasedHead(request));
        }
        Ok(false)
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
            connection_memory::note_web_socket();
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

/// Asks the gate about a request that has a trace, and tells the app of the trace.
async fn intercept_traced(
    session: &mut Session,
    trace: &mut RequestTrace,
    forwarded: &Forwarded,
    arrived: Instant,
) -> Result<bool> {
    trace.tell(&mut CasedHead(session.req_header_mut()));
    let head = session.req_header();
    let host = forwarded.host.as_ref().and_then(|host| Authority::parse(host.as_bytes()));
    let scheme = forwarded.client.scheme.map(|scheme| if scheme == Scheme::Https { "https" } else { "http" });
    let host = host.and_then(|host| str::from_utf8(host.host()).ok());
    trace.describe(&TracedHead { method: &head.method, version: head.version, scheme, host });
    let Some(admission) = trace.begin_admission(arrived) else { return intercept(session).await };
    let is_answered = admission.run(intercept(session)).await;
    let verdict = match is_answered {
        Ok(false) => TracedVerdict::Passed,
        Ok(true) => TracedVerdict::Answered,
        Err(_) => TracedVerdict::Abandoned,
    };
    trace.end_admission(verdict, module_of(session).and_then(TruegateModule::refusal), SystemClock.now());
    is_answered
}

/// An attempt at the app has failed, and another one may follow.
fn end_attempt(exchange: &mut Exchange, error: &Error) {
    if let Some(trace) = &mut exchange.trace
        && *error.esource() == ErrorSource::Upstream
    {
        trace.end_attempt(Some(failure::cause(error)), SystemClock.now());
    }
}

/// Removes what a request may not say of where it came from, and tells the gate what is known of that, if it asks for it.
fn trace(session: &mut Session, forwarded: &Forwarded, id: Option<&HttpRequestId>, active: &ActiveConfig) {
    let claimed = forwarded.guard(&mut CasedHead(session.req_header_mut()));
    let client = client(forwarded, claimed.as_ref(), &active.telemetry);
    let asks_for_client = active.gate.asks_for_client(session.req_header());
    let extensions = session.req_header_mut().extensions_mut();
    if forwarded.by_proxy && active.gate.asks_for_proxy() {
        extensions.insert(TrustedProxy);
    }
    if asks_for_client {
        extensions.insert(client);
        if active.delivers() {
            extensions.insert(forwarded.clone());
        }
        if active.delivers() || active.logs.audit.is_some() {
            id.cloned().map(|id| extensions.insert(id));
        }
    }
}

/// Writes lines of the audit log for a request of a user who was refused, or of a client that claimed an identity.
fn audit(session: &Session, exchange: &Exchange) {
    let Some(audit) = &exchange.active.logs.audit else { return };
    let Some(module) = module_of(session) else { return };
    let spoofs = module.spoofs();
    let is_refused = module.refusal() == Some(Rejection::NotAllowed.code());
    let write = |entry: AuditEntry<'_>| {
        let (id, client) = (exchange.request_id.as_ref(), exchange.client);
        audit.write(&AuditEntry { id, client, user: module.user(), ..entry });
    };
    if spoofs != Spoofs::default() {
        write(AuditEntry { spoofs, route: exchange.route, ..AuditEvent::Spoof.into() });
    }
    if is_refused {
        // Of a request that a proxy asks about, this is the rule, and not the route of the question.
        let route = exchange.active.routes.rule(module.rule());
        write(AuditEntry { route, ..AuditEvent::NotAllowed.into() });
    }
}

/// Who asks, and how. A peer that claims a scheme as a proxy does may be a proxy that is not listed: then nobody knows by which
/// scheme the browser came.
fn client(forwarded: &Forwarded, claimed: Option<&HeaderValue>, telemetry: &Telemetry) -> ClientInfo {
    let client = forwarded.client;
    match claimed {
        Some(scheme) => {
            client.address.into_iter().for_each(|peer| telemetry.untrusted_proxy(peer));
            ClientInfo { scheme: client.scheme.filter(|_| scheme != "https"), ..client }
        }
        None => client,
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
