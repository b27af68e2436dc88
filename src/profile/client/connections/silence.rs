//! A connection that the network has lost, and that nobody was told of.

use std::{mem, time::Instant};

use super::Connections;

/// A request on the HTTP/2 connection that is not answered yet.
///
/// A connection that the network has lost says nothing until pings time out. So the first request that waits in vain until its
/// deadline, while no other is answered, gives the connection up for all.
pub(super) struct Silence<'a> {
    connections: &'a Connections,
    signs_of_life: u64,
    deadline: Instant,
}

impl<'a> Silence<'a> {
    pub(super) fn begin(connections: &'a Connections, deadline: Instant) -> Self {
        Self { connections, signs_of_life: connections.state().signs_of_life, deadline }
    }

    /// The request is answered, or has failed by itself.
    pub(super) fn end(self) {
        self.connections.state().signs_of_life += 1;
        mem::forget(self);
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let is_over = self.connections.clock.now() >= self.deadline;
        let mut state = self.connections.state();
        if is_over && state.signs_of_life == self.signs_of_life {
            state.shared = None;
        }
    }
}
