//! What a request goes through before it is sent to an app.

use std::{mem, time::Instant};

use http::{HeaderValue, Version};
use pingora_core::Result;
use pingora_proxy::Session;

use super::{
    active_config::ActiveConfig,
    connections::memory,
    exchange::Exchange,
    forwarded::Forwarded,
    logs::{AuditEntry, AuditEvent},
    rejection,
    request_id::HttpRequestId,
    telemetry::Telemetry,
    traces::{RequestTrace, TracedHead, TracedVerdict},
};
use crate::{
    clock::{Clock as _, SystemClock},
    gate::{ClientInfo, Rejection, Scheme, TrustedProxy},
    headers::Spoofs,
    host::Authority,
    pingora::{CasedHead, TruegateModule, intercept, module_of, respond},
};

/// Finds out where a request came from, asks the gate about it, and chooses its app. Returns whether the request is answered.
pub(super) async fn admit(session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
    let active = &*exchange.active;
    let ActiveConfig { gate, config, telemetry, .. } = active;
    exchange.uncounted = Some(session.req_header().method.clone());
    memory::note_head();
    if memory::has_changed_head() {
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

/// Writes a line to the audit log if the client claimed an identity, and another one if the allow-list refused the user.
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
