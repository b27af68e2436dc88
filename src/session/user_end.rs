//! The end of all sessions of a user, in every browser and app.

use std::time::{Duration, SystemTime};

use super::{
    Session, Sessions,
    handler::Handler,
    revocations::{Revocation, UserEnd},
};
use crate::{
    cause::Cause,
    gate::{Event, EventContext, Gate, LoginEvent, RevocationScope},
    profile::PhoneNumber,
    store::StoreError,
};

impl Sessions {
    /// Ends all sessions of a phone number: here at once, and on all gateways with the same store within a second.
    ///
    /// Each session ends whose number was proven before, also in a login that is still being verified. A user who proves the number
    /// afterwards logs in as usual. `gate` is the gate of these sessions, or another one of the same site.
    ///
    /// # Errors
    ///
    /// When the store cannot be asked. The sessions have ended on this gateway, and the store is told again while the tasks of these
    /// sessions run. Call it again, too: this process may end before the store is back.
    pub async fn end_user(&self, gate: &Gate, phone: &PhoneNumber) -> Result<(), StoreError> {
        let (handler, phone) = (self.handler(gate), phone.clone());
        let owned = handler.owned();
        // It goes on even if the caller leaves.
        let ended = handler.begin(async move {
            let handler = owned.borrow();
            let ended = handler.end_user(&phone, None).await;
            let context = EventContext { user: Some(&phone), ..EventContext::default() };
            handler.gate.observe_in(Event::Revocation(RevocationScope::User), &context);
            handler.gate.observe_in(Event::Login(LoginEvent::Revoked), &context);
            ended
        });
        match ended.await {
            Ok(ended) => ended,
            Err(told) => told.await.unwrap_or_else(|_| Err(Cause::Other.into())),
        }
    }
}

impl Handler<'_> {
    /// Ends all sessions of a user that were proven by now. One of them may be dated later, if a clock was set back since.
    pub(super) async fn end_user(&self, phone: &PhoneNumber, one: Option<&Session>) -> Result<(), StoreError> {
        let now = self.gate.clock().now();
        let end_by = |store_time: SystemTime| {
            let later = |date: SystemTime, other: Option<SystemTime>| other.map_or(date, |other| date.max(other));
            let proven_by = later(store_time, one.and_then(Session::proven_at));
            let issued_by = later(self.gate.clock().wall().max(proven_by), one.map(Session::issued_at));
            let until = issued_by.checked_add(self.longest_session()).unwrap_or(issued_by);
            Revocation::user(phone, &UserEnd { issued_by, proven_by, until })
        };
        // What is known of the store's time is never late, so nobody loses a later session by it.
        if let Some(known) = self.sessions.store_clock.at(now) {
            self.sessions.memory.revocations.note(end_by(known), now);
        }
        let store_time = self.read_store_time().await;
        let best_known = || self.sessions.store_clock.at(now).unwrap_or_else(|| self.own_date(now));
        let revoked = self.revoke(end_by(store_time.as_ref().map_or_else(|_| best_known(), |time| *time))).await;
        store_time.and(revoked)
    }

    /// How long a session may live whose number is proven by now: it begins when its login ends, at the latest.
    pub(super) fn longest_session(&self) -> Duration {
        self.sessions.lifetime + self.sessions.login_timeout
    }
}
