//! The actions that the gate asks an edge to take.

use std::fmt;

use futures_core::future::BoxFuture;

use super::{Intake, Reply};
use crate::headers::Edits;

/// The action for a request of which only the head was read.
#[derive(Debug)]
#[must_use = "a request is neither passed on nor answered until its step is taken"]
pub(crate) enum Step {
    /// Pass it on with these edits; its body is none of our business.
    Forward(Edits),
    /// Read the body, then ask again.
    Intake(Intake),
    /// Leave the body where it is, and ask again.
    Lookup(Lookup),
    /// Answer it.
    Reply(Reply),
}

/// A request that cannot be decided by what this gate remembers: it has to ask, or to wait.
///
/// Dropping it, or the future of [`finish`](Self::finish), abandons the request and leaves nothing behind.
#[must_use = "nothing becomes of a request that is not looked up"]
pub(crate) struct Lookup(pub(super) BoxFuture<'static, Verdict>);

/// A method of [`Intake`] that gives the verdict for a body that could not be read to its end.
pub(crate) type Failure = fn(Intake) -> Verdict;

/// What to do with a request that was read, or looked up.
#[derive(Debug)]
#[must_use = "a request is neither passed on nor answered until its verdict is carried out"]
pub(crate) enum Verdict {
    /// Pass it on, with these edits and its body, be it read or not.
    Forward(Edits),
    /// Answer it.
    Reply(Reply),
}

impl Lookup {
    /// Asks, and waits where the request asks for that.
    pub(crate) fn finish(self) -> BoxFuture<'static, Verdict> {
        self.0
    }
}

impl From<Verdict> for Step {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Forward(edits) => Self::Forward(edits),
            Verdict::Reply(reply) => Self::Reply(reply),
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").finish_non_exhaustive()
    }
}
