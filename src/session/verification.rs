//! What becomes of a callback: its login moves on, and a grant is verified after it was answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use rand_core::OsRng;

use super::{handler::Handler, needs::needed, running::Verification};
use crate::{
    callback::{Callback, Grant, RequestId},
    gate::{Event, Gate, LoginEvent, Rejection, VerificationOutcome},
    headers::Edits,
    identity::Identity,
    profile::{FetchError, Profile},
    session::{Purpose, Session, SessionId},
    store::{State, StoreError},
};

impl Handler<'_> {
    /// Takes note of a callback. What it says of a login that does not run changes nothing, and nobody learns that.
    pub(super) async fn acknowledge(&self, callback: Callback, posted: Request<Bytes>) -> Result<(), Rejection> {
        let done = match callback {
            Callback::Decline(decline) => match state(decline.status().as_str()) {
                Some(state) => self.advance(decline.request_id(), state).await.map(drop),
                None => self.time_left(decline.request_id()).await.map(drop),
            },
            Callback::Grant(grant) => {
                let at = self.gate.clock().now();
                self.time_left(grant.request_id()).await.map(|left| {
                    let begun = Begun { gate: self.gate.clone(), at, outcome: VerificationOutcome::Abandoned };
                    let Some(left) = left else { return begun.end(VerificationOutcome::NoLogin) };
                    let Some(verification) = self.sessions.verifications.begin(grant) else {
                        return begun.end(VerificationOutcome::Repeated);
                    };
                    let expires = self.gate.clock().now() + left;
                    let (gate, sessions) = (self.gate.clone(), Arc::clone(self.sessions));
                    self.sessions.tasks.spawn(Box::pin(async move {
                        let handler = Handler { gate: &gate, sessions: &sessions };
                        handler.verify(verification, posted, expires, begun).await;
                    }));
                })
            }
        };
        done.map_err(|_| Rejection::StoreUnavailable)
    }

    /// Verifies a grant, for as long as its login runs, and has the app hear of it if it wants to.
    async fn verify(&self, verification: Verification, posted: Request<Bytes>, expires: Instant, begun: Begun) {
        let grant = &verification.grant;
        match self.judge(grant, expires).await {
            Ok(profile) => {
                begun.end(VerificationOutcome::Verified);
                if let Some(delivery) = &self.sessions.delivery {
                    let identity = Identity::vouch(Some(grant.request_id().clone()), profile);
                    delivery.deliver(self.request(identity, posted)).await;
                }
            }
            Err(outcome) => begun.end(outcome),
        }
    }

    /// Asks for the profile until the login ends: by it, or in another way.
    async fn judge(&self, grant: &Grant, expires: Instant) -> Result<Profile, VerificationOutcome> {
        let clock = self.gate.clock();
        let mut pause = FIRST_PAUSE;
        while clock.now() < expires {
            let deadline = expires.min(clock.now() + self.gate.deadline());
            match self.gate.fetch(grant, deadline).await {
                Ok(profile) => return self.conclude(grant, profile, expires).await,
                // Anyone could have posted it, so the user's own may still come.
                Err(FetchError::Refused) => return Err(VerificationOutcome::TokenRefused),
                Err(FetchError::Unusable) => return Err(VerificationOutcome::ProfileUnusable),
                Err(FetchError::NoPhoneNumber) => return Err(self.fail(grant.request_id(), expires).await),
                Err(FetchError::Unavailable(_) | FetchError::TimedOut) => {}
            }
            clock.sleep_until(expires.min(clock.now() + pause)).await;
            pause = LONGEST_PAUSE.min(pause * 2);
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
        grant: &Grant,
        profile: Profile,
        expires: Instant,
    ) -> Result<Profile, VerificationOutcome> {
        let nonce = grant.request_id();
        let Ok(profile) = self.gate.active(profile) else { return Err(self.fail(nonce, expires).await) };
        let session = self.session(&profile);
        let sealed = self.sessions.sealer.seal(Purpose::Login(nonce), &session.to_bytes());
        self.end(nonce, State::Verified(sealed.into()), expires).await.map(|()| profile)
    }

    /// Ends a login without one.
    async fn fail(&self, nonce: &RequestId, expires: Instant) -> VerificationOutcome {
        self.end(nonce, State::Failed, expires).await.err().unwrap_or(VerificationOutcome::Failed)
    }

    /// Moves a login to its end, trying again while the store is away.
    async fn end(&self, nonce: &RequestId, state: State, expires: Instant) -> Result<(), VerificationOutcome> {
        let clock = self.gate.clock();
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(moved) = self.advance(nonce, state.clone()).await {
                return if moved { Ok(()) } else { Err(VerificationOutcome::Superseded) };
            }
            if clock.now() + pause >= expires {
                return Err(VerificationOutcome::StoreUnavailable);
            }
            clock.sleep_until(clock.now() + pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    async fn advance(&self, nonce: &RequestId, state: State) -> Result<bool, StoreError> {
        let event = event(&state);
        let moved = self.ask(self.sessions.store.advance(nonce, state)).await?;
        if moved {
            self.sessions.waiting.moved(nonce);
        }
        if let (true, Some(event)) = (moved, event) {
            self.gate.observe(Event::Login(event));
        }
        Ok(moved)
    }

    async fn time_left(&self, nonce: &RequestId) -> Result<Option<Duration>, StoreError> {
        self.ask(self.sessions.store.time_left(nonce)).await
    }

    /// A new session, which knows of the user only what will be asked of it.
    fn session(&self, profile: &Profile) -> Session {
        let profile = needed(profile, &self.gate.names());
        Session::begin(SessionId::generate(&mut OsRng), profile, self.gate.clock().wall())
    }

    fn request(&self, identity: Identity, posted: Request<Bytes>) -> Request<Bytes> {
        let mut request = posted;
        let assertion = self.gate.assert(&identity, None);
        self.gate.apply(&Edits::verified(self.gate.names(), identity, assertion), request.headers_mut());
        request
    }
}

/// A verification from its acknowledgement on: its end is told once, also if it is cut off.
struct Begun {
    gate: Gate,
    at: Instant,
    outcome: VerificationOutcome,
}

impl Begun {
    fn end(mut self, outcome: VerificationOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let elapsed = self.gate.clock().now() - self.at;
        self.gate.observe(Event::Verification { outcome: self.outcome, elapsed });
    }
}

/// Where a login moves by a callback without a token.
fn state(status: &str) -> Option<State> {
    match status {
        "flow_invoked" => Some(State::Opened),
        "user_rejected" => Some(State::Refused),
        "use_another_number" => Some(State::AnotherNumber),
        _ => None,
    }
}

fn event(state: &State) -> Option<LoginEvent> {
    match state {
        State::Pending => None,
        State::Opened => Some(LoginEvent::Opened),
        State::Verified(_) => Some(LoginEvent::Verified),
        State::Refused => Some(LoginEvent::Refused),
        State::AnotherNumber => Some(LoginEvent::AnotherNumber),
        State::Failed => Some(LoginEvent::Failed),
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
