//! What plugins may use of a gate, and of the builder of a gate.

use std::{
    any::Any,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderValue, request::Parts};

use super::{CallbackRule, Plugin, VerifiedAppLogin};
use crate::{
    clock::Clock,
    gate::{
        CallbackPath, Event, EventContext, Gate, GateBuilder, Intake, Parameters, Rejection, Reply, Step, Verdict,
        check_posted,
        intake::{BodyHandler, IntakeEnd},
        limits,
    },
    headers::{EditKind, Edits, HeaderNames, IdentityHeaders},
    identity::Identity,
    path::{ExactPath, PathMatch},
};

/// Answers a form by its body.
pub(in crate::gate) type FormHandler = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, Reply> + Send + Sync>;

/// A form for a route of a plugin's own.
struct Form(Option<FormHandler>);

impl BodyHandler for Form {
    fn decide<'a>(&'a mut self, _: &'a Gate, body: Bytes, _: Instant) -> BoxFuture<'a, Result<Verdict, Rejection>> {
        Box::pin(async move {
            let answer = self.0.take().expect("a body is handed over once");
            Ok(Verdict::Reply(answer(body).await))
        })
    }

    fn conclude(&self, gate: &Gate, end: IntakeEnd, _: Duration) {
        if let IntakeEnd::Rejected(rejection) = end {
            gate.observe(Event::Refusal(rejection));
        }
    }
}

impl GateBuilder {
    /// Adds a plugin, which is asked before those that were added earlier. It replaces a plugin of the same type.
    pub(crate) fn plug_in<P: Plugin>(mut self, plugin: P) -> Self {
        self.0.plugins.retain(|other| !(other.as_ref() as &dyn Any).is::<P>());
        self.0.plugins.insert(0, Box::new(plugin));
        self
    }

    /// The path of the callback route.
    pub(crate) fn callback_path(&self) -> &CallbackPath {
        &self.0.path
    }

    /// The paths with a single spelling that plugins have, besides the callback's.
    pub(crate) fn exact_paths(&self) -> impl Iterator<Item = &ExactPath> {
        self.0.exact_paths()
    }

    /// The prefix of truegate's own routes.
    pub(crate) fn prefix(&self) -> &str {
        self.0.prefix()
    }
}

impl Parameters {
    fn prefix(&self) -> &str {
        self.plugins.iter().find_map(|plugin| plugin.prefix()).unwrap_or("/.truegate")
    }

    pub(in crate::gate) fn exact_paths(&self) -> impl Iterator<Item = &ExactPath> {
        self.plugins.iter().filter_map(|plugin| plugin.exact_path())
    }
}

impl Gate {
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn names(&self) -> &Arc<HeaderNames> {
        &self.0.names
    }

    pub(crate) fn observe(&self, event: Event) {
        self.0.observer.observe(event);
    }

    pub(crate) fn observe_in(&self, event: Event, context: &EventContext<'_>) {
        self.0.observer.observe_in(event, context);
    }

    /// The prefix of truegate's own routes.
    pub(crate) fn prefix(&self) -> &str {
        self.0.prefix()
    }

    /// Whether a path could be read as the callback's, or as another one with a single spelling, though it is spelled otherwise.
    pub(crate) fn is_disguised(&self, path: &str) -> bool {
        let is_ambiguous = |exact: &ExactPath| exact.compare(path) == PathMatch::Ambiguous;
        self.0.path.compare(path) == PathMatch::Ambiguous || self.0.exact_paths().any(is_ambiguous)
    }

    /// Counts a login, or refuses it because its client or network has started too many.
    pub(crate) fn count_login(&self, head: &Parts) -> Result<(), Rejection> {
        limits::count(self.0.limiters.logins.as_deref(), head)
    }

    /// Whether assertions are sent beside identities.
    pub(crate) fn asserts(&self) -> bool {
        self.0.plugins.iter().any(|plugin| plugin.asserts())
    }

    /// The assertion to send with an identity. `session` is the id of its session, if it has one. Returns none if no plugin makes
    /// assertions.
    pub(crate) fn assert(&self, identity: &Identity, session: Option<&str>) -> Option<HeaderValue> {
        if !self.asserts() {
            return None;
        }
        let now = self.0.clock.wall();
        self.0.plugins.iter().find_map(|plugin| plugin.assert(identity, session, now))
    }

    /// Whether requests may carry session tokens: the site has an app of its own.
    pub(crate) fn takes_tokens(&self) -> bool {
        self.0.takes_tokens
    }

    /// Refuses a login of the site's own app on a host where it could get no session.
    pub(crate) fn check_app_host(&self, head: &Parts) -> Result<(), Rejection> {
        self.0.plugins.iter().try_for_each(|plugin| plugin.check_app_host(head))
    }

    /// Lets a verified user of the site's own app in. Returns none without sessions.
    pub(crate) fn admit_app<'a>(
        &'a self,
        head: &'a Parts,
        login: &'a VerifiedAppLogin,
    ) -> Option<BoxFuture<'a, Result<Reply, Rejection>>> {
        self.0.plugins.iter().find_map(|plugin| plugin.admit_app(self, head, login))
    }

    /// The rule for a verified request that the app gets.
    pub(crate) fn rule_of_callback(&self, head: &Parts) -> Option<CallbackRule> {
        self.0.plugins.iter().find_map(|plugin| plugin.rule_of_callback(head))
    }

    /// The edits to a request whose user was verified by it, as its rule says.
    pub(crate) fn verified(&self, identity: Identity, rule: Option<&CallbackRule>) -> Edits {
        let assertion = self.assert(&identity, None);
        let headers = IdentityHeaders::of(&self.0.names, rule.and_then(|rule| rule.headers.as_ref()), &identity);
        Edits::by_rule(EditKind::Verified { identity, headers, assertion }, rule.map(|rule| rule.rule))
    }

    /// Reads the body of a request that must be a POST, and decides by it, unless the request was refused as it was counted or its
    /// head is reason enough to refuse it.
    pub(crate) fn read_posted(
        &self,
        head: &Parts,
        counted: Result<(), Rejection>,
        handler: impl BodyHandler + 'static,
    ) -> Step {
        let intake = Intake::begin(self.clone(), Box::new(handler));
        match counted.and_then(|()| check_posted(head, intake.limit())) {
            Ok(()) => Step::Read(intake),
            Err(rejection) => Step::Reply(intake.refuse(rejection)),
        }
    }

    /// Reads the body of a form, and answers by it.
    pub(crate) fn read_form(&self, handler: FormHandler) -> Step {
        Step::Read(Intake::begin(self.clone(), Box::new(Form(Some(handler)))))
    }

    /// How long one verification may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.0.deadline
    }
}

/// A gate that may be dropped meanwhile, for tasks that serve it as long as it is there.
#[derive(Clone)]
pub(crate) struct WeakGate(Weak<Parameters>);

impl Gate {
    pub(crate) fn downgrade(&self) -> WeakGate {
        WeakGate(Arc::downgrade(&self.0))
    }
}

impl WeakGate {
    pub(crate) fn upgrade(&self) -> Option<Gate> {
        self.0.upgrade().map(Gate)
    }
}
