//! The engine. It decides how to answer or forward a request, by its head and, for a callback, by its body.
//!
//! The gate has no body type, socket or runtime. An edge ([`layer`](crate::layer) or the module `pingora`) gives it the head of a
//! request and acts on its decision, after reading the body if the request is a callback. An [`Observer`] receives the events.
//!
//! Use a gate with [`TruegateLayer`](crate::TruegateLayer) or the module `pingora`. It does nothing by itself.
//!
//! ```
//! # use std::time::Instant;
//! # use futures_core::future::BoxFuture;
//! # use truegate::{callback::Grant, cause::Cause, profile::{FetchError, Profile, ProfileSource}};
//! use truegate::gate::{Event, Gate, Limits};
//!
//! # struct Nobody;
//! # impl ProfileSource for Nobody {
//! #     fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
//! #         Box::pin(async { Err(FetchError::Unavailable(Cause::Connect.into())) })
//! #     }
//! # }
//! # let source = Nobody;
//! struct Log;
//!
//! impl truegate::gate::Observer for Log {
//!     fn observe(&self, event: Event) {
//!         if let Event::Callback { outcome, elapsed } = event {
//!             println!("a callback was {} after {elapsed:?}", outcome.code());
//!         }
//!     }
//! }
//!
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, source)
//!     .limits(Limits { callbacks_per_second: None, ..Limits::default() })
//!     .observer(Log)
//!     .build();
//! # drop(gate);
//! # Ok::<_, truegate::gate::ReservedPathError>(())
//! ```

mod builder;
mod client_info;
mod edit;
mod event;
mod framing;
mod host_check;
mod intake;
mod limits;
mod observer;
pub(crate) mod plugin;
mod posted_callback;
mod rejection;
mod reply;
mod step;

use std::{sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use http::{HeaderMap, Method, header, request::Parts};

#[cfg(feature = "gateway")]
pub(crate) use self::limits::{ClockSinceStart, Limiter};
pub use self::{
    builder::GateBuilder,
    client_info::{ClientInfo, Scheme},
    event::{
        AppLoginOutcome, CallbackOutcome, Event, FetchOutcome, LoginEvent, RevocationScope, SpoofChannel,
        VerificationOutcome,
    },
    limits::Limits,
    observer::{EventContext, Observer},
    rejection::Rejection,
};
use self::{
    framing::MissingHost,
    limits::Limiters,
    plugin::{Plugin, Withheld},
    posted_callback::PostedCallback,
};
pub(crate) use self::{
    intake::Intake,
    reply::{ConnectionReuse, Leftover, Reply},
    step::{ReadFailure, Step, Verdict},
};
use crate::{
    callback::Endpoints,
    clock::Clock,
    headers::{EditKind, Edits, HeaderNames, HeaderSurvey},
    profile::ProfileSource,
};
pub use crate::{
    host::TrustedProxy,
    path::{CallbackPath, GuessableCallbackPath, ReservedPathError},
};

/// The engine behind every edge. Clones share their state.
#[derive(Clone)]
pub struct Gate(Arc<Parameters>);

struct Parameters {
    path: CallbackPath,
    source: Box<dyn ProfileSource>,
    endpoints: Endpoints,
    names: Arc<HeaderNames>,
    plugins: Vec<Box<dyn Plugin>>,
    takes_tokens: bool,
    body_limit: usize,
    deadline: Duration,
    requires_active: bool,
    missing_host: MissingHost,
    clock: Arc<dyn Clock>,
    limiters: Limiters,
    observer: Box<dyn Observer>,
}

impl Gate {
    /// Starts a builder with the two settings that have no default.
    pub fn builder(path: CallbackPath, source: impl ProfileSource) -> GateBuilder {
        GateBuilder::new(path, source)
    }

    /// As [`inspect_withheld`](Self::inspect_withheld), for a head as it came.
    #[cfg(test)]
    pub(crate) fn inspect(&self, head: &Parts) -> Step {
        self.inspect_withheld(head, &Withheld::default())
    }

    /// Decides by the head alone, with the credentials that were taken out of it: no I/O, no waiting, and nothing allocated for a
    /// request that passes.
    pub(crate) fn inspect_withheld(&self, head: &Parts, withheld: &Withheld) -> Step {
        self.inspect_surveyed(head, &self.survey(&head.headers), withheld)
    }

    /// Walks over a head once, for an edge that edits the same head as soon as it was inspected.
    pub(crate) fn survey<'a>(&self, headers: &'a HeaderMap) -> HeaderSurvey<'a> {
        self.0.names.survey(headers)
    }

    /// As [`inspect_withheld`](Self::inspect_withheld), for a head that was surveyed.
    pub(crate) fn inspect_surveyed(&self, head: &Parts, survey: &HeaderSurvey<'_>, withheld: &Withheld) -> Step {
        let path = head.uri.path();
        if self.is_disguised(path) {
            return Step::Reply(self.reject_for(Rejection::AmbiguousPath, head));
        }
        if let Err(rejection) = framing::check(head, survey, self.0.missing_host) {
            return Step::Reply(self.reject_for(rejection, head));
        }
        if let Some(rejection) = self.0.plugins.iter().find_map(|plugin| plugin.check_host(head).err()) {
            return Step::Reply(self.reject_for(rejection, head));
        }
        if path == self.0.path.expose() {
            return self.intercept(head);
        }
        if let Some(taken) = self.0.plugins.iter().find_map(|plugin| plugin.take_exact(self, head)) {
            return taken;
        }
        let inspected = self.0.plugins.iter().find_map(|plugin| plugin.inspect(self, head, withheld));
        inspected.unwrap_or_else(|| Step::Forward(Edits::new(EditKind::Ordinary)))
    }

    /// Whether the verdict on a request may depend on the [`ClientInfo`] in its extensions: that on callbacks and logins does.
    pub(crate) fn asks_for_client(&self, head: &Parts) -> bool {
        let path = head.uri.path();
        let has_plugins = !self.0.plugins.is_empty();
        path == self.0.path.expose()
            || has_plugins
                && (path.starts_with(self.prefix()) || self.0.exact_paths().any(|exact| exact.as_str() == path))
            || self.0.plugins.iter().any(|plugin| plugin.asks_for_client(path))
    }

    /// Whether the verdict on a request may depend on how it came, as far as proxies tell.
    #[cfg(feature = "gateway")]
    pub(crate) fn asks_for_proxy(&self) -> bool {
        !self.0.plugins.is_empty()
    }

    /// Answers a request that the edge itself cannot let pass.
    pub(crate) fn reject(&self, rejection: Rejection) -> Reply {
        self.observe(Event::Refusal(rejection));
        Reply::reject(rejection, ConnectionReuse::Close)
    }

    /// Answers a request that cannot pass: with a page for a person, where a plugin has pages, and otherwise with problem
    /// details.
    pub(crate) fn reject_for(&self, rejection: Rejection, head: &Parts) -> Reply {
        self.explain(self.reject(rejection), rejection.code(), head)
    }

    /// Makes a page of an answer to a refused request, where a plugin has pages and a person waits for it.
    pub(crate) fn explain(&self, refused: Reply, code: &str, head: &Parts) -> Reply {
        self.0.plugins.iter().fold(refused, |refused, plugin| plugin.explain(refused, code, head))
    }

    /// Whether a path is reserved for truegate, so that no app ever gets the request.
    pub(crate) fn reserves(&self, path: &str) -> bool {
        self.0.plugins.iter().any(|plugin| plugin.reserves(path))
    }

    /// Reads what requests would have to wait for, such as the logouts that the store knows. Call this before the server accepts
    /// connections. It returns when all is read or a service does not answer; it may also be dropped before.
    pub(crate) async fn prepare(&self) {
        for plugin in &self.0.plugins {
            plugin.prepare(self).await;
        }
    }

    /// Ends the waiting of requests: from now on, they are answered at once. Also ends the task that follows the store. Call this
    /// when the server stops.
    pub fn stop_waiting(&self) {
        self.0.plugins.iter().for_each(|plugin| plugin.stop_waiting());
    }

    fn intercept(&self, head: &Parts) -> Step {
        let taken = self.0.plugins.iter().find_map(|plugin| plugin.take_callback(self, head));
        let posted = PostedCallback::new(taken, self.rule_of_callback(head), head.extensions.clone());
        self.read_posted(head, limits::count(self.0.limiters.callbacks.as_deref(), head), posted)
    }

    /// A future that is ready after this time.
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.clock.sleep_until(self.0.clock.now() + duration)
    }
}

redacted!(Gate);

/// Checks the head of a request that must be a POST, before its body is read.
fn check_posted(head: &Parts, limit: usize) -> Result<(), Rejection> {
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
