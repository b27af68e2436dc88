//! A request whose body the gate has to read, and what becomes of it once it is whole.

use std::time::Instant;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::request::Parts;

use super::{Connection, Event, Gate, Outcome, Rejection, Reply, Verdict, session_mode::Posted};
use crate::callback::Callback;

/// A request whose body the edge has yet to read.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the request and leaves nothing behind.
#[must_use = "nothing becomes of a request until its body is handed over"]
pub struct Intake {
    pub(super) gate: Gate,
    arrived: Instant,
    errand: Errand,
    concluded: bool,
}

/// What the body is read for.
pub(super) enum Errand {
    /// A callback that goes on to the upstream once it is verified.
    Verify,
    /// A callback that is answered at once, and verified afterwards.
    Acknowledge(Box<Parts>),
    /// A form for a route of truegate's own.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions have such routes"))]
    Form(Form),
}

/// Answers a form by its body.
pub(super) type Form = Box<dyn FnOnce(Bytes) -> BoxFuture<'static, Verdict> + Send + Sync>;

impl Intake {
    pub(super) fn begin(gate: Gate, errand: Errand) -> Self {
        let arrived = gate.0.clock.now();
        Self { gate, arrived, errand, concluded: false }
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

    /// A future that is ready when the deadline of the whole intake has come.
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
        let rejection = match self.errand {
            Errand::Form(_) => Rejection::MalformedRequest,
            Errand::Verify | Errand::Acknowledge(_) => Rejection::MalformedCallback,
        };
        self.reject(rejection, Connection::Close)
    }

    /// Decides by the whole body; a callback's verdict is ready by the deadline at the latest.
    pub fn finish(mut self, body: Bytes) -> BoxFuture<'static, Verdict> {
        Box::pin(async move {
            if body.len() > self.limit() {
                return self.reject(Rejection::BodyTooLarge, Connection::Keep);
            }
            match std::mem::replace(&mut self.errand, Errand::Verify) {
                Errand::Verify => match self.verify(&body).await {
                    Ok(edits) => {
                        let verified = edits.identity().is_some();
                        self.conclude(if verified { Outcome::Verified } else { Outcome::Declined });
                        Verdict::Forward(edits)
                    }
                    Err(rejection) => self.reject(rejection, Connection::Keep),
                },
                Errand::Acknowledge(head) => match self.acknowledge(Posted { head, body }).await {
                    Ok(()) => {
                        self.conclude(Outcome::Acknowledged);
                        Verdict::Reply(Reply::empty())
                    }
                    Err(rejection) => self.reject(rejection, Connection::Keep),
                },
                Errand::Form(answer) => {
                    self.concluded = true;
                    drop(self);
                    answer(body).await
                }
            }
        })
    }

    async fn acknowledge(&self, posted: Posted) -> Result<(), Rejection> {
        let callback = Callback::parse(&posted.body, &self.gate.0.endpoints)?;
        let sessions = self.gate.sessions().expect("only a gate with sessions acknowledges");
        sessions.acknowledge(&self.gate, callback, posted).await
    }

    pub(super) fn deadline(&self) -> Instant {
        self.arrived + self.gate.0.deadline
    }

    fn reject(mut self, rejection: Rejection, connection: Connection) -> Verdict {
        self.conclude(Outcome::Rejected(rejection));
        Verdict::Reply(Reply::reject(rejection, connection))
    }

    fn conclude(&mut self, outcome: Outcome) {
        self.concluded = true;
        match (&self.errand, outcome) {
            (Errand::Form(_), Outcome::Rejected(rejection)) => self.gate.observe(Event::Refusal(rejection)),
            (Errand::Form(_), _) => {}
            (Errand::Verify | Errand::Acknowledge(_), outcome) => {
                let elapsed = self.gate.0.clock.now() - self.arrived;
                self.gate.observe(Event::Callback { outcome, elapsed });
            }
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.concluded {
            self.conclude(Outcome::Abandoned);
        }
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
