//! The engine: decides what becomes of a request, by its head and, for a callback, its body.
//!
//! It knows no body type, socket or runtime. An edge hands it the head, takes the [`Step`] that it answers, and
//! for a callback reads the body and takes the [`Verdict`].
//!
//! ```
//! # use std::time::Instant;
//! # use futures_core::future::BoxFuture;
//! # use truegate::{callback::Grant, cause::Cause, profile::{FetchError, Profile, ProfileSource}};
//! use truegate::gate::{Gate, Step};
//!
//! # struct Nobody;
//! # impl ProfileSource for Nobody {
//! #     fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
//! #         Box::pin(async { Err(FetchError::Unavailable(Cause::Connect.into())) })
//! #     }
//! # }
//! # let source = Nobody;
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, source).build();
//!
//! let (mut head, ()) = http::Request::get("/").header("x-truecaller-phone", "+1").body(())?.into_parts();
//! let Step::Forward(edits) = gate.inspect(&head) else { unreachable!("not the callback route") };
//! gate.apply(&edits, &mut head.headers);
//! assert!(head.headers.is_empty());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod asserter;
#[cfg(feature = "assertion")]
mod assertion;
mod authority;
mod builder;
mod client;
mod event;
mod framing;
mod intake;
mod leftover;
mod limits;
mod rejection;
mod reply;
#[cfg(feature = "session")]
pub mod session;
mod session_mode;
mod step;
mod verify;

use std::{fmt, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use http::{HeaderMap, Method, header, request::Parts};

#[cfg(feature = "session")]
pub(crate) use self::authority::Authority;
pub(crate) use self::leftover::Leftover;
use self::{asserter::Asserter, framing::MissingHost, intake::Errand, limits::Limiters, session_mode::SessionMode};
pub use self::{
    asserter::KEY_SET_PATH,
    builder::GateBuilder,
    client::{ClientInfo, Scheme},
    event::{Channel, Event, FetchOutcome, LoginEvent, Observer, Outcome, VerificationOutcome},
    intake::Intake,
    limits::Limits,
    rejection::Rejection,
    reply::{Connection, Reply},
    step::{Failure, Lookup, Step, Verdict},
};
pub use crate::path::{CallbackPath, CallbackPathError, GuessableCallbackPath};
use crate::{
    callback::Endpoints,
    clock::Clock,
    headers::{Edits, HeaderNames, HeaderTarget, KeptCookies, ResponseEdits, Spoofs},
    path::PathMatch,
    profile::ProfileSource,
};

/// The engine behind every edge. Clones share it.
#[derive(Clone)]
pub struct Gate(Arc<Parameters>);

struct Parameters {
    path: CallbackPath,
    source: Box<dyn ProfileSource>,
    endpoints: Endpoints,
    names: Arc<HeaderNames>,
    asserter: Option<Box<dyn Asserter>>,
    sessions: Option<Box<dyn SessionMode>>,
    body_limit: usize,
    deadline: Duration,
    requires_active: bool,
    missing_host: MissingHost,
    clock: Arc<dyn Clock>,
    limiters: Limiters,
    observer: Box<dyn Observer>,
}

impl Gate {
    /// Starts with the two things that have no default.
    pub fn builder(path: CallbackPath, source: impl ProfileSource) -> GateBuilder {
        GateBuilder::new(path, source)
    }

    /// Decides by the head alone: no I/O, no waiting, and nothing allocated for a request that passes.
    pub fn inspect(&self, head: &Parts) -> Step {
        let path = self.0.path.compare(head.uri.path());
        if path == PathMatch::Ambiguous {
            return Step::Reply(self.reject_for(Rejection::AmbiguousPath, head));
        }
        if let Err(rejection) = framing::check(head, self.0.missing_host) {
            return Step::Reply(self.reject_for(rejection, head));
        }
        match path {
            PathMatch::Exact => self.intercept(head),
            PathMatch::Ambiguous | PathMatch::None => match self.sessions() {
                Some(sessions) => sessions.inspect(self, head),
                None => self.pass(head),
            },
        }
    }

    /// Whether a path could be read as the callback's, though it is spelled otherwise.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only forward-auth is asked about paths"))]
    fn is_disguised_callback(&self, path: &str) -> bool {
        self.0.path.compare(path) == PathMatch::Ambiguous
    }

    /// Answers a request that the edge itself cannot let pass.
    pub fn reject(&self, rejection: Rejection) -> Reply {
        self.observe(Event::Refusal(rejection));
        Reply::reject(rejection, Connection::Close)
    }

    /// Answers a request that cannot pass: a person gets a page where there are sessions, a script problem details.
    pub fn reject_for(&self, rejection: Rejection, head: &Parts) -> Reply {
        self.explain(self.reject(rejection), rejection.code(), head)
    }

    /// Makes a page of an answer to a refused request where there are sessions and a person waits for it.
    pub(crate) fn explain(&self, refused: Reply, code: &str, head: &Parts) -> Reply {
        match self.sessions() {
            Some(sessions) => sessions.explain(refused, code, head),
            None => refused,
        }
    }

    /// Whether a path is for truegate alone, so that no app ever gets the request.
    pub fn keeps(&self, path: &str) -> bool {
        self.sessions().is_some_and(|sessions| sessions.keeps(path))
    }

    /// Answers at once, from now on, who would wait for a login to move on: a server that stops need not wait for them.
    pub fn stop_waiting(&self) {
        if let Some(sessions) = self.sessions() {
            sessions.stop_waiting();
        }
    }

    /// How many logouts the store could not be told of yet; the gate goes on trying for as long as its tasks run.
    ///
    /// A server that stops may say so in its log: other gateways, and this one after a restart, take such a session for a
    /// valid one until it expires.
    pub fn untold_revocations(&self) -> usize {
        self.sessions().map_or(0, SessionMode::untold_revocations)
    }

    /// Edits the headers of a request, and tells the observer what had to be stripped.
    pub fn apply(&self, edits: &Edits, target: &mut impl HeaderTarget) {
        self.strip_cookies(target);
        if let Some(sessions) = self.sessions() {
            sessions.strip_overrides(edits.is_by_proxy(), target);
            sessions.withhold(edits.kept_cookies(), target);
        }
        self.report(edits.apply(target));
    }

    /// Strips the headers of a request whose edits are not decided.
    pub fn strip_request(&self, target: &mut impl HeaderTarget) {
        if let Some(sessions) = self.sessions() {
            sessions.withhold(&KeptCookies::default(), target);
        }
        self.strip_claims(target);
    }

    /// Strips what a client claims, and leaves the app's own cookies for later.
    pub(crate) fn strip_claims(&self, target: &mut impl HeaderTarget) {
        self.strip_cookies(target);
        self.report(self.0.names.strip_request(target));
    }

    /// Strips the trailers of a request.
    pub fn strip_request_trailers(&self, trailers: &mut HeaderMap) {
        self.report(self.0.names.strip_trailers(trailers));
    }

    /// Strips the headers of a response, then edits them as the request's edits say.
    pub fn apply_response(&self, edits: Option<&ResponseEdits>, target: &mut impl HeaderTarget) {
        self.strip_response(target);
        if let Some(edits) = edits {
            let owner = edits.app.as_ref().map(|app| &app.owner);
            let marked = owner.zip(self.sessions()).is_some_and(|(owner, sessions)| sessions.mark(owner, target));
            edits.apply(target, marked);
        }
    }

    /// Strips the headers of a response.
    pub fn strip_response(&self, target: &mut impl HeaderTarget) {
        let set_ours = self.sessions().is_some_and(|sessions| sessions.strip_response(target));
        let spoofs = self.0.names.strip(target);
        self.report_response(Spoofs { header: spoofs.header || set_ours, ..spoofs });
    }

    /// Strips the trailers of a response.
    pub fn strip_response_trailers(&self, trailers: &mut HeaderMap) {
        self.report_response(self.0.names.strip_trailers(trailers));
    }

    /// What becomes of a request where there are no sessions.
    fn pass(&self, head: &Parts) -> Step {
        let key_set = (head.uri.path() == KEY_SET_PATH).then(|| self.key_set(head)).flatten();
        key_set.map_or_else(|| Step::Forward(Edits::strip(self.names())), Step::Reply)
    }

    fn strip_cookies(&self, target: &mut impl HeaderTarget) {
        if let Some(sessions) = self.sessions() {
            sessions.strip_request(target);
        }
    }

    fn intercept(&self, head: &Parts) -> Step {
        let errand = self.sessions().map_or(Errand::Verify, |_| Errand::Acknowledge(Box::new(head.clone())));
        let intake = Intake::begin(self.clone(), errand);
        match self.count_callback(head).and_then(|()| callback_head(head, intake.limit())) {
            Ok(()) => Step::Intake(intake),
            Err(rejection) => Step::Reply(intake.refuse(rejection)),
        }
    }

    fn report(&self, spoofs: Spoofs) {
        Channel::of_request(spoofs).for_each(|channel| self.observe(Event::Spoof(channel)));
    }

    fn report_response(&self, spoofs: Spoofs) {
        if spoofs != Spoofs::default() {
            self.observe(Event::Spoof(Channel::Response));
        }
    }

    /// A future that is ready after this time.
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.clock.sleep_until(self.0.clock.now() + duration)
    }

    fn observe(&self, event: Event) {
        self.0.observer.observe(event);
    }

    fn names(&self) -> Arc<HeaderNames> {
        Arc::clone(&self.0.names)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// What a callback's head already says against it.
fn callback_head(head: &Parts, limit: usize) -> Result<(), Rejection> {
    if head.method != Method::POST {
        return Err(Rejection::MethodNotAllowed { allow: "POST" });
    }
    let mut encodings = head.headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Rejection::UnsupportedEncoding);
    }
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(Rejection::BodyTooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
