//! How a request carries its session, and how a session is sealed for that, opened and renewed.

use std::{sync::Arc, time::SystemTime};

use http::HeaderValue;

use super::{handler::Handler, opened::OpenedSession, state::SessionState};
use crate::session::{SealPurpose, Session, public_urls::Realm};

/// How a request carries its session. What is sealed for one carrier is worth nothing in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In the cookie of a browser.
    Cookie,
    /// In the token of the site's own app. A browser never sends one by itself.
    Token,
}

/// A session that was sealed anew, for the client that carries it.
pub(super) enum Renewal {
    /// As a whole `Set-Cookie` line.
    Cookie(HeaderValue),
    /// As the value of the header for tokens.
    Token(HeaderValue),
}

impl Carrier {
    fn purpose(self, realm: Realm<'_>) -> SealPurpose<'_> {
        match self {
            Self::Cookie => SealPurpose::Session(realm.name),
            Self::Token => SealPurpose::Token(realm.name),
        }
    }
}

impl Handler<'_> {
    /// Returns a session that was opened lately, if it is valid on this host in this carrier, and no group has changed since.
    pub(super) fn opened_lately(&self, sealed: &[u8], carrier: Carrier) -> Option<Arc<OpenedSession>> {
        let is_good = |opened: &Arc<OpenedSession>| {
            self.realm().is_some_and(|realm| opened.realm() == realm.number)
                && opened.carrier() == carrier
                && opened.is_as_new_as(&self.sessions.groups)
        };
        self.sessions.opened.find(sealed).filter(is_good)
    }

    /// Opens the sealed text that a request carries.
    pub(super) fn open(&self, sealed: &[u8], carrier: Carrier) -> Result<Arc<OpenedSession>, SessionState> {
        let realm = self.realm().ok_or(SessionState::Absent)?;
        let bytes = self.sessions.sealer.open_text(carrier.purpose(realm), sealed).ok_or(SessionState::Absent)?;
        OpenedSession::read(&bytes, Arc::clone(self.gate.names()), (realm.number, carrier), &self.sessions.groups)
            .ok_or(SessionState::Invalid)
    }

    /// Seals a session, on a host that has sessions.
    pub(super) fn seal(&self, session: &Session, carrier: Carrier) -> Option<String> {
        let purpose = carrier.purpose(self.realm()?);
        Some(self.sessions.sealer.seal_text(purpose, &session.to_bytes(), &self.sessions.random))
    }

    /// Seals a session anew for its client, if it is time for that.
    pub(super) fn renewal(&self, opened: &OpenedSession, now: SystemTime) -> Option<Renewal> {
        let session = opened.session();
        let age = now.duration_since(session.last_seen()).unwrap_or_default();
        if age < self.sessions.idle / 10 {
            return None;
        }
        let session = session.renewed(now);
        Some(match opened.carrier() {
            Carrier::Cookie => Renewal::Cookie(self.cookie(&session, now)?),
            Carrier::Token => {
                let token = self.token(&session)?;
                let mut token = HeaderValue::try_from(token).expect("base64url makes a header value");
                token.set_sensitive(true);
                Renewal::Token(token)
            }
        })
    }
}
