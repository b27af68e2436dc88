//! `POST /revoke`: an operator ends all sessions of a phone number.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Deserialize;

use super::{
    AdminRefusal, access,
    body::{self, BODY_LIMIT, BodyError, named_number},
};
use crate::{gateway::active_config::ActiveConfig, json, profile::PhoneNumber};

/// The body of a request.
#[derive(Deserialize)]
struct EndedUser {
    phone: String,
}

/// The route `/revoke`.
pub(super) fn routes(active: Arc<ArcSwap<ActiveConfig>>) -> Router {
    let route = post(revoke).fallback(async || AdminRefusal::MethodNotAllowed);
    let route = route.layer(DefaultBodyLimit::max(BODY_LIMIT));
    let route = route.layer(from_fn_with_state(Arc::clone(&active), access::operators));
    Router::new().route("/revoke", route).with_state(active)
}

async fn revoke(State(active): State<Arc<ArcSwap<ActiveConfig>>>, request: Request) -> Response {
    match end_user(&active, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn end_user(active: &ArcSwap<ActiveConfig>, request: Request) -> Result<(), AdminRefusal> {
    let body = body::read(request).await.map_err(|error| match error {
        BodyError::TooLarge => AdminRefusal::BodyTooLarge,
        BodyError::TooSlow => AdminRefusal::BodyTimeout,
        BodyError::BrokenOff => AdminRefusal::MalformedRequest,
    })?;
    let phone = parse(&body)?;
    let active = active.load_full();
    let sessions = active.sessions.as_ref().ok_or(AdminRefusal::NoSessions)?;
    sessions.end_user(&active.gate, &phone).await.map_err(|_| AdminRefusal::StoreUnavailable)
}

fn parse(body: &[u8]) -> Result<PhoneNumber, AdminRefusal> {
    let ended = json::object(body).and_then(|text| serde_json::from_str(text).ok());
    let EndedUser { phone } = ended.ok_or(AdminRefusal::MalformedRequest)?;
    named_number(&phone).ok_or(AdminRefusal::InvalidPhone)
}
