//! The session of a verified login, which its browser gets once it asks.

use http::{HeaderValue, request::Parts};

use super::{
    cookie_owners::is_same_user,
    handler::Handler,
    revocations::{Revocation, Validity},
};
use crate::{
    callback::RequestId,
    gate::{Event, EventContext, RevocationScope},
    session::{SealPurpose, Session},
    store::{Login, LoginState},
};

impl Handler<'_> {
    /// Returns the lines that give a browser the session of its login: always the same one, however often it asks. There are none
    /// for a session that has ended.
    pub(super) async fn hand_over(&self, head: &Parts, session: &Session) -> Option<Vec<HeaderValue>> {
        if self.check(session).await == Validity::Revoked {
            return None;
        }
        Some(self.hand_over_valid(head, session).await)
    }

    /// Returns the lines that give a browser the session of its newest login, if that is verified.
    ///
    /// Unlike a script, which asks while it waits, a page may come at any time: a session that is over stays so.
    pub(super) async fn hand_over_newest(&self, head: &Parts) -> Option<Vec<HeaderValue>> {
        let browser = self.browser(&head.headers)?;
        let login = self.login_of(&browser, None).await.ok()??;
        let session = self.verified_by(&login).await?;
        Some(self.hand_over_valid(head, &session).await)
    }

    /// Ends the sessions that the browser had before, and returns the lines that give it this one, which must not have ended.
    async fn hand_over_valid(&self, head: &Parts, session: &Session) -> Vec<HeaderValue> {
        let now = self.gate.clock().wall();
        let cookie = self.cookie(&session.renewed(now), now);
        let changes = self.replaces(head, session).await;
        let expired = if changes { self.expire_others(session, (&head.headers).into()) } else { Vec::new() };
        cookie.into_iter().chain(expired).collect()
    }

    /// Returns the session that a login was verified with, if its browser can still get it on this host.
    pub(super) async fn verified_by(&self, login: &Login) -> Option<Session> {
        let LoginState::Verified(sealed) = &login.state else { return None };
        let session = self.verified_session(&login.request_id, sealed)?;
        let is_past = self.sessions.is_past(&session, self.gate.clock().wall());
        let is_over = is_past || self.realm().is_none() || self.check(&session).await == Validity::Revoked;
        (!is_over).then_some(session)
    }

    /// Opens the session that a login was verified with.
    pub(super) fn verified_session(&self, request_id: &RequestId, sealed: &[u8]) -> Option<Session> {
        Session::from_bytes(&self.sessions.sealer.open(SealPurpose::Login(request_id), sealed)?)
    }

    /// Ends the sessions that the browser had before, and tells whether its user changes by that.
    async fn replaces(&self, head: &Parts, session: &Session) -> bool {
        let sent = self.sent_sessions(&head.headers).await;
        for before in sent.iter().map(|opened| opened.session()).filter(|before| before.id() != session.id()) {
            let identity = before.identity();
            let (user, method) = (Some(&identity.profile().phone), Some(identity.method()));
            let context = EventContext { user, method, ..EventContext::of(&head.extensions) };
            self.gate.observe_in(Event::Revocation(RevocationScope::Session), &context);
            // If the store fails now, the old cookie is gone from the browser all the same.
            let _ = self.revoke(Revocation::session(before.id().clone(), before.end(self.sessions.lifetime))).await;
            self.drop_opened(&head.headers);
        }
        sent.is_empty() || !sent.iter().all(|before| is_same_user(before.session(), session))
    }
}
