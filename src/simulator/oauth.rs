//! `POST /v1/token` and `GET /v1/userinfo`: the users of the app who have Truecaller.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{
    HeaderValue, Method, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use serde_json::json;

use super::{
    Fault,
    app::{Phone, code_challenge},
    exchange::{self, Answer, Exchange},
    phone::field,
    profile_endpoint::bearer,
    shared::SharedState,
};

/// Exchanges a code for an access token.
pub(super) async fn token(State(shared): State<Arc<SharedState>>, exchange: Exchange) -> Response {
    if exchange.head.method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    let given = redeem(&shared, &exchange).map_err(|(status, message)| error(status, message));
    let fault = shared.settings().faults.take();
    exchange.answer(fault, Answer { given, failure }).await
}

/// A code is spent by the first request that names it, whatever becomes of that.
fn redeem(shared: &SharedState, exchange: &Exchange) -> Result<Bytes, (StatusCode, &'static str)> {
    let content_type = exchange.head.headers.get(CONTENT_TYPE);
    if !content_type
        .map(HeaderValue::as_bytes)
        .is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
    {
        return Err((StatusCode::BAD_REQUEST, "The request is not a form."));
    }
    let form = String::from_utf8_lossy(&exchange.body);
    let given = |name| field(&form, name).filter(|value| !value.is_empty());
    if given("grant_type").as_deref() != Some("authorization_code") {
        return Err((StatusCode::BAD_REQUEST, "The grant type is not supported."));
    }
    let (Some(client_id), Some(code), Some(verifier)) = (given("client_id"), given("code"), given("code_verifier"))
    else {
        return Err((StatusCode::BAD_REQUEST, "Some of the parameters are empty."));
    };
    let forbidden = |message| (StatusCode::FORBIDDEN, message);
    let issued = shared.settings().codes.remove(&code).ok_or_else(|| forbidden("Invalid or expired code."))?;
    if !issued.user.is_of(&client_id) {
        return Err(forbidden("Invalid client id."));
    }
    if code_challenge(&verifier) != issued.challenge {
        return Err(forbidden("Invalid or expired code verifier."));
    }
    let token = shared.random.token();
    shared.settings().app_users.insert(token.clone(), issued.user);
    Ok(json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer" }).to_string().into())
}

/// Tells who the user of an access token is.
pub(super) async fn userinfo(State(shared): State<Arc<SharedState>>, exchange: Exchange) -> Response {
    if exchange.head.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let user = bearer(&exchange.head.headers).and_then(|token| shared.settings().app_users.get(token).cloned());
    let fault = shared.settings().faults.take();
    let phone = match fault {
        Fault::Unverified => Phone::Unverified,
        Fault::NoPhone => Phone::Absent,
        _ => Phone::Verified,
    };
    let given = match user {
        None => Err(error(StatusCode::UNAUTHORIZED, "The token is invalid or has expired.")),
        Some(user) if !user.has_scope("openid") => {
            Err(error(StatusCode::UNPROCESSABLE_ENTITY, "The scope openid is missing."))
        }
        Some(user) => Ok(user.userinfo(phone)),
    };
    exchange.answer(fault, Answer { given, failure }).await
}

fn failure(status: StatusCode) -> Response {
    error(status, status.canonical_reason().unwrap_or("Unknown"))
}

/// The documentation shows no body of an error, so nothing may depend on this one.
fn error(status: StatusCode, message: &str) -> Response {
    (status, exchange::json(json!({ "code": status.as_u16(), "message": message }).to_string())).into_response()
}

/// The path of the token endpoint.
pub(super) const TOKEN_PATH: &str = "/v1/token";
/// The path of the userinfo endpoint.
pub(super) const USERINFO_PATH: &str = "/v1/userinfo";
