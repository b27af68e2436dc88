//! A request whose body the gate has to read, and what becomes of it once it is whole.

use std::time::Instant;

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{Connection, Event, Gate, Outcome, Rejection, Reply, Verdict, plugin::FormHandler};
use crate::callback::Callback;

/// A request whose body the edge has yet to read.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the request and leaves nothing behind.
#[must_use = "nothing becomes of a request until its body is handed over"]
pub struct Intake {
    pub(super) gate: Gate,
    arrived: Instant,
    handler: BodyHandler,
    concluded: bool,
}

/// What becomes of the body.
pub(super) enum BodyHandler {
    /// A callback that goes on to the upstream once it is verified.
    Verify,
    /// A callback that ends here.
    Callback(CallbackHandler),
    /// A form for a route of truegate's own.
    Form(FormHandler),
}

/// Takes a well-formed callback with its original body. It may be answered once the future is ready.
pub(crate) type CallbackHandler =
    Box<dyn FnOnce(Callback, Bytes) -> BoxFuture<'static, Result<(), Rejection>> + Send + Sync>;

impl Intake {
    pub(super) fn begin(gate: Gate, handler: BodyHandler) -> Self {
        let arrived = gate.0.clock.now();
        Self { gate, arrived, handler, concluded: false }
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
        let rejection = match self.handler {
            BodyHandler::Form(_) => Rejection::MalformedRequest,
            BodyHandler::Verify | BodyHandler::Callback(_) => Rejection::MalformedCallback,
        };
        self.reject(rejection, Connection::Close)
    }

    /// Decides by the whole body; a callback's verdict is ready by the deadline at the latest.
    pub fn finish(mut self, body: Bytes) -> BoxFuture<'static, Verdict> {
        Box::pin(async move {
            if body.len() > self.limit() {
                return self.reject(Rejection::BodyTooLarge, Connection::Keep);
            }
            match std::mem::replace(&mut self.handler, BodyHandler::Verify) {
                BodyHandler::Verify => match self.verify(&body).await {
                    Ok(edits) => {
                        let verified = edits.identity().is_some();
                        self.conclude(if verified { Outcome::Verified } else { Outcome::Declined });
                        Verdict::Forward(edits)
                    }
                    Err(rejection) => self.reject(rejection, Connection::Keep),
                },
                BodyHandler::Callback(take) => {
                    let taken = match Callback::parse(&body, &self.gate.0.endpoints) {
                        Ok(callback) => take(callback, body).await,
                        Err(error) => Err(error.into()),
                    };
                    match taken {
                        Ok(()) => {
                            self.conclude(Outcome::Acknowledged);
                            Verdict::Reply(Reply::empty())
                        }
                        Err(rejection) => self.reject(rejection, Connection::Keep),
                    }
                }
                BodyHandler::Form(answer) => {
                    self.concluded = true;
                    drop(self);
                    Verdict::Reply(answer(body).await)
                }
            }
        })
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
        match (&self.handler, outcome) {
            (BodyHandler::Form(_), Outcome::Rejected(rejection)) => self.gate.observe(Event::Refusal(rejection)),
            (BodyHandler::Form(_), _) => {}
            (BodyHandler::Verify | BodyHandler::Callback(_), outcome) => {
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
