//! The actions that the gate asks an edge to take.

use futures_core::future::BoxFuture;

use super::{Intake, Reply};
use crate::headers::Edits;

/// The action for a request of which only the head was read.
#[must_use = "a request is neither passed on nor answered until its step is taken"]
pub(crate) enum Step {
    /// Pass it on with these edits, and leave the body as it is.
    Forward(Edits),
    /// Read the body, then ask again.
    Read(Intake),
    /// Leave the body where it is, and wait for the verdict: it takes a question to the store, or an event.
    ///
    /// Dropping the future abandons the request and leaves nothing behind.
    Wait(BoxFuture<'static, Verdict>),
    /// Answer it.
    Reply(Reply),
}

/// The action for a request that was read, or waited for.
#[must_use = "a request is neither passed on nor answered until its verdict is carried out"]
pub(crate) enum Verdict {
    /// Pass it on with these edits and its body, whether that was read or not.
    Forward(Edits),
    /// Answer it.
    Reply(Reply),
}

/// The reason why a body could not be read to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadFailure {
    /// It is larger than the limit.
    TooLarge,
    /// It was not whole when the deadline came.
    TooSlow,
    /// It broke off.
    Interrupted,
}

impl From<Verdict> for Step {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Forward(edits) => Self::Forward(edits),
            Verdict::Reply(reply) => Self::Reply(reply),
        }
    }
}
