//! Requests that outlast a glance: they end with the session in whose name they came.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;

use super::{Inner, handler::Handler, revocations::Judgement};
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
            let (clock, sessions) = (self.gate.clock(), &self.sessions);
            while !self.is_over() {
                clock.sleep_until(self.end.min(clock.now() + TICK)).await;
                // Many may be open: what one of them has just asked holds for all.
                let judgement = sessions.revocations.judge(&self.session, clock.now(), sessions.revocation_grace);
                let judgement = match judgement {
                    Some(judgement) => judgement,
                    None => Handler { gate: &self.gate, sessions }.judge_afresh(&self.session).await,
                };
                if judgement != Judgement::Alive {
                    return;
                }
            }
        })
    }
}

/// How often an open request looks whether its session goes on. What it sees is 300 ms old at most, so a logout elsewhere is
/// known by the second look, and a store is waited for 400 ms: less than two seconds together.
const TICK: Duration = Duration::from_millis(600);
