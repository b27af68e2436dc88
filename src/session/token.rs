//! Session tokens: how the site's own app keeps a session, and sends it with each request.

use http::StatusCode;
use serde::Serialize;

use super::{handler::Handler, reply, state::MeAnswer};
use crate::{
    gate::{Rejection, Reply},
    identity::Identity,
    session::{SealPurpose, Session},
};

/// The answer to an app whose user was verified.
#[derive(Serialize)]
struct AppAnswer<'a> {
    token: String,
    #[serde(flatten)]
    me: MeAnswer<'a>,
}

impl Handler<'_> {
    /// Begins a session for a user of the site's own app, on a host that has sessions.
    pub(super) fn admit_app(&self, identity: &Identity) -> Result<Reply, Rejection> {
        let session = self.session(identity.profile(), identity.method());
        let token = self.token(&session).ok_or(Rejection::MisdirectedRequest)?;
        let me = MeAnswer::of(&session, session.end_text(self.sessions.lifetime));
        Ok(reply::json(StatusCode::OK, &AppAnswer { token, me }))
    }

    /// The token of a session, on a host that has sessions.
    fn token(&self, session: &Session) -> Option<String> {
        let purpose = SealPurpose::Token(self.realm()?.name);
        let sealed = self.sessions.sealer.seal_text(purpose, &session.to_bytes(), &self.sessions.random);
        Some(format!("{BEGINNING}{sealed}"))
    }
}

/// The beginning of every token, by which truegate knows its own from those of others, whether it can open them or not.
const BEGINNING: &str = "truegate.";
