//! The end of a session, on every gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

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
    session::{ReturnPath, Session, cookies::Kind},
    store::StoreError,
};

impl Desk {
    /// `POST logout`.
    pub(super) async fn logout(self, head: Parts, form: Bytes) -> Reply {
        let everywhere = query(&head, "everywhere").is_some_and(|everywhere| everywhere == "true");
        let standing = self.standing(&head.headers).await;
        // A cookie that was not sealed here may be another gateway's.
        let forgets = !matches!(standing, Standing::Nobody);
        let ended = match standing {
            Standing::Known(session) | Standing::Unsure(session) => self.end_session(&session, everywhere).await,
            Standing::Nobody | Standing::Worthless => Ok(()),
        };
        let reply = match ended {
            Ok(()) => done(&form),
            Err(StoreError::Unavailable(_)) => self.gate.reject(Rejection::StoreUnavailable),
        };
        // Whatever became of the session: this browser is no longer signed in.
        let cleared = forgets.then(|| self.mode.cookies.clear(Kind::Session));
        reply.with_cookies(cleared.into_iter().chain(self.mode.expire_cookies("/")))
    }

    /// Has a session ended before its time: here at once, and wherever the store is asked once it has heard of it.
    pub(super) async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        let sealed = revocation.seal(&self.mode.sealer);
        self.mode.revocations.note(revocation);
        let told = self.tell(&sealed).await;
        if told.is_err() {
            let untold = Untold::count(&self.mode.untold);
            self.mode.tasks.spawn(Box::pin(self.clone().tell_again(sealed, untold)));
        }
        told
    }

    async fn tell(&self, sealed: &Bytes) -> Result<(), StoreError> {
        self.ask(STORE_DEADLINE, self.mode.store.revoke(sealed.clone(), self.mode.lifetime)).await
    }

    /// Tells the store again and again, for as long as it matters.
    async fn tell_again(self, sealed: Bytes, _untold: Untold) {
        let clock = &self.gate.0.clock;
        let end = clock.now() + self.mode.lifetime;
        while clock.now() < end {
            clock.sleep_until(clock.now() + PAUSE).await;
            if self.tell(&sealed).await.is_ok() {
                return;
            }
        }
    }

    async fn end_session(&self, session: &Session, everywhere: bool) -> Result<(), StoreError> {
        let (now, lifetime) = (self.gate.0.clock.wall(), self.mode.lifetime);
        let one = self.revoke(Revocation::session(session.id().clone(), session.end(lifetime))).await;
        let all = if everywhere {
            let until = now.checked_add(lifetime).unwrap_or(now);
            self.revoke(Revocation::user(&session.identity().profile().phone, now, until)).await
        } else {
            Ok(())
        };
        self.gate.observe(Event::Login(LoginEvent::LoggedOut));
        one.and(all)
    }
}

/// A revocation that the store has not heard of yet; it counts until it is dropped.
struct Untold(Arc<AtomicUsize>);

impl Untold {
    fn count(untold: &Arc<AtomicUsize>) -> Self {
        untold.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(untold))
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A form wants to be sent on; a script wants nothing.
fn done(form: &[u8]) -> Reply {
    match form_urlencoded::parse(form).find(|(name, _)| name == "next") {
        Some((_, next)) => reply::redirect(StatusCode::SEE_OTHER, ReturnPath::or_root(Some(&next)).as_str()),
        None => Reply::empty(),
    }
}

/// How long to wait before the store is told again.
const PAUSE: Duration = Duration::from_secs(1);
