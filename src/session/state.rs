//! The state of the session of a request, which its cookie or its token and the known logouts decide, and the time that its
//! requests may last.

use std::{
    cell::OnceCell,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use futures_core::future::BoxFuture;
use http::HeaderMap;

use super::{
    SharedSessions,
    carrier::Carrier,
    handler::{Handler, OwnedHandler},
    opened::OpenedSession,
    revocations::Validity,
    token::SentToken,
};
use crate::{
    clock::Clock,
    lease::{Lease, SessionEnd},
    session::{
        Session,
        cookies::{CookieLines, CookieValue},
    },
};

/// The state of the session of a request.
pub(super) enum SessionState {
    /// The browser has no cookie, or one that was not sealed here and may be another gateway's.
    Absent,
    /// The browser has the cookie of a session that is over.
    Invalid,
    /// The request has a token that is worth nothing, and no cookie beside it counts.
    InvalidToken,
    Valid(Arc<OpenedSession>),
    /// The request has the token of one user and the cookie of another.
    Conflicting,
    /// The store has been silent for so long that it is unknown whether the session has ended.
    Unknown,
}

/// A session that the store has to be asked about.
pub(super) struct Pending {
    opened: Arc<OpenedSession>,
    /// The session of another user, whose cookie came with the token of this one.
    other: Option<Arc<OpenedSession>>,
}

/// The present, for one decision about a request: each clock is read once, when it is first needed.
pub(super) struct Present<'a> {
    clock: &'a dyn Clock,
    now: OnceCell<Instant>,
    wall: OnceCell<SystemTime>,
}

impl Present<'_> {
    fn now(&self) -> Instant {
        *self.now.get_or_init(|| self.clock.now())
    }

    pub(super) fn wall(&self) -> SystemTime {
        *self.wall.get_or_init(|| self.clock.wall())
    }
}

impl Handler<'_> {
    pub(super) fn present(&self) -> Present<'_> {
        Present { clock: &**self.gate.clock(), now: OnceCell::new(), wall: OnceCell::new() }
    }

    /// The state of the session of a request, as far as it is known without waiting.
    pub(super) fn known_state(
        &self,
        token: SentToken<'_>,
        cookies: CookieLines<'_>,
        at: &Present<'_>,
    ) -> Result<SessionState, Pending> {
        match token {
            SentToken::Absent => self.known_state_by_cookie(cookies, at),
            SentToken::One(sealed) => self.known_state_by_token(sealed, cookies, at),
            SentToken::Unclear => Ok(SessionState::InvalidToken),
        }
    }

    fn known_state_by_cookie(&self, cookies: CookieLines<'_>, at: &Present<'_>) -> Result<SessionState, Pending> {
        let sealed = match self.session_cookie(cookies) {
            CookieValue::One(sealed) => sealed,
            // Cookies that other hosts of the domain have set would keep the user out for as long as the browser has them.
            CookieValue::Several if self.shares_session() => return Ok(SessionState::Invalid),
            CookieValue::Absent | CookieValue::Several => return Ok(SessionState::Absent),
        };
        match self.look_up(sealed, Carrier::Cookie, at) {
            Ok((opened, Some(validity))) => Ok(SessionState::of(opened, validity)),
            Ok((opened, None)) => Err(Pending { opened, other: None }),
            Err(state) => Ok(state),
        }
    }

    /// The token decides alone. A cookie beside it only must not be another user's: a client that sends both would not know which
    /// of them its request is for.
    fn known_state_by_token(
        &self,
        sealed: &[u8],
        cookies: CookieLines<'_>,
        at: &Present<'_>,
    ) -> Result<SessionState, Pending> {
        let Ok((opened, validity)) = self.look_up(sealed, Carrier::Token, at) else {
            return Ok(SessionState::InvalidToken);
        };
        let other = self.session_of_another(&opened, cookies, at);
        match validity {
            Some(Validity::Valid) if other.is_some() => Ok(SessionState::Conflicting),
            Some(validity) => Ok(SessionState::of(opened, validity)),
            None => Err(Pending { opened, other }),
        }
    }

    /// The session of the cookie of a user with another number, unless that session is known to be over.
    fn session_of_another(
        &self,
        opened: &OpenedSession,
        cookies: CookieLines<'_>,
        at: &Present<'_>,
    ) -> Option<Arc<OpenedSession>> {
        let CookieValue::One(sealed) = self.session_cookie(cookies) else { return None };
        let (other, validity) = self.look_up(sealed, Carrier::Cookie, at).ok()?;
        let [one, another] = [opened, &*other].map(|opened| &opened.session().identity().profile().phone);
        (validity != Some(Validity::Revoked) && one != another).then_some(other)
    }

    /// Opens the session that a request carries, and returns whether it is valid, as far as that is known without waiting.
    fn look_up(
        &self,
        sealed: &[u8],
        carrier: Carrier,
        at: &Present<'_>,
    ) -> Result<(Arc<OpenedSession>, Option<Validity>), SessionState> {
        let found = self.opened_lately(sealed, carrier);
        let is_new = found.is_none();
        let opened = found.map_or_else(|| self.open(sealed, carrier), Ok)?;
        let validity = self.validity(opened.session(), at);
        match validity {
            Some(Validity::Revoked) => self.sessions.opened.forget(sealed),
            _ if is_new => self.sessions.opened.keep(sealed, &opened),
            _ => {}
        }
        Ok((opened, validity))
    }

    /// Whether a session is valid, as far as it is known without waiting. One that is over is as good as revoked.
    fn validity(&self, session: &Session, at: &Present<'_>) -> Option<Validity> {
        let sessions = self.sessions;
        if sessions.is_past(session, at.wall()) {
            return Some(Validity::Revoked);
        }
        sessions.memory.revocations.check(session, at.now(), sessions.revocation_grace)
    }

    /// The state of the session of a request.
    pub(super) async fn state(&self, headers: &HeaderMap) -> SessionState {
        match self.known_state(self.sent_token(headers, &[]), headers.into(), &self.present()) {
            Ok(state) => state,
            Err(pending) => self.settle(pending).await,
        }
    }

    /// The state of a session that the store has to be asked about.
    pub(super) async fn settle(&self, Pending { opened, other }: Pending) -> SessionState {
        let validity = self.check(opened.session()).await;
        match other {
            Some(other) if validity == Validity::Valid && self.check(other.session()).await != Validity::Revoked => {
                SessionState::Conflicting
            }
            _ => SessionState::of(opened, validity),
        }
    }

    /// The sessions that a browser sends and that are not over, as far as it is worth looking at its cookies: another host of a
    /// shared domain may have set one beside the user's.
    pub(super) async fn sent_sessions(&self, headers: &HeaderMap) -> Vec<Arc<OpenedSession>> {
        let mut sent = Vec::new();
        for sealed in self.sessions.cookies.session_values(headers.into()) {
            sent.extend(self.sent_session(sealed, Carrier::Cookie).await);
        }
        sent
    }

    /// A session that a client sends, if it is not over.
    pub(super) async fn sent_session(&self, sealed: &[u8], carrier: Carrier) -> Option<Arc<OpenedSession>> {
        let opened = self.opened_lately(sealed, carrier).or_else(|| self.open(sealed, carrier).ok())?;
        let is_past = self.sessions.is_past(opened.session(), self.gate.clock().wall());
        (!is_past && self.check(opened.session()).await != Validity::Revoked).then_some(opened)
    }

    /// A lease that ends with a session.
    pub(super) fn lease(&self, opened: &Arc<OpenedSession>, at: &Present<'_>) -> Lease {
        let left = opened.session().end(self.sessions.lifetime).duration_since(at.wall()).unwrap_or_default();
        let end = at.now().checked_add(left).unwrap_or(at.now());
        Lease::new(LeasedSession { handler: self.owned(), opened: Arc::clone(opened), end })
    }
}

impl SessionState {
    fn of(opened: Arc<OpenedSession>, validity: Validity) -> Self {
        match (validity, opened.carrier()) {
            (Validity::Valid, _) => Self::Valid(opened),
            (Validity::Revoked, Carrier::Cookie) => Self::Invalid,
            (Validity::Revoked, Carrier::Token) => Self::InvalidToken,
            (Validity::Unknown, _) => Self::Unknown,
        }
    }
}

impl SharedSessions {
    /// Forgets the opened sessions that are over, from time to time.
    pub(super) fn sweep_opened(&self, now: Instant, wall: SystemTime) {
        let is_over = |session: &Session| self.is_past(session, wall) || self.memory.revocations.names(session);
        self.opened.sweep(now, is_over);
    }

    /// Whether a session has ended by itself.
    pub(super) fn is_past(&self, session: &Session, now: SystemTime) -> bool {
        session.time_left(self.lifetime, self.idle, now).is_none()
    }
}

/// The session that the lease of a request ends with.
struct LeasedSession {
    handler: OwnedHandler,
    opened: Arc<OpenedSession>,
    /// When its lifetime is over.
    end: Instant,
}

impl LeasedSession {
    fn is_over_at(&self, now: Instant) -> bool {
        now >= self.end || self.handler.borrow().sessions.memory.revocations.names(self.opened.session())
    }
}

impl SessionEnd for LeasedSession {
    fn is_over(&self) -> bool {
        self.is_over_at(self.handler.borrow().gate.clock().now())
    }

    #[cfg(feature = "gateway")]
    fn session(&self) -> &[u8] {
        self.opened.session().id().expose().as_bytes()
    }

    fn over(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let handler = self.handler.borrow();
            let clock = handler.gate.clock();
            let mut now = clock.now();
            while !self.is_over_at(now) {
                clock.sleep_until(self.end.min(now + TICK)).await;
                // Boxed, or the future of each request would have room for a question that most requests never ask.
                if Box::pin(handler.check(self.opened.session())).await != Validity::Valid {
                    return;
                }
                now = clock.now();
            }
        })
    }
}

/// How often an open request looks whether its session goes on. What is known is a second old at most, so a logout elsewhere ends
/// the request within two seconds.
const TICK: Duration = Duration::from_millis(600);
