//! The state of a browser's session, which its cookie and the known logouts decide, and the time that its requests may last.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, request::Parts};
use serde::Serialize;

use super::{
    SharedSessions,
    handler::{Handler, OwnedHandler},
    opened::OpenedSession,
    reply,
    revocations::Validity,
};
use crate::{
    gate::{Rejection, Reply},
    lease::{Lease, SessionEnd},
    session::{
        SealPurpose, Session,
        cookies::{CookieValue, OwnCookie},
    },
};

/// The state of a browser's session.
pub(super) enum SessionState {
    /// The browser has no cookie, or one that was not sealed here and may be another gateway's.
    Absent,
    /// The browser has the cookie of a session that is over.
    Invalid,
    Valid(Arc<OpenedSession>),
    /// The store has been silent for so long that it is unknown whether the session has ended.
    Unknown(Arc<OpenedSession>),
}

/// A session that the store has to be asked about.
pub(super) struct Pending(Arc<OpenedSession>);

impl Handler<'_> {
    /// The state of a browser's session, as far as it is known without waiting.
    pub(super) fn state_so_far(&self, headers: &HeaderMap) -> Result<SessionState, Pending> {
        let (sessions, clock) = (self.sessions, self.gate.clock());
        let CookieValue::One(sealed) = sessions.cookies.find(OwnCookie::Session, headers) else {
            return Ok(SessionState::Absent);
        };
        let found = sessions.opened.find(sealed);
        let is_new = found.is_none();
        let opened = match found {
            Some(opened) => opened,
            None => {
                let Some(bytes) = sessions.sealer.open_text(SealPurpose::Session, sealed) else {
                    return Ok(SessionState::Absent);
                };
                let Some(opened) = OpenedSession::read(&bytes, self.gate.names()) else {
                    return Ok(SessionState::Invalid);
                };
                opened
            }
        };
        let is_over = |session: &Session| session.time_left(sessions.lifetime, sessions.idle, clock.wall()).is_none();
        let now = clock.now();
        let validity = if is_over(&opened) {
            Some(Validity::Revoked)
        } else {
            sessions.revocations.check(&opened, now, sessions.revocation_grace)
        };
        if validity == Some(Validity::Revoked) {
            sessions.opened.forget(sealed);
        } else if is_new {
            sessions.opened.keep(sealed, &opened, now, |other| is_over(other) || sessions.revocations.names(other));
        }
        match validity {
            Some(validity) => Ok(SessionState::of(opened, validity)),
            None => Err(Pending(opened)),
        }
    }

    /// The state of a browser's session.
    pub(super) async fn state(&self, headers: &HeaderMap) -> SessionState {
        match self.state_so_far(headers) {
            Ok(state) => state,
            Err(pending) => self.settle(pending).await,
        }
    }

    /// The state of a session that the store has to be asked about.
    pub(super) async fn settle(&self, Pending(session): Pending) -> SessionState {
        let validity = self.check(&session).await;
        SessionState::of(session, validity)
    }

    /// The line that keeps a session's cookie fresh, if it is time for that.
    pub(super) fn renewal(&self, session: &Session) -> Option<HeaderValue> {
        let now = self.gate.clock().wall();
        let age = now.duration_since(session.last_seen()).unwrap_or_default();
        (age >= self.sessions.idle / 10).then(|| self.sessions.cookie(&session.renewed(now), now))
    }

    /// A lease that ends with a session.
    pub(super) fn lease(&self, session: &Arc<OpenedSession>) -> Lease {
        let clock = self.gate.clock();
        let left = session.end(self.sessions.lifetime).duration_since(clock.wall()).unwrap_or_default();
        let (handler, now) = (self.owned(), clock.now());
        Lease::new(OpenSession { handler, session: Arc::clone(session), end: now.checked_add(left).unwrap_or(now) })
    }

    /// `GET me`.
    pub(super) async fn me(&self, head: &Parts) -> Reply {
        match self.state(&head.headers).await {
            SessionState::Valid(session) => {
                let me = MeAnswer::of(&session, session.end_text(self.sessions.lifetime));
                reply::json(StatusCode::OK, &me).with_cookies(self.renewal(&session))
            }
            SessionState::Absent => self.gate.reject(Rejection::NotSignedIn),
            SessionState::Invalid => self.gate.reject(Rejection::NotSignedIn).with_cookies(self.sessions.forget("/")),
            SessionState::Unknown(_) => self.gate.reject(Rejection::StoreUnavailable),
        }
    }
}

impl SessionState {
    fn of(session: Arc<OpenedSession>, validity: Validity) -> Self {
        match validity {
            Validity::Valid => Self::Valid(session),
            Validity::Revoked => Self::Invalid,
            Validity::Unknown => Self::Unknown(session),
        }
    }
}

impl SharedSessions {
    /// The line that gives a browser its session.
    pub(super) fn cookie(&self, session: &Session, now: SystemTime) -> HeaderValue {
        let left = session.time_left(self.lifetime, self.idle, now).unwrap_or_default();
        let sealed = self.sealer.seal_text(SealPurpose::Session, &session.to_bytes(), &self.random);
        self.cookies.set(OwnCookie::Session, &sealed, left)
    }

    /// The lines that take a browser's session away, and what the app remembers of it, after a request for a path.
    pub(super) fn forget<'a>(&'a self, path: &'a str) -> impl Iterator<Item = HeaderValue> + 'a {
        std::iter::once(self.cookies.clear(OwnCookie::Session)).chain(self.expire_cookies(path))
    }
}

/// The session of a request that goes on.
struct OpenSession {
    handler: OwnedHandler,
    session: Arc<OpenedSession>,
    /// When its lifetime is over.
    end: Instant,
}

impl SessionEnd for OpenSession {
    fn is_over(&self) -> bool {
        let handler = self.handler.borrow();
        handler.gate.clock().now() >= self.end || handler.sessions.revocations.names(&self.session)
    }

    fn over(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let handler = self.handler.borrow();
            let clock = handler.gate.clock();
            while !self.is_over() {
                clock.sleep_until(self.end.min(clock.now() + TICK)).await;
                if handler.check(&self.session).await != Validity::Valid {
                    return;
                }
            }
        })
    }
}

/// The answer of `GET me`: the user, for pages that greet them.
#[derive(Serialize)]
struct MeAnswer<'a> {
    phone: &'a str,
    user_id: Option<&'a str>,
    name: Option<String>,
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    country: Option<&'a str>,
    expires_at: Option<String>,
}

impl<'a> MeAnswer<'a> {
    fn of(session: &'a Session, expires_at: Option<String>) -> Self {
        let profile = session.identity().profile();
        Self {
            phone: profile.phone.as_str(),
            user_id: profile.user_id.as_deref(),
            name: profile.name(),
            given_name: profile.given_name.as_deref(),
            family_name: profile.family_name.as_deref(),
            country: profile.country.as_deref(),
            expires_at,
        }
    }
}

/// How often an open request looks whether its session goes on. What is known is a second old at most, so a logout elsewhere ends
/// the request within two seconds.
const TICK: Duration = Duration::from_millis(600);
