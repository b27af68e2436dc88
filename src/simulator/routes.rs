//! The routes of the simulator: Truecaller's one, and those that steer it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{any, get, post, put},
};
use bytes::Bytes;
use http::StatusCode;

use super::{
    CallError, Fault, UnknownFault, phone, place, profile_endpoint,
    shared::{self, Shared},
    wire::{Called, Granted, Order, PostedText, Requests, SeenText},
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(shared::PATH, any(profile_endpoint::serve))
        .route("/simulator/fault", get(upcoming_fault).put(set_fault))
        .route("/simulator/day", get(upcoming_fault).put(set_fault))
        .route("/simulator/plan", put(plan))
        .route("/simulator/release", post(release))
        .route("/simulator/grants", post(grant))
        .route("/simulator/callbacks", post(call_back))
        .route("/simulator/requests", get(requests))
        .route("/simulator/callback-url", put(set_callback_url))
        .route(phone::PATH, get(phone::open))
        .route(phone::ANSWER_PATH, post(phone::answer))
        .with_state(shared)
}

async fn upcoming_fault(State(shared): State<Arc<Shared>>) -> String {
    format!("{}\n", shared.faults.upcoming())
}

async fn set_fault(State(shared): State<Arc<Shared>>, text: String) -> Result<StatusCode, Refused> {
    shared.faults.set(text.parse()?);
    Ok(StatusCode::NO_CONTENT)
}

/// One fault a line.
async fn plan(State(shared): State<Arc<Shared>>, text: String) -> Result<StatusCode, Refused> {
    let faults = text.lines().map(str::parse).collect::<Result<Vec<Fault>, _>>()?;
    shared.faults.plan(faults);
    Ok(StatusCode::NO_CONTENT)
}

async fn release(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.release();
    StatusCode::NO_CONTENT
}

async fn grant(State(shared): State<Arc<Shared>>, profile: Bytes) -> Json<Granted> {
    Json(Granted { token: shared.grant(profile) })
}

async fn call_back(State(shared): State<Arc<Shared>>, Json(order): Json<Order>) -> Result<Json<Called>, Refused> {
    let to = order.to.clone();
    let call = order.call().map_err(|error| Refused::new(StatusCode::BAD_REQUEST, &error))?;
    let posted = place(&shared, &to, call).await?;
    Ok(Json(Called { posted: posted.iter().map(PostedText::from).collect() }))
}

async fn set_callback_url(State(shared): State<Arc<Shared>>, url: String) -> Result<StatusCode, Refused> {
    shared.set_callback_url(url.trim())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Requests> {
    let seen = shared.record.seen();
    Json(Requests { count: seen.len(), requests: seen.iter().map(SeenText::from).collect() })
}

/// Something that was asked for and not done.
struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    fn new(status: StatusCode, error: &dyn std::error::Error) -> Self {
        Self { status, reason: error.to_string() }
    }
}

impl From<UnknownFault> for Refused {
    fn from(error: UnknownFault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &error)
    }
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        let status = match error {
            CallError::Scheme | CallError::NotLoopback => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self { status, reason: error.with_causes() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, format!("{}\n", self.reason)).into_response()
    }
}
