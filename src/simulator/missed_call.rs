//! `GET /v1/otp/client/installation/phoneNumberDetail/{token}`: the users of the app who have no Truecaller.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header::ALLOW};
use serde_json::json;

use super::{
    Fault,
    app::Phone,
    exchange::{self, Answer, Exchange},
    shared::SharedState,
};

/// Tells the number of an access token.
pub(super) async fn serve(
    State(shared): State<Arc<SharedState>>,
    Path(token): Path<String>,
    exchange: Exchange,
) -> Response {
    if exchange.head.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let client_id = exchange.head.headers.get("clientId").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let user = shared.settings().missed_calls.get(&token).cloned();
    let fault = shared.settings().faults.take();
    let phone = if fault == Fault::NoPhone { Phone::Absent } else { Phone::Verified };
    let given = match user {
        _ if client_id.is_empty() => Err(failure(StatusCode::NOT_FOUND)),
        Some(user) if !user.is_of(client_id) => Err(failure(StatusCode::NOT_FOUND)),
        Some(user) => Ok(user.phone_number_detail(phone)),
        None => Err(error(StatusCode::NOT_FOUND, 1404, "Invalid access token.")),
    };
    exchange.answer(fault, Answer { given, failure }).await
}

/// An error as Truecaller documents it for 404 and 500; the other statuses follow their pattern.
fn failure(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::NOT_FOUND => "Invalid partner credentials.",
        status => status.canonical_reason().unwrap_or("Unknown"),
    };
    error(status, status.as_u16(), message)
}

fn error(status: StatusCode, code: u16, message: &str) -> Response {
    (status, exchange::json(json!({ "code": code, "message": message }).to_string())).into_response()
}

/// The path of the missed-call endpoint, without the token.
pub(super) const PATH: &str = "/v1/otp/client/installation/phoneNumberDetail";
