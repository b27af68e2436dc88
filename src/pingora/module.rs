//! The module: strips the namespace on every route and carries what was decided for the request.

use std::{
    any::Any,
    future::{Future, poll_fn, ready},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version, header};
use pingora_core::{
    Error, ErrorType, Result,
    modules::http::{HttpModule, HttpModuleBuilder, Module, ModuleBuilder},
    protocols::http::ServerSession,
};
use pingora_http::{RequestHeader, ResponseHeader};

use super::{
    is_answer, session_bound,
    target::{self, CasedHead},
};
use crate::{
    gate::{Gate, Rejection, Step, plugin::Withheld},
    headers::{CasedName, Edits, HeaderTarget as _, join_cookies},
    lease::Lease,
};
#[cfg(feature = "gateway")]
use crate::{
    headers::{EditKind, Spoofs},
    profile::PhoneNumber,
};

/// The state of one request.
///
/// # Security
///
/// It keeps the credentials that the gate has yet to see, so `Debug` does not show them.
pub struct TruegateModule {
    pub(super) gate: Gate,
    edits: Option<Edits>,
    /// What only the gate may see. Once it has, the cookies are dropped.
    pub(super) withheld: Withheld,
    /// Whether the response is the gate's own.
    pub(super) answers: bool,
    /// What a gateway logs of the gate's own response.
    #[cfg(feature = "gateway")]
    pub(super) logged: LoggedReply,
    /// Whether the rest of the request's body was read or given up.
    pub(super) is_drained: bool,
    /// Whether the client can read a body in chunks.
    reads_chunks: bool,
    /// The value of `Strict-Transport-Security` that the answer carries in place of the app's, if any.
    pub(crate) hsts: Option<Arc<HeaderValue>>,
    /// The value of `X-Request-Id` that the answer carries in place of the app's, if any.
    pub(crate) request_id: Option<HeaderValue>,
}

redacted!(TruegateModule);

/// What a gateway logs of a response that is the gate's own.
#[cfg(feature = "gateway")]
#[derive(Default)]
pub(super) struct LoggedReply {
    /// The code of its problem, if it refuses the request.
    pub(super) refusal: Option<&'static str>,
    /// The user of the request, if that is known.
    pub(super) user: Option<PhoneNumber>,
    /// The place of the rule that refused the user in the list of rules.
    pub(super) rule: Option<usize>,
}

impl TruegateModule {
    /// The module for `init_downstream_modules`.
    pub fn builder(gate: Gate) -> ModuleBuilder {
        Self::builder_of(move || gate.clone())
    }

    /// The same, for a gate that may be another one at each request.
    pub(crate) fn builder_of(gate: impl Fn() -> Gate + Send + Sync + 'static) -> ModuleBuilder {
        Box::new(Builder { gate })
    }

    /// Serves the request by this gate. Call it before the head is filtered.
    #[cfg(feature = "gateway")]
    pub(crate) fn use_gate(&mut self, gate: &Gate) {
        self.gate = gate.clone();
    }

    /// Lets no byte pass either way once the session is over.
    ///
    /// pingora answers with the status of the error, unless the response has begun.
    fn check_lease(&self) -> Result<()> {
        if self.has_ended() {
            return Err(Error::explain(ErrorType::HTTPStatus(401), "the session is over").into_down());
        }
        Ok(())
    }

    /// The place of the rule that matched the request in the list of rules; none if no rule matched, or none was asked.
    #[cfg(feature = "gateway")]
    pub(crate) fn rule(&self) -> Option<usize> {
        self.logged.rule.or_else(|| self.edits.as_ref()?.rule)
    }

    /// Whether the gate let the request pass by what it brought, such as a callback.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_verified(&self) -> bool {
        let kind = self.edits.as_ref().map(|edits| &edits.kind);
        matches!(kind, Some(EditKind::Verified { .. } | EditKind::Declined(_)))
    }

    /// The user of the request, if it is known.
    #[cfg(feature = "gateway")]
    pub(crate) fn user(&self) -> Option<&PhoneNumber> {
        let identity = self.edits.as_ref().and_then(Edits::identity);
        self.logged.user.as_ref().or_else(|| Some(&identity?.profile().phone))
    }

    /// The code of the problem with which the request was refused, if it was.
    #[cfg(feature = "gateway")]
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        self.logged.refusal
    }

    /// The channels by which the client of the request claimed an identity.
    #[cfg(feature = "gateway")]
    pub(crate) fn spoofs(&self) -> Spoofs {
        self.withheld.spoofs
    }

    /// Whether the session of a request that the app answers is over.
    pub(super) fn has_ended(&self) -> bool {
        let lease = self.lease().filter(|_| !self.answers);
        lease.is_some_and(|lease| lease.is_over() || session_bound::is_over())
    }

    /// The lease of the request, if it is one of a session.
    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.edits.as_ref()?.lease()
    }

    /// Asks the gate about a request.
    pub(super) fn inspect(&mut self, session: &mut ServerSession) -> Step {
        if self.gate.asks_for_client(session.req_header()) {
            target::know_client(session);
        }
        if !target::is_clear(session.req_header()) || target::is_framed_twice(session) {
            return Step::Reply(self.gate.reject_for(Rejection::MalformedRequest, session.req_header()));
        }
        let step = self.gate.inspect_withheld(session.req_header(), &self.withheld);
        self.withheld.cookies = Vec::new();
        step
    }

    /// Keeps the edits for the request to the app.
    pub(super) fn keep(&mut self, edits: Edits) {
        if let Some(lease) = edits.lease() {
            session_bound::hold(lease.clone());
        }
        self.edits = Some(edits);
    }

    fn filter_request(&mut self, request: &mut RequestHeader) -> Result<()> {
        target::to_origin_form(request)?;
        if request.version == Version::HTTP_2 {
            join_cookies(&mut CasedHead(request));
        }
        self.reads_chunks = request.version >= Version::HTTP_11;
        self.withheld = self.gate.withhold(&mut CasedHead(request));
        Ok(())
    }

    fn filter_response(&mut self, response: &mut ResponseHeader) -> Result<()> {
        self.check_lease()?;
        if !self.answers && is_answer(&response.status) {
            session_bound::begin_response();
        }
        match &self.edits {
            _ if self.answers => {}
            Some(edits) => self.gate.apply_response(edits.response.as_deref(), &mut CasedHead(response)),
            None => self.gate.strip_response(&mut CasedHead(response)),
        }
        if let Some(hsts) = self.hsts.as_deref().filter(|_| is_answer(&response.status)) {
            CasedHead(response).insert(&HSTS, hsts.clone());
        }
        if let Some(id) = self.request_id.as_ref().filter(|_| is_answer(&response.status)) {
            CasedHead(response).insert(&REQUEST_ID, id.clone());
        }
        if !self.reads_chunks {
            // RFC 9112 §6.1. pingora ends such a body by closing the connection.
            response.remove_header(&header::TRANSFER_ENCODING);
        }
        Ok(())
    }

    /// Strips in any case: pingora offers the request as it was before, should it try another upstream.
    pub(super) fn edit(&self, request: &mut RequestHeader) {
        match &self.edits {
            Some(edits) => self.gate.apply(edits, &mut CasedHead(request)),
            None => self.gate.strip_request(&mut CasedHead(request)),
        }
    }
}

struct Builder<F> {
    gate: F,
}

impl<F: Fn() -> Gate + Send + Sync + 'static> HttpModuleBuilder for Builder<F> {
    fn init(&self) -> Module {
        Box::new(TruegateModule {
            gate: (self.gate)(),
            edits: None,
            withheld: Withheld::default(),
            answers: false,
            #[cfg(feature = "gateway")]
            logged: LoggedReply::default(),
            is_drained: false,
            reads_chunks: true,
            hsts: None,
            request_id: None,
        })
    }
}

/// A filter that runs at once. It is not async, because its future would be put into a box each time.
macro_rules! filter {
    ($name:ident, |$self:ident, $head:ident: $type:ty $(, $flag:ident)?| $outcome:expr) => {
        fn $name<'life0, 'life1, 'async_trait>(
            &'life0 mut $self,
            $head: &'life1 mut $type,
            $($flag: bool,)?
        ) -> Filtered<'async_trait>
        where
            Self: 'async_trait,
            'life0: 'async_trait,
            'life1: 'async_trait,
        {
            done($outcome)
        }
    };
}

impl HttpModule for TruegateModule {
    filter!(request_header_filter, |self, request: RequestHeader| self.filter_request(request));
    filter!(request_body_filter, |self, _body: Option<Bytes>, _ends| self.check_lease());
    filter!(response_header_filter, |self, response: ResponseHeader, _ends| self.filter_response(response));

    fn response_body_filter(&mut self, _: &mut Option<Bytes>, _: bool) -> Result<()> {
        self.check_lease()
    }

    fn response_trailer_filter(&mut self, trailers: &mut Option<Box<HeaderMap>>) -> Result<Option<Bytes>> {
        self.check_lease()?;
        if let Some(trailers) = trailers {
            self.gate.strip_response_trailers(trailers);
        }
        Ok(None)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

type Filtered<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// The future of a filter that has run. Nothing is allocated for that of success, which has no size.
fn done(outcome: Result<()>) -> Filtered<'static> {
    match outcome {
        Ok(()) => Box::pin(poll_fn(|_| Poll::Ready(Ok(())))),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

static REQUEST_ID: CasedName = CasedName::from_static("x-request-id", "X-Request-Id");
static HSTS: CasedName = CasedName::from_static("strict-transport-security", "Strict-Transport-Security");
