//! Requests that outlast a glance: they end with the session in whose name they came.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;

use super::{Mode, Sessions, desk::Desk, revocations::Judgement};
use crate::{
    gate::Gate,
    lease::{Lease, Tenure},
    session::Session,
};

/// The session of a request that goes on.
struct OpenSession {
    desk: Desk,
    session: Session,
    /// When its lifetime is over.
    end: Instant,
}

impl Sessions {
    /// A lease that ends with a session.
    pub(super) fn lease(gate: &Gate, mode: &Arc<Mode>, session: &Session) -> Lease {
        let clock = gate.clock();
        let left = session.end(mode.lifetime).duration_since(clock.wall()).unwrap_or_default();
        let desk = Desk { gate: gate.clone(), mode: Arc::clone(mode) };
        let now = clock.now();
        Lease::new(OpenSession { desk, session: session.clone(), end: now.checked_add(left).unwrap_or(now) })
    }
}

impl Tenure for OpenSession {
    fn is_over(&self) -> bool {
        self.desk.gate.clock().now() >= self.end || self.desk.mode.revocations.names(&self.session)
    }

    fn over(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let clock = self.desk.gate.clock();
            while !self.is_over() {
                clock.sleep_until(self.end.min(clock.now() + TICK)).await;
                // Many may be open: what one of them has just asked holds for all.
                let (mode, now) = (&self.desk.mode, clock.now());
                let judgement = match mode.revocations.judge(&self.session, now, mode.revocation_grace) {
                    Some(judgement) => judgement,
                    None => self.desk.judge_afresh(&self.session).await,
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
