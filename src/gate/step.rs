//! What the gate asks of an edge.

use super::{Intake, Reply};
use crate::headers::Edits;

/// What to do with a request, by its head alone.
#[derive(Debug)]
#[must_use = "a request is neither passed on nor answered until its step is taken"]
pub enum Step {
    /// Pass it on with these edits; its body is none of our business.
    Forward(Edits),
    /// Read the body, then ask again.
    Intake(Intake),
    /// Answer it.
    Reply(Reply),
}

/// What an intake is told of a body that was not read to its end: one of its methods.
pub type Failure = fn(Intake) -> Verdict;

/// What to do with a callback whose body was read.
#[derive(Debug)]
#[must_use = "a callback is neither passed on nor answered until its verdict is carried out"]
pub enum Verdict {
    /// Pass it on, with these edits and the body as it was read.
    Forward(Edits),
    /// Answer it.
    Reply(Reply),
}
