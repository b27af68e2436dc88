//! The end of a session, on every gateway.

use bytes::Bytes;
use http::{StatusCode, request::Parts};
use url::form_urlencoded;

use super::{
    desk::{Desk, STORE_DEADLINE},
    login::query,
    reply,
    revocation::Revocation,
    standing::Standing,
};
use crate::{
    gate::{Event, LoginEvent, Rejection, Reply},
    session::{ReturnPath, Session},
    store::StoreError,
};

impl Desk {
    /// `POST logout`.
    pub(super) async fn logout(self, head: Parts, form: Bytes) -> Reply {
        let everywhere = query(&head, "everywhere").is_some_and(|everywhere| everywhere == "true");
        let ended = match self.standing(&head.headers).await {
            Standing::Known(session) => self.end_session(&session, everywhere).await,
            Standing::Nobody | Standing::Worthless => Ok(()),
            Standing::Unsure => Err(StoreError::Unavailable),
        };
        let reply = match ended {
            Ok(()) => done(&form),
            Err(StoreError::Unavailable) => self.gate.reject(Rejection::StoreUnavailable),
        };
        // Whatever became of the session: this browser is no longer signed in.
        reply.with_cookies(self.mode.forget())
    }

    /// Has a session ended before its time, here and wherever the store is asked.
    pub(super) async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        let sealed = revocation.seal(&self.mode.sealer);
        self.ask(STORE_DEADLINE, self.mode.store.revoke(sealed, self.mode.lifetime)).await?;
        self.mode.revocations.note(revocation);
        Ok(())
    }

    async fn end_session(&self, session: &Session, everywhere: bool) -> Result<(), StoreError> {
        let (now, lifetime) = (self.gate.0.clock.wall(), self.mode.lifetime);
        self.revoke(Revocation::session(session.id().clone(), session.end(lifetime))).await?;
        if everywhere {
            let until = now.checked_add(lifetime).unwrap_or(now);
            self.revoke(Revocation::user(&session.identity().profile().phone, now, until)).await?;
        }
        self.gate.observe(Event::Login(LoginEvent::LoggedOut));
        Ok(())
    }
}

/// A form wants to be sent on; a script wants nothing.
fn done(form: &[u8]) -> Reply {
    match form_urlencoded::parse(form).find(|(name, _)| name == "next") {
        Some((_, next)) => reply::redirect(StatusCode::SEE_OTHER, ReturnPath::or_root(Some(&next)).as_str()),
        None => Reply::empty(),
    }
}
