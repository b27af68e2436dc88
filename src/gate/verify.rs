//! The trunk: from the bytes of a callback to a verified identity.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Instant,
};

use super::{Event, FetchOutcome, Gate, Intake, Rejection};
use crate::{
    callback::{Callback, Grant},
    headers::Edits,
    identity::Identity,
    profile::{FetchError, Profile},
};

impl Intake {
    pub(super) async fn verify(&self, body: &[u8]) -> Result<Edits, Rejection> {
        let gate = &self.gate;
        match Callback::parse(body, &gate.0.endpoints)? {
            Callback::Decline(decline) => Ok(Edits::declined(gate.names(), decline)),
            Callback::Grant(grant) => {
                let profile = gate.active(gate.fetch(&grant, self.deadline()).await?)?;
                let identity = Identity::vouch(Some(grant.request_id().clone()), profile);
                let assertion = gate.assert(&identity, None);
                Ok(Edits::verified(gate.names(), identity, assertion))
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

    /// The profile, unless Truecaller says that it is not active and that matters.
    pub(crate) fn active(&self, profile: Profile) -> Result<Profile, Rejection> {
        if self.0.requires_active && !profile.is_active { Err(Rejection::ProfileInactive) } else { Ok(profile) }
    }

    /// The future's output, unless the deadline comes first.
    pub(crate) async fn by<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
        unless(self.0.clock.sleep_until(deadline), future).await
    }
}

/// The future's output, unless the other one is ready first.
pub(crate) async fn unless<T>(first: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let (mut first, mut future) = (pin!(first), pin!(future));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => first.as_mut().poll(cx).map(|()| None),
    })
    .await
}
