//! Requests that outlast a glance: they end with the session in whose name they came.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;

use super::{Inner, handler::Handler, revocations::Validity};
use crate::{
    gate::Gate,
    lease::{Lease, Tenure},
    session::Session,
};

/// The session of a request that goes on.
struct OpenSession {
    gate: Gate,
    sessions: Arc<Inner>,
    session: Session,
    /// When its lifetime is over.
    end: Instant,
}

impl Handler<'_> {
    /// A lease that ends with a session.
    pub(super) fn lease(&self, session: &Session) -> Lease {
        let clock = self.gate.clock();
        let left = session.end(self.sessions.lifetime).duration_since(clock.wall()).unwrap_or_default();
        let (gate, sessions, now) = (self.gate.clone(), Arc::clone(self.sessions), clock.now());
        Lease::new(OpenSession { gate, sessions, session: session.clone(), end: now.checked_add(left).unwrap_or(now) })
    }
}

impl Tenure for OpenSession {
    fn is_over(&self) -> bool {
        self.gate.clock().now() >= self.end || self.sessions.revocations.names(&self.session)
    }

    fn over(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let clock = self.gate.clock();
            while !self.is_over() {
                clock.sleep_until(self.end.min(clock.now() + TICK)).await;
                let handler = Handler { gate: &self.gate, sessions: &self.sessions };
                if handler.check(&self.session).await != Validity::Valid {
                    return;
                }
            }
        })
    }
}

/// How often an open request looks whether its session goes on. What is known is a second old at most, so a logout elsewhere ends
/// the request within two seconds.
const TICK: Duration = Duration::from_millis(600);
