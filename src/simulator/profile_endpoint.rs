//! `GET /v1/default`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{ALLOW, AUTHORIZATION},
};

use super::{
    DOCUMENTED_PROFILE, Fault,
    exchange::{Answer, Exchange, json},
    shared::SharedState,
};

pub(super) async fn serve(State(shared): State<Arc<SharedState>>, exchange: Exchange) -> Response {
    if exchange.head.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let profile = bearer(&exchange.head.headers).and_then(|token| shared.settings().profiles.get(token).cloned());
    let fault = shared.settings().faults.take();
    let given = match fault {
        Fault::Inactive => Ok(altered(r#""isActive": "True""#, r#""isActive": "False""#).into()),
        Fault::NoPhone => Ok(altered(r#"["919999999999"]"#, "[]").into()),
        _ => profile.ok_or_else(|| failure(StatusCode::UNAUTHORIZED)),
    };
    exchange.answer(fault, Answer { given, failure }).await
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// An error as Truecaller documents it for 401; the other codes follow its pattern.
fn failure(status: StatusCode) -> Response {
    let message = status.canonical_reason().unwrap_or("Unknown");
    let body = format!(r#"{{"status":{}01,"message":"{message}"}}"#, status.as_u16());
    (status, json(body)).into_response()
}

fn altered(from: &str, to: &str) -> String {
    String::from_utf8_lossy(DOCUMENTED_PROFILE).replace(from, to)
}
