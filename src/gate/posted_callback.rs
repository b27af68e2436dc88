//! The handler of a callback: it goes on to the app once it is verified, or a plugin takes it.

use std::{
    mem,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Extensions, StatusCode};

use super::{
    CallbackOutcome, Event, EventContext, Gate, LoginEvent, Rejection, Reply, Verdict,
    intake::{BodyHandler, IntakeEnd},
    plugin::CallbackRule,
};
use crate::{
    callback::Callback,
    headers::{EditKind, Edits, IdentityHeaders},
    identity::{Identity, VerificationMethod},
    profile::PhoneNumber,
};

/// Takes a well-formed callback with its original body. It may be answered once the future is ready.
pub(crate) type CallbackHandler =
    Box<dyn FnOnce(Callback, Bytes) -> BoxFuture<'static, Result<(), Rejection>> + Send + Sync>;

/// A request on the callback's path.
pub(super) struct PostedCallback {
    /// Takes the callback; none if it goes on to the upstream.
    take: Option<CallbackHandler>,
    /// The rule for a callback that goes on.
    rule: Option<CallbackRule>,
    /// The extensions of the request.
    request: Extensions,
    /// The outcome of one that is neither rejected nor abandoned.
    outcome: CallbackOutcome,
    /// The user who was verified.
    user: Option<PhoneNumber>,
    /// What a callback without a token tells of the login.
    change: Option<LoginEvent>,
}

impl PostedCallback {
    pub(super) fn new(take: Option<CallbackHandler>, rule: Option<CallbackRule>, request: Extensions) -> Self {
        Self { take, rule, request, outcome: CallbackOutcome::Acknowledged, user: None, change: None }
    }

    /// The edits to a callback that goes on.
    async fn verify(&mut self, gate: &Gate, callback: Callback, deadline: Instant) -> Result<Edits, Rejection> {
        let rule = self.rule.as_ref();
        let (outcome, edits) = match callback {
            Callback::Decline(decline) => {
                self.change = change(decline.status.as_str());
                let set = rule.and_then(|rule| rule.headers.as_ref());
                let headers = IdentityHeaders::of_decline(&gate.0.names, set, &decline);
                (CallbackOutcome::Declined, Edits::by_rule(EditKind::Declined(headers), rule.map(|rule| rule.rule)))
            }
            Callback::Grant(grant) => {
                let profile = gate.fetch(&grant, deadline).await?;
                gate.check_active(&profile)?;
                self.user = Some(profile.phone.clone());
                let identity = Identity::vouch(Some(grant.request_id().clone()), profile, VerificationMethod::Web);
                (CallbackOutcome::Verified, gate.verified(identity, rule))
            }
        };
        self.outcome = outcome;
        Ok(edits)
    }
}

impl BodyHandler for PostedCallback {
    fn decide<'a>(
        &'a mut self,
        gate: &'a Gate,
        body: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Verdict, Rejection>> {
        Box::pin(async move {
            let callback = Callback::parse(&body, &gate.0.endpoints)?;
            if let Some(take) = mem::take(&mut self.take) {
                take(callback, body).await?;
                return Ok(Verdict::Reply(Reply::new(StatusCode::NO_CONTENT)));
            }
            Ok(Verdict::Forward(self.verify(gate, callback, deadline).await?))
        })
    }

    fn broken_off(&self) -> Rejection {
        Rejection::MalformedCallback
    }

    fn conclude(&self, gate: &Gate, end: IntakeEnd, elapsed: Duration) {
        let outcome = match end {
            IntakeEnd::Decided => self.outcome,
            IntakeEnd::Rejected(rejection) => CallbackOutcome::Rejected(rejection),
            IntakeEnd::Abandoned => CallbackOutcome::Abandoned,
        };
        let method = Some(VerificationMethod::Web);
        let (user, change) = (self.user.as_ref(), self.change);
        let context = EventContext { user, method, change, ..EventContext::of(&self.request) };
        gate.observe_in(Event::Callback { outcome, elapsed }, &context);
    }
}

/// The change of a login that a status of Truecaller tells of.
fn change(status: &str) -> Option<LoginEvent> {
    match status {
        "flow_invoked" => Some(LoginEvent::Opened),
        "user_rejected" => Some(LoginEvent::Refused),
        "use_another_number" => Some(LoginEvent::AnotherNumber),
        _ => None,
    }
}
