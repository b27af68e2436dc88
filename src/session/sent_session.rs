//! What a request carries of a session, for those who ask why it was treated as it was.

use http::request::Parts;
use serde::Serialize;

use super::{
    OwnCookie, Sessions,
    cookies::{CookieLines, CookieValue},
    state::SessionState,
};
use crate::gate::Gate;

/// What a request carries of a session, as far as this gateway knows without other gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SentSession {
    /// Neither a cookie nor a token of a session.
    Absent,
    /// A cookie that no secret of this configuration opens for this host, or several of them.
    Unreadable,
    /// The cookie of a session that is over.
    Over,
    /// A token that is worth nothing.
    InvalidToken,
    /// A valid session.
    Valid,
    /// The token of one user and the cookie of another.
    Conflicting,
    /// It is unknown whether the session was revoked.
    Unknown,
}

impl Sessions {
    /// Opens what a request carries of a session. It may ask the store, and changes nothing for other requests.
    pub(crate) async fn sent_session(&self, gate: &Gate, head: &Parts) -> SentSession {
        let sent = self.0.cookies.find(OwnCookie::Session, CookieLines::from(&head.headers));
        match self.handler_of(gate, head).state(&head.headers).await {
            SessionState::Absent if sent != CookieValue::Absent => SentSession::Unreadable,
            SessionState::Absent => SentSession::Absent,
            SessionState::Invalid => SentSession::Over,
            SessionState::InvalidToken => SentSession::InvalidToken,
            SessionState::Valid(_) => SentSession::Valid,
            SessionState::Conflicting => SentSession::Conflicting,
            SessionState::Unknown => SentSession::Unknown,
        }
    }
}
