//! The servers to which one request may still be sent.

use std::sync::Arc;

use pingora_core::protocols::l4::socket::SocketAddr;
use smallvec::SmallVec;

use super::server::Server;

/// The servers to which one request was sent, and the one that it is sent to again.
#[derive(Default)]
pub(in crate::gateway) struct Attempts {
    /// Those that were tried; the last is the one in use.
    tried: SmallVec<[Arc<Server>; 1]>,
    /// Whether the last is tried once more.
    retry: Retry,
    /// Whether the request was sent to a second server.
    moved_on: bool,
}

/// Whether a server is tried once more, on a new connection.
#[derive(Default, PartialEq, Eq)]
enum Retry {
    /// Not yet.
    #[default]
    None,
    /// It is the next thing to do.
    Planned,
    /// It was, so it is not tried a third time.
    Done,
}

impl Attempts {
    /// Plans to send the request again after the connection to a server was lost. Returns whether it may be sent again.
    ///
    /// The app may close a kept connection at any time, so the same server is tried once more.
    pub(super) fn plan_retry(&mut self, was_reused: bool, are_left: impl FnOnce(&Self) -> bool) -> bool {
        if was_reused && self.retry == Retry::None {
            self.retry = Retry::Planned;
            return true;
        }
        if self.moved_on || !are_left(self) {
            return false;
        }
        self.moved_on = true;
        true
    }

    /// The server that is tried once more, if one is.
    pub(super) fn take_retry(&mut self) -> Option<&Arc<Server>> {
        if self.retry != Retry::Planned {
            return None;
        }
        self.retry = Retry::Done;
        self.tried.last()
    }

    /// Notes the server that is tried now.
    pub(super) fn note(&mut self, server: Arc<Server>) {
        self.retry = Retry::None;
        self.tried.push(server);
    }

    /// The server in use.
    pub(super) fn current(&self) -> Option<&Server> {
        self.tried.last().map(|server| &**server)
    }

    /// The address of the server in use.
    pub(in crate::gateway) fn address(&self) -> Option<&SocketAddr> {
        self.current().map(|server| &server.address)
    }

    /// Whether a server was tried.
    pub(super) fn have_tried(&self, server: &Server) -> bool {
        self.tried.iter().any(|tried| std::ptr::eq(&**tried, server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};

    fn server() -> Arc<Server> {
        Arc::new(Server::new(0, SocketAddr::Inet(([127, 0, 0, 1], 1).into()), ManualClock::default().now()))
    }

    #[test]
    fn a_request_is_sent_again_to_the_same_server_then_to_the_next_and_no_further() {
        let mut kept = Attempts::default();
        let (first, second) = (server(), server());
        kept.note(Arc::clone(&first));
        assert!(kept.plan_retry(true, |_| true));
        assert!(kept.take_retry().is_some_and(|again| Arc::ptr_eq(again, &first)));
        assert!(kept.take_retry().is_none(), "once");
        assert!(kept.plan_retry(true, |_| true), "a connection that was just made is not one that was kept");
        assert!(kept.take_retry().is_none());
        kept.note(Arc::clone(&second));
        assert!(kept.have_tried(&first) && kept.have_tried(&second));
        assert!(!kept.plan_retry(false, |_| true));

        let mut fresh = Attempts::default();
        fresh.note(server());
        assert!(fresh.plan_retry(false, |_| true) && fresh.take_retry().is_none());
        let mut sole = Attempts::default();
        sole.note(server());
        assert!(!sole.plan_retry(false, |_| false), "there is no other server");
    }
}
