//! The trunk: from the bytes of a callback to a verified identity.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Instant,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{Connection, Event, Gate, Outcome, Rejection, Reply, Verdict};
use crate::{
    callback::{Callback, Grant},
    headers::Edits,
    identity::Identity,
    profile::{FetchError, Profile},
};

/// A callback whose body the edge has yet to read.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the callback and leaves nothing behind.
#[derive(Debug)]
#[must_use = "a callback is not verified until its body is handed over"]
pub struct Intake {
    gate: Gate,
    arrived: Instant,
    concluded: bool,
}

impl Intake {
    pub(super) fn begin(gate: Gate) -> Self {
        let arrived = gate.0.clock.now();
        Self { gate, arrived, concluded: false }
    }

    /// The head alone is reason enough to answer.
    pub(super) fn refuse(mut self, rejection: Rejection) -> Reply {
        self.conclude(Outcome::Rejected(rejection));
        Reply::reject(rejection, Connection::Close)
    }

    /// The largest body to read, in bytes.
    pub fn limit(&self) -> usize {
        self.gate.0.body_limit
    }

    /// A future that is ready when the deadline of the whole verification has come.
    pub fn expired(&self) -> BoxFuture<'static, ()> {
        self.gate.0.clock.sleep_until(self.deadline())
    }

    /// The body is larger than the limit.
    pub fn too_large(self) -> Verdict {
        self.reject(Rejection::BodyTooLarge, Connection::Close)
    }

    /// The body was not whole when the deadline came.
    pub fn too_slow(self) -> Verdict {
        self.reject(Rejection::BodyTimeout, Connection::Close)
    }

    /// The body broke off.
    pub fn interrupted(self) -> Verdict {
        self.reject(Rejection::MalformedCallback, Connection::Close)
    }

    /// Verifies the callback whose whole body this is; ready by the deadline at the latest.
    pub fn finish(self, body: Bytes) -> BoxFuture<'static, Verdict> {
        Box::pin(async move {
            match self.verify(&body).await {
                Ok(edits) => self.forward(edits),
                Err(rejection) => self.reject(rejection, Connection::Keep),
            }
        })
    }

    async fn verify(&self, body: &[u8]) -> Result<Edits, Rejection> {
        if body.len() > self.limit() {
            return Err(Rejection::BodyTooLarge);
        }
        match Callback::parse(body, &self.gate.0.endpoints)? {
            Callback::Decline(decline) => Ok(Edits::declined(self.gate.names(), decline)),
            Callback::Grant(grant) => {
                let profile = self.fetch(&grant).await?;
                if self.gate.0.requires_active && !profile.is_active {
                    return Err(Rejection::ProfileInactive);
                }
                let identity = Identity::vouch(grant.request_id().clone(), profile);
                let assertion = self.gate.assert(&identity);
                Ok(Edits::verified(self.gate.names(), identity, assertion))
            }
        }
    }

    async fn fetch(&self, grant: &Grant) -> Result<Profile, FetchError> {
        let asked = self.gate.0.clock.now();
        let fetched = self.gate.0.source.fetch(grant, self.deadline());
        let fetched = unless(self.expired(), fetched).await.unwrap_or(Err(FetchError::TimedOut));
        let elapsed = self.gate.0.clock.now() - asked;
        self.gate.observe(Event::Fetch { result: fetched.as_ref().map(drop).map_err(|error| *error), elapsed });
        fetched
    }

    fn deadline(&self) -> Instant {
        self.arrived + self.gate.0.deadline
    }

    fn forward(mut self, edits: Edits) -> Verdict {
        let verified = edits.identity().is_some();
        self.conclude(if verified { Outcome::Verified } else { Outcome::Declined });
        Verdict::Forward(edits)
    }

    fn reject(mut self, rejection: Rejection, connection: Connection) -> Verdict {
        self.conclude(Outcome::Rejected(rejection));
        Verdict::Reply(Reply::reject(rejection, connection))
    }

    fn conclude(&mut self, outcome: Outcome) {
        self.concluded = true;
        let elapsed = self.gate.0.clock.now() - self.arrived;
        self.gate.observe(Event::Callback { outcome, elapsed });
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.concluded {
            self.conclude(Outcome::Abandoned);
        }
    }
}

/// The future's output, unless the other one is ready first.
async fn unless<T>(first: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let (mut first, mut future) = (pin!(first), pin!(future));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => first.as_mut().poll(cx).map(|()| None),
    })
    .await
}
