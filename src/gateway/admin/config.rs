//! `GET /config`: the configuration in force, with every key and no secret.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::{
    Json, Router, extract::State, http::header, middleware::from_fn_with_state, response::IntoResponse, routing::get,
};
use serde::Serialize;

use super::access;
use crate::gateway::{active_config::ActiveConfig, config::ShownConfig};

/// The answer. docs/gateway.md has its names.
#[derive(Serialize)]
struct ConfigInForce<'a> {
    config: &'a ShownConfig,
    /// The keys whose values only a restart puts in force.
    needs_restart: Vec<&'static str>,
}

/// The route `/config`.
pub(super) fn routes(active: Arc<ArcSwap<ActiveConfig>>) -> Router {
    let route = get(show).layer(from_fn_with_state(Arc::clone(&active), access::operators));
    Router::new().route("/config", route).with_state(active)
}

async fn show(State(active): State<Arc<ArcSwap<ActiveConfig>>>) -> impl IntoResponse {
    let active = active.load_full();
    let ActiveConfig { config, fixed, .. } = &*active;
    let answer = ConfigInForce { config: &config.shown, needs_restart: fixed.changed(config).collect() };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer).into_response())
}
