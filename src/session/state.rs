//! The state of a browser's session: by its cookie, and by who was logged out.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, StatusCode, request::Parts};
use serde::Serialize;

use super::{Inner, handler::Handler, reply, revocation::Revocation, revocations::Judgement};
use crate::{
    gate::{Gate, Rejection, Reply},
    session::{
        Purpose, Session,
        cookies::{Kind, Value},
    },
};

/// The state of a browser's session.
pub(super) enum SessionState {
    /// The browser has no cookie, or one that was not sealed here and may be another gateway's.
    Absent,
    /// The browser has the cookie of a session that is over.
    Invalid,
    Valid(Session),
    /// The store has been silent for so long that nobody can tell whether the session was ended.
    Unknown(Session),
}

/// A session that the store has to be asked about.
pub(super) struct Pending(Session);

impl Handler<'_> {
    /// The state of a browser's session, as far as it is known without asking.
    pub(super) fn state_so_far(&self, headers: &HeaderMap) -> Result<SessionState, Pending> {
        let (sessions, clock) = (self.sessions, self.gate.clock());
        let Value::One(sealed) = sessions.cookies.find(Kind::Session, headers) else { return Ok(SessionState::Absent) };
        let Some(bytes) = sessions.sealer.open_text(Purpose::Session, sealed) else { return Ok(SessionState::Absent) };
        let lives = |session: &Session| session.time_left(sessions.lifetime, sessions.idle, clock.wall()).is_some();
        let Some(session) = Session::from_bytes(&bytes).filter(lives) else { return Ok(SessionState::Invalid) };
        match sessions.revocations.judge(&session, clock.now(), sessions.revocation_grace) {
            Some(judgement) => Ok(SessionState::of(session, judgement)),
            None => Err(Pending(session)),
        }
    }

    /// The state of a browser's session.
    pub(super) async fn state(&self, headers: &HeaderMap) -> SessionState {
        match self.state_so_far(headers) {
            Ok(state) => state,
            Err(pending) => self.settle(pending).await,
        }
    }

    /// Asks the store about a session.
    pub(super) async fn settle(&self, Pending(session): Pending) -> SessionState {
        let judgement = self.judge_afresh(&session).await;
        SessionState::of(session, judgement)
    }

    /// Asks the store who was logged out, and tells what can be said of a session then.
    pub(super) async fn judge_afresh(&self, session: &Session) -> Judgement {
        self.refresh().await;
        let (sessions, now) = (self.sessions, self.gate.clock().now());
        sessions.revocations.judge_anyway(session, now, sessions.revocation_grace)
    }

    /// Learns who was logged out of late, or what of it comes while it is worth waiting.
    async fn refresh(&self) {
        let (revocations, now) = (&self.sessions.revocations, self.gate.clock().now());
        revocations.forget(self.gate.clock().wall());
        if revocations.take_turn(now) {
            let asking = Asking { gate: self.gate.clone(), sessions: Arc::clone(self.sessions) };
            let _ = self.begin(asking.ask()).await;
        }
        self.gate.by(now + HEARING, revocations.heard()).await;
    }

    /// The line that keeps a session's cookie fresh, if it is time for that.
    pub(super) fn renewal(&self, session: &Session) -> Option<HeaderValue> {
        let now = self.gate.clock().wall();
        let age = now.duration_since(session.last_seen()).unwrap_or_default();
        (age >= self.sessions.idle / 10).then(|| self.sessions.cookie(&session.renewed(now), now))
    }

    /// `GET me`.
    pub(super) async fn me(&self, head: &Parts) -> Reply {
        match self.state(&head.headers).await {
            SessionState::Valid(session) => {
                let me = Me::of(&session, session.end_text(self.sessions.lifetime));
                reply::json(StatusCode::OK, &me).with_cookies(self.renewal(&session))
            }
            SessionState::Absent => self.gate.reject(Rejection::NotSignedIn),
            SessionState::Invalid => self.gate.reject(Rejection::NotSignedIn).with_cookies(self.sessions.forget("/")),
            SessionState::Unknown(_) => self.gate.reject(Rejection::StoreUnavailable),
        }
    }
}

impl SessionState {
    fn of(session: Session, judgement: Judgement) -> Self {
        match judgement {
            Judgement::Alive => Self::Valid(session),
            Judgement::Revoked => Self::Invalid,
            Judgement::Unsure => Self::Unknown(session),
        }
    }
}

/// A turn to ask the store; when it is dropped, another may.
struct Asking {
    gate: Gate,
    sessions: Arc<Inner>,
}

impl Asking {
    /// Asks page by page, until the store has nothing more to say.
    async fn ask(self) {
        let (gate, sessions) = (&self.gate, &self.sessions);
        loop {
            let (asked, place) = (gate.clock().now(), sessions.revocations.place());
            let answer = Handler { gate, sessions }.ask(sessions.store.revocations(&place)).await;
            let Ok((sealed, place)) = answer else { return };
            if sealed.is_empty() {
                return sessions.revocations.is_up_to_date(asked);
            }
            let opened = sealed.iter().filter_map(|sealed| Revocation::open(&sessions.sealer, sealed));
            sessions.revocations.hear(opened, place);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.sessions.revocations.end_turn(self.gate.clock().now());
    }
}

impl Inner {
    /// The line that gives a browser its session.
    pub(super) fn cookie(&self, session: &Session, now: SystemTime) -> HeaderValue {
        let left = session.time_left(self.lifetime, self.idle, now).unwrap_or_default();
        self.cookies.set(Kind::Session, &self.sealer.seal_text(Purpose::Session, &session.to_bytes()), left)
    }

    /// The lines that take a browser's session away, and what the app remembers of it, after a request for a path.
    pub(super) fn forget<'a>(&'a self, path: &'a str) -> impl Iterator<Item = HeaderValue> + 'a {
        std::iter::once(self.cookies.clear(Kind::Session)).chain(self.expire_cookies(path))
    }
}

/// Who is signed in, for pages that want to greet them.
#[derive(Serialize)]
struct Me<'a> {
    phone: &'a str,
    user_id: Option<&'a str>,
    name: Option<String>,
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    country: Option<&'a str>,
    expires_at: Option<String>,
}

impl<'a> Me<'a> {
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

/// How long a request waits for revocations: with the time between two tries, under the second that they may take.
const HEARING: Duration = Duration::from_millis(400);
