//! The routes of the simulator: Truecaller's endpoints, the phone, and the routes that control the simulator.

use std::{fmt::Display, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{any, get, post, put},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Call, CallError, Fault, PostedCallback, ProfileRequest, app, missed_call, oauth, phone, profile_endpoint,
    shared::{self, SharedState},
};

pub(super) fn router(shared: Arc<SharedState>) -> Router {
    let fault = get(upcoming_fault).put(set_fault);
    Router::new()
        .route(shared::PATH, any(profile_endpoint::serve))
        .route(oauth::TOKEN_PATH, any(oauth::token))
        .route(oauth::USERINFO_PATH, any(oauth::userinfo))
        .route(&format!("{}/{{token}}", missed_call::PATH), any(missed_call::serve))
        .route("/simulator/app", post(app::agree))
        .route("/simulator/missed-call", post(app::call))
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
    shared.settings().faults.set(text.parse::<Fault>().map_err(misread)?);
    Ok(StatusCode::NO_CONTENT)
}

/// One fault a line.
async fn plan(State(shared): State<Arc<SharedState>>, text: String) -> Result<StatusCode, Refused> {
    let faults = text.lines().map(str::parse).collect::<Result<Vec<Fault>, _>>().map_err(misread)?;
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

async fn call_back(
    State(shared): State<Arc<SharedState>>,
    Json(asked): Json<CallRequest>,
) -> Result<Json<Value>, Refused> {
    let CallRequest { to, kind, delay_ms, request_id, endpoint, profile } = asked;
    let call: Call = kind.parse().map_err(misread)?;
    let delay = delay_ms.map_or(call.delay, Duration::from_millis);
    let profile = profile.map_or(call.profile, |profile| String::from(Box::<str>::from(profile)).into());
    let call = Call { kind: call.kind, delay, request_id, endpoint, profile };
    let posted = call.post(&shared, &to).await.map_err(|error| not_posted(&error))?;
    let told = |PostedCallback { body, answer }: &PostedCallback| {
        let (status, headers) = (answer.status.as_u16(), values(&answer.headers));
        json!({ "body": text(body), "status": status, "headers": headers, "answer": text(&answer.body) })
    };
    Ok(Json(json!({ "posted": posted.iter().map(told).collect::<Value>() })))
}

async fn set_callback_url(State(shared): State<Arc<SharedState>>, url: String) -> Result<StatusCode, Refused> {
    shared.set_callback_url(url.trim()).map_err(|error| not_posted(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn requests(State(shared): State<Arc<SharedState>>) -> Json<Value> {
    let told = |ProfileRequest { method, target, version, headers, body, connection }: &ProfileRequest| {
        let (method, target, version) = (method.as_str(), target.to_string(), format!("{version:?}"));
        let (headers, body) = (values(headers), text(body));
        json!({
            "method": method, "target": target, "version": version, "connection": connection, "headers": headers,
            "body": body,
        })
    };
    let seen = shared.seen.borrow();
    Json(json!({ "count": seen.len(), "requests": seen.iter().map(told).collect::<Value>() }))
}

/// The body of `POST /simulator/callbacks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallRequest {
    to: String,
    kind: String,
    delay_ms: Option<u64>,
    request_id: Option<String>,
    endpoint: Option<String>,
    profile: Option<Box<RawValue>>,
}

/// All values of each name, in the order in which they came.
fn values(headers: &HeaderMap) -> Value {
    let of = |name| headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect::<Value>();
    headers.keys().map(|name| (name.as_str(), of(name))).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The answer to a request that was not done: a status, and why.
type Refused = (StatusCode, String);

fn misread(error: impl Display) -> Refused {
    (StatusCode::BAD_REQUEST, format!("{error}\n"))
}

fn not_posted(error: &CallError) -> Refused {
    let status = match error {
        CallError::Scheme | CallError::NotLoopback => StatusCode::BAD_REQUEST,
        _ => StatusCode::BAD_GATEWAY,
    };
    (status, format!("{}\n", error.with_causes()))
}
