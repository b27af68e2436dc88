//! What remains of a request's body when the request is answered before its end.

use std::time::Duration;

/// How far an edge reads on so that the client, which may send everything before it reads, gets to its answer.
pub(crate) struct Leftover;

impl Leftover {
    /// The bytes that are read at most.
    pub(crate) const LIMIT: usize = 32 << 20;
    /// How long they are waited for at most; nginx's `lingering_time`.
    pub(crate) const TIME: Duration = Duration::from_secs(30);
}
