//! Who is signed in, for pages that want to greet them.

use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{desk::Desk, reply, standing::Standing};
use crate::{
    gate::{Rejection, Reply},
    session::Session,
};

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

impl Desk {
    /// `GET me`.
    pub(super) async fn me(self, head: Parts) -> Reply {
        match self.standing(&head.headers).await {
            Standing::Known(session) => {
                let me = reply::json(StatusCode::OK, &Me::of(&session, session.end_text(self.mode.lifetime)));
                me.with_cookies(self.renewal(&session))
            }
            Standing::Nobody => self.gate.reject(Rejection::NotSignedIn),
            Standing::Worthless => self.gate.reject(Rejection::NotSignedIn).with_cookies(self.mode.forget("/")),
            Standing::Unsure(_) => self.gate.reject(Rejection::StoreUnavailable),
        }
    }
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
