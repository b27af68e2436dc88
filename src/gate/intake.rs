//! Requests whose bodies the gate needs, and the verdicts on them.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{ConnectionReuse, Event, FetchOutcome, Gate, ReadFailure, Rejection, Reply, Verdict};
use crate::{
    callback::Grant,
    profile::{FetchError, Profile, ProfileFuture},
};

/// A request whose body the edge is yet to read.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the request and leaves nothing behind.
#[must_use = "nothing becomes of a request until its body is handed over"]
pub(crate) struct Intake {
    pub(super) gate: Gate,
    arrived: Instant,
    handler: Box<dyn BodyHandler>,
    concluded: bool,
}

/// Decides about a request by its body.
pub(crate) trait BodyHandler: Send + Sync {
    /// Decides by the whole body. The verdict is due at the deadline. Dropping the future abandons the request.
    fn decide<'a>(
        &'a mut self,
        gate: &'a Gate,
        body: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Verdict, Rejection>>;

    /// The reason to refuse a body that broke off.
    fn broken_off(&self) -> Rejection {
        Rejection::MalformedRequest
    }

    /// Tells the observer how the request has ended, which happens once.
    fn conclude(&self, gate: &Gate, end: IntakeEnd, elapsed: Duration);
}

/// How a request whose body the gate needs has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntakeEnd {
    /// With the verdict of its handler.
    Decided,
    Rejected(Rejection),
    /// The client went away before the end.
    Abandoned,
}

impl Intake {
    pub(super) fn begin(gate: Gate, handler: Box<dyn BodyHandler>) -> Self {
        let arrived = gate.0.clock.now();
        Self { gate, arrived, handler, concluded: false }
    }

    /// Answers a request whose head is reason enough to refuse it.
    pub(super) fn refuse(mut self, rejection: Rejection) -> Reply {
        self.conclude(IntakeEnd::Rejected(rejection));
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
        let rejection = match failure {
            ReadFailure::TooLarge => Rejection::BodyTooLarge,
            ReadFailure::TooSlow => Rejection::BodyTimeout,
            ReadFailure::Interrupted => self.handler.broken_off(),
        };
        self.reject(rejection, ConnectionReuse::Close)
    }

    /// Decides by the whole body. Unless it is a form, the verdict is ready by the deadline at the latest.
    pub(crate) fn finish(mut self, body: Bytes) -> BoxFuture<'static, Verdict> {
        Box::pin(async move {
            if body.len() > self.limit() {
                return self.reject(Rejection::BodyTooLarge, ConnectionReuse::Keep);
            }
            let deadline = self.deadline();
            match self.handler.decide(&self.gate, body, deadline).await {
                Ok(verdict) => {
                    self.conclude(IntakeEnd::Decided);
                    verdict
                }
                Err(rejection) => self.reject(rejection, ConnectionReuse::Keep),
            }
        })
    }

    fn deadline(&self) -> Instant {
        self.arrived + self.gate.0.deadline
    }

    fn reject(mut self, rejection: Rejection, connection: ConnectionReuse) -> Verdict {
        self.conclude(IntakeEnd::Rejected(rejection));
        Verdict::Reply(Reply::reject(rejection, connection))
    }

    fn conclude(&mut self, end: IntakeEnd) {
        self.concluded = true;
        let elapsed = self.gate.0.clock.now() - self.arrived;
        self.handler.conclude(&self.gate, end, elapsed);
    }
}

impl Gate {
    /// Fetches the profile that a grant gives access to, or gives up at the deadline.
    pub(crate) async fn fetch(&self, grant: &Grant, deadline: Instant) -> Result<Profile, FetchError> {
        self.await_profile(self.0.source.fetch(grant, deadline), deadline).await
    }

    /// Waits for a profile that was asked for, or gives up at the deadline.
    pub(crate) async fn await_profile(
        &self,
        fetched: ProfileFuture<'_>,
        deadline: Instant,
    ) -> Result<Profile, FetchError> {
        let asked = self.0.clock.now();
        let fetched = self.by(deadline, fetched).await.unwrap_or(Err(FetchError::TimedOut));
        let elapsed = self.0.clock.now() - asked;
        self.observe(Event::Fetch { outcome: FetchOutcome::of(&fetched), elapsed });
        fetched
    }

    /// Refuses a profile that is not active, if this gate accepts active profiles only.
    pub(crate) fn check_active(&self, profile: &Profile) -> Result<(), Rejection> {
        if self.0.requires_active && !profile.is_active { Err(Rejection::ProfileInactive) } else { Ok(()) }
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
            self.conclude(IntakeEnd::Abandoned);
        }
    }
}
