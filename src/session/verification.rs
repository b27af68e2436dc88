//! Callbacks in sessions: they are answered, move their login on, and are then verified if they hold a grant.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Extensions, Request};

use super::{grants_in_flight::GrantInFlight, handler::Handler};
use crate::{
    backoff::doubling,
    callback::{Callback, Grant, RequestId},
    gate::{Event, EventContext, Gate, LoginEvent, Rejection, VerificationOutcome},
    identity::{Identity, VerificationMethod},
    profile::{FetchError, Profile},
    session::{SealPurpose, Session, SessionId},
    store::{LoginState, StoreError},
};

impl Handler<'_> {
    /// Takes note of a callback. What it says of a login that does not run changes nothing, and nobody learns that.
    pub(super) async fn acknowledge(
        &self,
        callback: Callback,
        request: Extensions,
        posted: Option<Request<Bytes>>,
    ) -> Result<(), Rejection> {
        let done = match callback {
            Callback::Decline(decline) => match state(decline.status.as_str()) {
                Some(state) => self.advance(&decline.request_id, state, &context(&request)).await.map(drop),
                None => self.time_left(&decline.request_id).await.map(drop),
            },
            Callback::Grant(grant) => self.take_grant(grant, request, posted).await,
        };
        done.map_err(|_| Rejection::StoreUnavailable)
    }

    /// Has a grant verified, if its login runs. The number is proven by now, whenever the profile comes.
    async fn take_grant(
        &self,
        grant: Grant,
        request: Extensions,
        posted: Option<Request<Bytes>>,
    ) -> Result<(), StoreError> {
        let at = self.gate.clock().now();
        let left = self.time_left(grant.request_id()).await?;
        let report = |outcome| OutcomeReport { gate: self.gate.clone(), at, request, outcome };
        let Some(left) = left else {
            drop(report(VerificationOutcome::NoLogin));
            return Ok(());
        };
        let expires = self.gate.clock().now() + left;
        let proven_at = self.date_proof(at).await?;
        let Some(verification) = self.sessions.memory.in_flight.begin(grant, proven_at) else {
            drop(report(VerificationOutcome::Repeated));
            return Ok(());
        };
        let report = report(VerificationOutcome::Abandoned);
        let handler = self.owned();
        self.sessions.tasks.spawn(Box::pin(async move {
            handler.borrow().verify(verification, posted, expires, report).await;
        }));
        Ok(())
    }

    /// Verifies a grant, for as long as its login runs, and has the app hear of it if it wants to.
    async fn verify(
        &self,
        verification: GrantInFlight,
        posted: Option<Request<Bytes>>,
        expires: Instant,
        report: OutcomeReport,
    ) {
        let grant = &verification.grant;
        match self.judge(&verification, expires, &report.request).await {
            Ok(profile) => {
                report.end(VerificationOutcome::Verified);
                if let Some(posted) = posted {
                    self.deliver(grant.request_id(), profile, posted).await;
                }
            }
            Err(outcome) => report.end(outcome),
        }
    }

    /// Asks for the profile until the login ends: by it, or in another way.
    async fn judge(
        &self,
        verification: &GrantInFlight,
        expires: Instant,
        request: &Extensions,
    ) -> Result<Profile, VerificationOutcome> {
        let (clock, grant) = (self.gate.clock(), &verification.grant);
        for pause in doubling(FIRST_PAUSE, LONGEST_PAUSE).take_while(|_| clock.now() < expires) {
            let deadline = expires.min(clock.now() + self.gate.deadline());
            let failed = match self.gate.fetch(grant, deadline).await {
                Ok(profile) => return self.conclude(verification, profile, expires, request).await,
                // Anyone could have posted it, so the user's own may still come.
                Err(FetchError::Refused) => return Err(VerificationOutcome::TokenRefused),
                Err(FetchError::Unusable | FetchError::Misconfigured) => {
                    return Err(VerificationOutcome::ProfileUnusable);
                }
                Err(FetchError::NoPhoneNumber) => Some(VerificationOutcome::NoPhoneNumber),
                Err(FetchError::NumberNotVerified) => Some(VerificationOutcome::NumberNotVerified),
                Err(FetchError::Unavailable(_) | FetchError::TimedOut) => None,
            };
            if let Some(outcome) = failed {
                return Err(self.fail(grant.request_id(), outcome, expires, request).await);
            }
            clock.sleep_until(expires.min(clock.now() + pause)).await;
            // Another callback may have ended the login meanwhile.
            if self.time_left(grant.request_id()).await == Ok(None) {
                let expired = clock.now() >= expires;
                return Err(if expired { VerificationOutcome::Expired } else { VerificationOutcome::Superseded });
            }
        }
        Err(VerificationOutcome::Expired)
    }

    /// Ends a login with a profile.
    async fn conclude(
        &self,
        GrantInFlight { grant, proven_at, .. }: &GrantInFlight,
        profile: Profile,
        expires: Instant,
        request: &Extensions,
    ) -> Result<Profile, VerificationOutcome> {
        let request_id = grant.request_id();
        if self.gate.check_active(&profile).is_err() {
            return Err(self.fail(request_id, VerificationOutcome::ProfileInactive, expires, request).await);
        }
        let session = self.session(&profile, VerificationMethod::Web, *proven_at);
        let sealed =
            self.sessions.sealer.seal(SealPurpose::Login(request_id), &session.to_bytes(), &self.sessions.random);
        let context = EventContext { user: Some(&profile.phone), ..context(request) };
        self.end(request_id, LoginState::Verified(sealed.into()), expires, &context).await.map(|()| profile)
    }

    /// Ends a login without one, for this reason.
    async fn fail(
        &self,
        request_id: &RequestId,
        reason: VerificationOutcome,
        expires: Instant,
        request: &Extensions,
    ) -> VerificationOutcome {
        self.end(request_id, LoginState::Failed, expires, &context(request)).await.err().unwrap_or(reason)
    }

    /// Moves a login to its end, trying again while the store is away.
    async fn end(
        &self,
        request_id: &RequestId,
        state: LoginState,
        expires: Instant,
        context: &EventContext<'_>,
    ) -> Result<(), VerificationOutcome> {
        let clock = self.gate.clock();
        for pause in doubling(FIRST_PAUSE, LONGEST_PAUSE) {
            if let Ok(moved) = self.advance(request_id, state.clone(), context).await {
                return if moved { Ok(()) } else { Err(VerificationOutcome::Superseded) };
            }
            if clock.now() + pause >= expires {
                break;
            }
            clock.sleep_until(clock.now() + pause).await;
        }
        Err(VerificationOutcome::StoreUnavailable)
    }

    /// Moves a login on, and returns whether it moved. The requests that wait for it hear of that.
    pub(super) async fn advance(
        &self,
        request_id: &RequestId,
        state: LoginState,
        context: &EventContext<'_>,
    ) -> Result<bool, StoreError> {
        let event = event(&state);
        let moved = self.ask(self.sessions.store.advance(request_id, state)).await?;
        // What those who wait do next is told afterwards.
        if let (true, Some(event)) = (moved, event) {
            self.gate.observe_in(Event::Login(event), context);
        }
        if moved {
            self.sessions.memory.waiting.moved(request_id);
        }
        Ok(moved)
    }

    async fn time_left(&self, request_id: &RequestId) -> Result<Option<Duration>, StoreError> {
        self.ask(self.sessions.store.time_left(request_id)).await
    }

    /// A new session, which knows of the user only what will be asked of it.
    pub(super) fn session(&self, profile: &Profile, method: VerificationMethod, proven_at: SystemTime) -> Session {
        let identity = Identity::vouch(None, profile.minimized(self.gate.names()), method);
        let id = SessionId::generate(&self.sessions.random);
        Session::begin(id, identity, proven_at, self.gate.clock().wall())
    }
}

/// A verification from its acknowledgement on: its end is told once, also if it is cut off.
struct OutcomeReport {
    gate: Gate,
    at: Instant,
    /// The extensions of the callback's request.
    request: Extensions,
    outcome: VerificationOutcome,
}

impl OutcomeReport {
    fn end(mut self, outcome: VerificationOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for OutcomeReport {
    fn drop(&mut self) {
        let elapsed = self.gate.clock().now() - self.at;
        let event = Event::Verification { outcome: self.outcome, elapsed };
        self.gate.observe_in(event, &context(&self.request));
    }
}

/// The context of the events of a callback with these extensions.
fn context(request: &Extensions) -> EventContext<'_> {
    EventContext { method: Some(VerificationMethod::Web), ..EventContext::of(request) }
}

/// Returns the state to which a callback without a token moves a login.
fn state(status: &str) -> Option<LoginState> {
    match status {
        "flow_invoked" => Some(LoginState::Opened),
        "user_rejected" => Some(LoginState::Refused),
        "use_another_number" => Some(LoginState::AnotherNumber),
        _ => None,
    }
}

fn event(state: &LoginState) -> Option<LoginEvent> {
    match state {
        LoginState::Pending => None,
        LoginState::Opened => Some(LoginEvent::Opened),
        LoginState::Verified(_) => Some(LoginEvent::Verified),
        LoginState::Refused => Some(LoginEvent::Refused),
        LoginState::AnotherNumber => Some(LoginEvent::AnotherNumber),
        LoginState::Failed => Some(LoginEvent::Failed),
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
