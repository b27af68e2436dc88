//! The pingora module: truegate in a `ProxyHttp` of your own.
//!
//! Add three lines: the [module](TruegateModule::builder), a call of [`intercept`] in `request_filter`, and a call of [`inject`] at
//! the end of `upstream_request_filter`. The module keeps the state of a request, so your `CTX` stays unchanged. If a call is
//! missing, the identity headers of clients are stripped and none is ever injected.
//!
//! `Session` here is pingora's own: a request on its connection. [`SessionBound`] is about the other kind, the session of a user.
//!
//! [`intercept`] turns on pingora's handling of pipelined HTTP/1.1 requests. Without it, pingora treats an early request as an error
//! of the request before it. After its own answers, truegate reads the rest of the body, so that the client gets to the answer;
//! [`drain()`] does the same after an app's early answers. Your proxy decides how long a connection may be idle, with
//! `Session::set_keepalive`.
//!
//! With sessions, make the service with [`proxy_service`], so that silent WebSockets and streams end with their session too.
//! Without it they end when either side sends something. A request whose session ends before its response has begun is answered
//! 401; call [`answer_ended`] in a `fail_to_proxy` of your own for the answer that a request without a session gets.
//!
//! ```no_run
//! use async_trait::async_trait;
//! use pingora_core::{Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
//! use pingora_http::RequestHeader;
//! use pingora_proxy::{ProxyHttp, Session};
//! use truegate::{Gate, pingora::{TruegateModule, inject, intercept}};
//!
//! struct Proxy {
//!     gate: Gate,
//! }
//!
//! #[async_trait]
//! impl ProxyHttp for Proxy {
//!     type CTX = ();
//!     fn new_ctx(&self) {}
//!
//!     fn init_downstream_modules(&self, modules: &mut HttpModules) {
//!         modules.add_module(TruegateModule::builder(self.gate.clone()));
//!     }
//!
//!     async fn request_filter(&self, session: &mut Session, _: &mut ()) -> Result<bool> {
//!         intercept(session).await
//!     }
//!
//!     async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
//!         Ok(Box::new(HttpPeer::new("127.0.0.1:3000", false, String::new())))
//!     }
//!
//!     async fn upstream_request_filter(&self, session: &mut Session, request: &mut RequestHeader, _: &mut ()) -> Result<()> {
//!         inject(session, request)
//!     }
//! }
//! ```

mod body;
mod module;
mod session_bound;
mod target;

use std::mem;

use http::{Method, StatusCode, header};
use pingora_core::{Error, ErrorType::InternalError, Result, modules::http::HttpModuleCtx};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::Session;

#[cfg(feature = "gateway")]
use self::module::LoggedReply;
#[cfg(feature = "gateway")]
pub(crate) use self::{
    body::RETRY_BUFFER,
    target::{CasedHead, peer, to_origin_form},
};
pub use self::{
    body::drain,
    module::TruegateModule,
    session_bound::{SessionBound, proxy_service},
};
use crate::gate::{ConnectionReuse, Rejection, Reply, Step, Verdict};

/// Answers a request or lets it pass. Call this in `request_filter`, and return its result.
///
/// # Errors
///
/// When the module was not added, or the client broke off.
pub async fn intercept(session: &mut Session) -> Result<bool> {
    // Without it, pingora takes a next request that comes early for an error of this one.
    session.set_pipelining_enabled(true);
    let module = module(&mut session.downstream_modules_ctx)?;
    match module.inspect(&mut session.downstream_session) {
        Step::Forward(edits) => {
            module.keep(edits);
            Ok(false)
        }
        // The rare paths are boxed, because a future is as large as its largest path.
        step => Box::pin(settle(session, step)).await,
    }
}

/// Waits for the verdict on a request. Answers the request and returns `true`, or keeps the edits for its way to the app.
async fn settle(session: &mut Session, step: Step) -> Result<bool> {
    let verdict = match step {
        Step::Forward(edits) => Verdict::Forward(edits),
        Step::Reply(reply) => Verdict::Reply(reply),
        // The end of a client that sends a body is noticed when the body is read.
        Step::Wait(verdict) if !session.is_body_empty() => verdict.await,
        Step::Wait(verdict) => tokio::select! {
            biased;
            verdict = verdict => verdict,
            gone = body::gone(session) => return Err(gone),
        },
        Step::Read(intake) => match body::read(session, &intake).await {
            Ok(body) => tokio::select! {
                biased;
                verdict = intake.finish(body) => verdict,
                gone = body::gone(session) => return Err(gone),
            },
            Err(failure) => intake.fail(failure),
        },
    };
    match verdict {
        Verdict::Forward(edits) => module(&mut session.downstream_modules_ctx)?.keep(edits),
        Verdict::Reply(reply) => {
            respond(session, reply).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Edits the request to the upstream. Call this last in `upstream_request_filter`.
///
/// # Errors
///
/// When the module was not added.
pub fn inject(session: &mut Session, request: &mut RequestHeader) -> Result<()> {
    module(&mut session.downstream_modules_ctx)?.edit(request);
    Ok(())
}

/// Answers the request, then reads what the client still sends of it, so that the client gets to the answer.
///
/// # Errors
///
/// When the client broke off.
pub(crate) async fn respond(session: &mut Session, reply: Reply) -> Result<()> {
    if reply.connection == ConnectionReuse::Close || body::is_withheld(session) {
        session.set_keepalive(None);
    }
    let (head, body) = reply.response.into_parts();
    let mut response = ResponseHeader::build(head.status, Some(head.headers.len() + 1))?;
    for (name, value) in &head.headers {
        response.append_header(name, value)?;
    }
    // RFC 9110 §8.6 forbids it there.
    if head.status != StatusCode::NO_CONTENT {
        response.insert_header(header::CONTENT_LENGTH, body.len())?;
    }
    let wants_body = session.req_header().method != Method::HEAD && !body.is_empty();
    if let Some(module) = session.downstream_modules_ctx.get_mut::<TruegateModule>() {
        module.answers = true;
        #[cfg(feature = "gateway")]
        {
            module.logged = LoggedReply { refusal: reply.refusal, user: reply.user, rule: reply.rule };
        }
    }
    session.write_response_header(Box::new(response), !wants_body).await?;
    if wants_body {
        session.write_response_body(Some(body), true).await?;
    }
    drain(session).await;
    Ok(())
}

/// Answers a request whose session ended before its response began, and returns whether it was one. Call it first in a
/// `fail_to_proxy` of your own.
///
/// The answer is that to a request without a session: the login, a page, or 401 with problem details; to a request with a session
/// token it is that to one whose token is over. Without this call it is pingora's, which is 401 without a body.
pub async fn answer_ended(session: &mut Session) -> bool {
    let module = session.downstream_modules_ctx.get_mut::<TruegateModule>();
    let Some(module) = module.filter(|module| module.has_ended()) else { return false };
    let (gate, withheld) = (module.gate.clone(), mem::take(&mut module.withheld));
    if answered(session).is_some() {
        return true;
    }
    // The page for a form says that its content did not arrive. An app gets no page.
    let has_arrived = session.is_body_done() && !session.req_header().method.is_safe();
    let reply = if has_arrived && withheld.tokens.is_empty() {
        gate.reject(Rejection::NotSignedIn)
    } else {
        match gate.inspect_withheld(session.req_header(), &withheld) {
            Step::Reply(reply) => reply,
            _ => gate.reject_for(Rejection::NotSignedIn, session.req_header()),
        }
    };
    // The client may be gone too, and then the answer reaches no one.
    let _ = respond(session, Reply { connection: ConnectionReuse::Close, ..reply }).await;
    true
}

/// The module of a request, which knows what the gate has decided. pingora looks for it in a map at each call.
#[cfg(feature = "gateway")]
pub(crate) fn module_of(session: &Session) -> Option<&TruegateModule> {
    session.downstream_modules_ctx.get()
}

/// The status of the answer; an interim status is not an answer.
pub(crate) fn answered(session: &Session) -> Option<StatusCode> {
    session.response_written().map(|response| response.status).filter(is_answer)
}

pub(crate) fn is_answer(status: &StatusCode) -> bool {
    !status.is_informational() || *status == StatusCode::SWITCHING_PROTOCOLS
}

fn module(modules: &mut HttpModuleCtx) -> Result<&mut TruegateModule> {
    let module = modules.get_mut::<TruegateModule>();
    module.ok_or_else(|| Error::explain(InternalError, "the truegate module was not added to the downstream modules"))
}
