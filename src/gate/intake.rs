//! Requests whose bodies the gate needs, and the verdicts on them.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::pin,
    task::Poll,
    time::Instant,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::StatusCode;

use super::{
    CallbackOutcome, ConnectionReuse, Event, FetchOutcome, Gate, ReadFailure, Rejection, Reply, Verdict,
    plugin::{CallbackRule, FormHandler},
};
use crate::{
    callback::{Callback, Grant},
    headers::{EditKind, Edits, IdentityHeaders},
    identity::Identity,
    profile::{FetchError, Profile},
};

/// A request whose body the edge is yet to read.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the request and leaves nothing behind.
#[must_use = "nothing becomes of a request until its body is handed over"]
pub(crate) struct Intake {
    pub(super) gate: Gate,
    arrived: Instant,
    handler: BodyHandler,
    /// The rule for a callback that goes on to the upstream.
    rule: Option<CallbackRule>,
    concluded: bool,
}

/// The use of the body.
pub(super) enum BodyHandler {
    /// A callback. It goes on to the upstream once it is verified, unless a handler takes it.
    Callback(Option<CallbackHandler>),
    /// A form for a route of truegate's own.
    Form(FormHandler),
}

/// Takes a well-formed callback with its original body. It may be answered once the future is ready.
pub(crate) type CallbackHandler =
    Box<dyn FnOnce(Callback, Bytes) -> BoxFuture<'static, Result<(), Rejection>> + Send + Sync>;

impl Intake {
    pub(super) fn begin(gate: Gate, handler: BodyHandler) -> Self {
        let arrived = gate.0.clock.now();
        Self { gate, arrived, handler, rule: None, concluded: false }
    }

    pub(super) fn by(mut self, rule: Option<CallbackRule>) -> Self {
        self.rule = rule;
        self
    }

    /// Answers a callback whose head is reason enough to refuse it.
    pub(super) fn refuse(mut self, rejection: Rejection) -> Reply {
        self.conclude(CallbackOutcome::Rejected(rejection));
        Reply::reject(rejection, ConnectionReuse::Close)
    }

    /// The largest body to read, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.gate.0.body_limit
    }

    /// A future that is ready when the deadline of the whole intake has come.
    pub(crate) fn expired(&self) -> BoxFuture<'static, ()> {
        self.gate.0.clock.sleep_until(self.deadline())
    }

    /// Answers a request whose body could not be read to its end.
    pub(crate) fn fail(self, failure: ReadFailure) -> Verdict {
        let rejection = match (failure, &self.handler) {
            (ReadFailure::TooLarge, _) => Rejection::BodyTooLarge,
            (ReadFailure::TooSlow, _) => Rejection::BodyTimeout,
            (ReadFailure::Interrupted, BodyHandler::Form(_)) => Rejection::MalformedRequest,
            (ReadFailure::Interrupted, _) => Rejection::MalformedCallback,
        };
        self.reject(rejection, ConnectionReuse::Close)
    }

    /// Decides by the whole body; a callback's verdict is ready by the deadline at the latest.
    pub(crate) fn finish(mut self, body: Bytes) -> BoxFuture<'static, Verdict> {
        Box::pin(async move {
            if body.len() > self.limit() {
                return self.reject(Rejection::BodyTooLarge, ConnectionReuse::Keep);
            }
            let take = match mem::replace(&mut self.handler, BodyHandler::Callback(None)) {
                BodyHandler::Callback(take) => take,
                BodyHandler::Form(answer) => {
                    self.concluded = true;
                    drop(self);
                    return Verdict::Reply(answer(body).await);
                }
            };
            match self.decide(body, take).await {
                Ok((outcome, verdict)) => {
                    self.conclude(outcome);
                    verdict
                }
                Err(rejection) => self.reject(rejection, ConnectionReuse::Keep),
            }
        })
    }

    async fn decide(
        &self,
        body: Bytes,
        take: Option<CallbackHandler>,
    ) -> Result<(CallbackOutcome, Verdict), Rejection> {
        let gate = &self.gate;
        let callback = Callback::parse(&body, &gate.0.endpoints)?;
        if let Some(take) = take {
            take(callback, body).await?;
            return Ok((CallbackOutcome::Acknowledged, Verdict::Reply(Reply::new(StatusCode::NO_CONTENT))));
        }
        let set = self.rule.as_ref().and_then(|rule| rule.headers.as_ref());
        let (outcome, kind) = match callback {
            Callback::Decline(decline) => {
                let headers = IdentityHeaders::of_decline(&gate.0.names, set, &decline);
                (CallbackOutcome::Declined, EditKind::Declined(headers))
            }
            Callback::Grant(grant) => {
                let profile = gate.active(gate.fetch(&grant, self.deadline()).await?)?;
                let identity = Identity::vouch(Some(grant.request_id().clone()), profile);
                let assertion = gate.assert(&identity, None);
                let headers = IdentityHeaders::of(&gate.0.names, set, &identity);
                (CallbackOutcome::Verified, EditKind::Verified { identity, headers, assertion })
            }
        };
        let rule = self.rule.as_ref().map(|rule| rule.rule);
        Ok((outcome, Verdict::Forward(Edits { rule, ..Edits::new(kind) })))
    }

    fn deadline(&self) -> Instant {
        self.arrived + self.gate.0.deadline
    }

    fn reject(mut self, rejection: Rejection, connection: ConnectionReuse) -> Verdict {
        self.conclude(CallbackOutcome::Rejected(rejection));
        Verdict::Reply(Reply::reject(rejection, connection))
    }

    fn conclude(&mut self, outcome: CallbackOutcome) {
        self.concluded = true;
        match (&self.handler, outcome) {
            (BodyHandler::Form(_), CallbackOutcome::Rejected(rejection)) => {
                self.gate.observe(Event::Refusal(rejection));
            }
            (BodyHandler::Form(_), _) => {}
            (BodyHandler::Callback(_), outcome) => {
                let elapsed = self.gate.0.clock.now() - self.arrived;
                self.gate.observe(Event::Callback { outcome, elapsed });
            }
        }
    }
}

impl Gate {
    /// Fetches the profile that a grant gives access to, or gives up at the deadline.
    pub(crate) async fn fetch(&self, grant: &Grant, deadline: Instant) -> Result<Profile, FetchError> {
        let asked = self.0.clock.now();
        let fetched = self.0.source.fetch(grant, deadline);
        let fetched = self.by(deadline, fetched).await.unwrap_or(Err(FetchError::TimedOut));
        let elapsed = self.0.clock.now() - asked;
        self.observe(Event::Fetch { outcome: FetchOutcome::of(&fetched), elapsed });
        fetched
    }

    /// Returns the profile, unless it is not active and this gate accepts active profiles only.
    pub(crate) fn active(&self, profile: Profile) -> Result<Profile, Rejection> {
        if self.0.requires_active && !profile.is_active { Err(Rejection::ProfileInactive) } else { Ok(profile) }
    }

    /// Returns the future's output, or `None` if the deadline comes first.
    pub(crate) async fn by<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
        unless(self.0.clock.sleep_until(deadline), future).await
    }
}

/// Returns the future's output, or `None` if the other future is ready first.
///
/// The future is polled first, because one that is ready at once needs no timer. Afterwards the timer is polled first: tokio limits
/// what a task may do in one turn, and a busy future would use it all up. So a result that is found only after the deadline is lost,
/// even if it came before and this task was held up.
pub(crate) async fn unless<T>(first: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let (mut first, mut future, mut is_waiting) = (pin!(first), pin!(future), false);
    poll_fn(|cx| {
        if is_waiting && first.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let output = future.as_mut().poll(cx).map(Some);
        if output.is_pending() && !mem::replace(&mut is_waiting, true) {
            return first.as_mut().poll(cx).map(|()| None);
        }
        output
    })
    .await
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.concluded {
            self.conclude(CallbackOutcome::Abandoned);
        }
    }
}
