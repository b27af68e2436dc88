//! The routes of the simulator: Truecaller's endpoint, the phone, and the routes that control the simulator.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{any, get, post, put},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Call, CallError, Fault, Posted, Seen, UnknownCall, UnknownFault, phone, profile_endpoint,
    shared::{self, SharedState},
};

pub(super) fn router(shared: Arc<SharedState>) -> Router {
    let fault = get(upcoming_fault).put(set_fault);
    Router::new()
        .route(shared::PATH, any(profile_endpoint::serve))
        .route("/simulator/fault", fault.clone())
        .route("/simulator/day", fault)
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

async fn upcoming_fault(State(shared): State<Arc<SharedState>>) -> String {
    format!("{}\n", shared.settings().faults.upcoming())
}

async fn set_fault(State(shared): State<Arc<SharedState>>, text: String) -> Result<StatusCode, Refused> {
    shared.settings().faults.set(text.parse()?);
    Ok(StatusCode::NO_CONTENT)
}

/// One fault a line.
async fn plan(State(shared): State<Arc<SharedState>>, text: String) -> Result<StatusCode, Refused> {
    let faults = text.lines().map(str::parse).collect::<Result<Vec<Fault>, _>>()?;
    shared.settings().faults.plan(faults);
    Ok(StatusCode::NO_CONTENT)
}

async fn release(State(shared): State<Arc<SharedState>>) -> StatusCode {
    shared.releases.send_replace(());
    StatusCode::NO_CONTENT
}

async fn grant(State(shared): State<Arc<SharedState>>, profile: Bytes) -> Json<Value> {
    Json(json!({ "token": shared.grant(profile) }))
}

async fn call_back(State(shared): State<Arc<SharedState>>, Json(order): Json<Order>) -> Result<Json<Value>, Refused> {
    let to = order.to.clone();
    let posted = Call::try_from(order)?.post(&shared, &to).await?;
    let told = |Posted { body, answer }: &Posted| {
        let (status, headers) = (answer.status.as_u16(), values(&answer.headers));
        json!({ "body": text(body), "status": status, "headers": headers, "answer": text(&answer.body) })
    };
    Ok(Json(json!({ "posted": posted.iter().map(told).collect::<Value>() })))
}

async fn set_callback_url(State(shared): State<Arc<SharedState>>, url: String) -> Result<StatusCode, Refused> {
    shared.set_callback_url(url.trim())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn requests(State(shared): State<Arc<SharedState>>) -> Json<Value> {
    let told = |Seen { method, target, version, headers, connection }: &Seen| {
        let (method, target, version) = (method.as_str(), target.to_string(), format!("{version:?}"));
        let headers = values(headers);
        json!({ "method": method, "target": target, "version": version, "connection": connection, "headers": headers })
    };
    let seen = shared.seen.borrow();
    Json(json!({ "count": seen.len(), "requests": seen.iter().map(told).collect::<Value>() }))
}

/// The body of `POST /simulator/callbacks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    to: String,
    kind: String,
    delay_ms: Option<u64>,
    request_id: Option<String>,
    endpoint: Option<String>,
    profile: Option<Box<RawValue>>,
}

impl TryFrom<Order> for Call {
    type Error = UnknownCall;

    fn try_from(order: Order) -> Result<Self, UnknownCall> {
        let mut call: Self = order.kind.parse()?;
        if let Some(delay) = order.delay_ms {
            call = call.after(Duration::from_millis(delay));
        }
        if let Some(request_id) = order.request_id {
            call = call.request_id(request_id);
        }
        if let Some(endpoint) = order.endpoint {
            call = call.endpoint(endpoint);
        }
        if let Some(profile) = order.profile {
            call = call.profile(String::from(Box::<str>::from(profile)));
        }
        Ok(call)
    }
}

/// All values of each name, in the order in which they came.
fn values(headers: &HeaderMap) -> Value {
    let of = |name| headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect::<Value>();
    headers.keys().map(|name| (name.as_str(), of(name))).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Something that was asked for and not done.
struct Refused {
    status: StatusCode,
    reason: String,
}

impl From<UnknownFault> for Refused {
    fn from(error: UnknownFault) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: error.to_string() }
    }
}

impl From<UnknownCall> for Refused {
    fn from(error: UnknownCall) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: error.to_string() }
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
