//! `GET me`: tells the user of a session, for pages that greet them.

use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{fetch_metadata::comes_from_elsewhere, handler::Handler, reply, state::SessionState, token::SentToken};
use crate::{
    gate::{Rejection, Reply},
    session::Session,
};

/// The answer: the user.
#[derive(Serialize)]
pub(super) struct MeAnswer<'a> {
    phone: &'a str,
    method: &'static str,
    user_id: Option<&'a str>,
    name: Option<String>,
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    country: Option<&'a str>,
    expires_at: Option<String>,
}

impl<'a> MeAnswer<'a> {
    pub(super) fn of(session: &'a Session, expires_at: Option<String>) -> Self {
        let profile = session.identity().profile();
        Self {
            phone: profile.phone.as_str(),
            method: session.identity().method().code(),
            user_id: profile.user_id.as_deref(),
            name: profile.name(),
            given_name: profile.given_name.as_deref(),
            family_name: profile.family_name.as_deref(),
            country: profile.country.as_deref(),
            expires_at,
        }
    }
}

impl Handler<'_> {
    /// `GET me`. Another site's page must not learn whether a user is logged in.
    pub(super) async fn me(&self, head: &Parts) -> Reply {
        let token = self.sent_token(&head.headers, &[]);
        if comes_from_elsewhere(&head.headers) && matches!(token, SentToken::Absent) {
            return self.gate.reject_for(Rejection::CrossSite, head);
        }
        match self.state(&head.headers).await {
            SessionState::Valid(opened) => {
                let session = opened.session();
                let me = MeAnswer::of(session, session.end_text(self.sessions.lifetime));
                let renewal = self.renewal(&opened, self.gate.clock().wall());
                let answer = reply::json(StatusCode::OK, &me).for_user(&session.identity().profile().phone);
                answer.with_renewal(renewal, self.gate.names())
            }
            SessionState::InvalidToken => self.refuse_token(),
            SessionState::Conflicting => self.gate.reject(Rejection::ConflictingSessions),
            SessionState::Absent => self.gate.reject(Rejection::NotSignedIn),
            SessionState::Invalid => self.gate.reject(Rejection::NotSignedIn).with_cookies(self.forget("/")),
            SessionState::Unknown => self.gate.reject(Rejection::StoreUnavailable),
        }
    }
}
