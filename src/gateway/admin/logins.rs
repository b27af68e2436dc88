//! `POST /logins`: the site's server finishes the login of a user whose number it has verified in its own way.

#[cfg(any(test, fuzzing))]
#[path = "../../../fuzz/promises/site_login.rs"]
mod promise;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Deserialize;

#[cfg(any(test, fuzzing))]
pub use self::promise::site_login as fuzz;
use super::{
    access::bearer,
    body::{self, BODY_LIMIT, BodyError, named_number},
    refusal::problem,
};
use crate::{
    closed_list::closed_list,
    gate::Gate,
    gateway::{
        active_config::ActiveConfig,
        config::AdminToken,
        logs::{AuditEntry, AuditEvent, AuditLog},
        telemetry::Telemetry,
    },
    identity::VerificationMethod,
    json,
    session::{FinishLoginError, Sessions, SiteUser},
};

closed_list! {
    /// The reason why no login was finished.
    pub(in crate::gateway) enum LoginRefusal {
        /// The method is another one.
        MethodNotAllowed = "method-not-allowed" => METHOD_NOT_ALLOWED "The method is not allowed here.",
        /// The admin token is missing or is another one.
        NotAuthorized = "not-authorized" => UNAUTHORIZED "The admin token is missing or wrong.",
        /// The body is larger than the limit.
        BodyTooLarge = "body-too-large" => PAYLOAD_TOO_LARGE "The body is too large.",
        /// The body did not arrive in time.
        BodyTimeout = "body-timeout" => REQUEST_TIMEOUT "The body did not arrive in time.",
        /// The body is not JSON with a ticket and a phone number.
        MalformedRequest = "malformed-request" => BAD_REQUEST "The body is not JSON with a ticket and a phone number.",
        /// The phone number is not an E.164 number.
        InvalidPhone = "invalid-phone" => BAD_REQUEST "The phone number is not in international form.",
        /// The login has ended or expired, or the ticket is not one of this site.
        LoginOver = "login-over" => GONE "The login is over.",
        /// The store cannot be asked.
        StoreUnavailable = "store-unavailable" => SERVICE_UNAVAILABLE "Logins cannot be looked up for now.",
    }
}

/// The body of a request.
#[derive(Deserialize)]
struct SiteLogin {
    ticket: String,
    phone: String,
    name: Option<String>,
}

impl SiteLogin {
    /// Returns the ticket of a body, and the user whose number the site has verified.
    fn parse(body: &[u8]) -> Result<(String, SiteUser), LoginRefusal> {
        let login = json::object(body).and_then(|text| serde_json::from_str(text).ok());
        let Self { ticket, phone, name } = login.ok_or(LoginRefusal::MalformedRequest)?;
        let user = SiteUser::new(named_number(&phone).ok_or(LoginRefusal::InvalidPhone)?);
        Ok((ticket, name.iter().fold(user, |user, name| user.name(name))))
    }
}

/// The route `/logins`. It is there only while the configuration has a token and a page of the site's own.
pub(super) fn routes(active: Arc<ArcSwap<ActiveConfig>>) -> Router {
    let refuse = async |State(active): State<Arc<ArcSwap<ActiveConfig>>>| {
        SiteLogins::of(&active.load())
            .map_or(StatusCode::NOT_FOUND.into_response(), |logins| logins.answer(Err(LoginRefusal::MethodNotAllowed)))
    };
    let finish = async |State(active): State<Arc<ArcSwap<ActiveConfig>>>, request: Request| {
        let active = active.load_full();
        let Some(logins) = SiteLogins::of(&active) else { return StatusCode::NOT_FOUND.into_response() };
        let finished = logins.finish(request).await;
        logins.answer(finished)
    };
    let route = post(finish).fallback(refuse).layer(DefaultBodyLimit::max(BODY_LIMIT));
    Router::new().route("/logins", route).with_state(active)
}

/// The parts of a configuration that finish a login.
struct SiteLogins<'a> {
    token: &'a AdminToken,
    sessions: &'a Sessions,
    gate: &'a Gate,
    telemetry: &'a Telemetry,
    audit: Option<&'a AuditLog>,
}

impl<'a> SiteLogins<'a> {
    fn of(active: &'a ActiveConfig) -> Option<Self> {
        let ActiveConfig { config, sessions, gate, telemetry, logs, .. } = active;
        let token = config.admin.token.as_ref().filter(|_| config.finishes_site_logins())?;
        Some(Self { token, sessions: sessions.as_ref()?, gate, telemetry, audit: logs.audit.as_deref() })
    }

    async fn finish(&self, request: Request) -> Result<(), LoginRefusal> {
        // Only the site's server may send a body, however slowly.
        if !bearer(request.headers()).is_some_and(|presented| self.token.is(presented)) {
            return Err(LoginRefusal::NotAuthorized);
        }
        let body = body::read(request).await.map_err(|error| match error {
            BodyError::TooLarge => LoginRefusal::BodyTooLarge,
            BodyError::TooSlow => LoginRefusal::BodyTimeout,
            BodyError::BrokenOff => LoginRefusal::MalformedRequest,
        })?;
        let (ticket, user) = SiteLogin::parse(&body)?;
        self.sessions.finish_login(self.gate, &ticket, user).await.map_err(|error| match error {
            FinishLoginError::LoginOver => LoginRefusal::LoginOver,
            FinishLoginError::Store(_) => LoginRefusal::StoreUnavailable,
        })
    }

    fn answer(&self, finished: Result<(), LoginRefusal>) -> Response {
        self.telemetry.site_login(finished);
        if let (Some(audit), Err(refusal)) = (self.audit, finished) {
            let (method, cause) = (Some(VerificationMethod::Site), Some(refusal.code()));
            audit.write(&AuditEntry { method, cause, ..AuditEvent::LoginFailed.into() });
        }
        match finished {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(refusal) => problem(refusal.status(), refusal.code(), refusal.title()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_documented() {
        let page = include_str!("../../../docs/fallback.md");
        for refusal in LoginRefusal::ALL {
            let told = format!("{} `{}`", refusal.status().as_str(), refusal.code());
            assert!(page.contains(&told), "{told}");
        }
    }
}
