//! The admin listener: health and metrics, apart from the public one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::encoding::prometheus_text;

use super::metrics::Metrics;

/// What the admin routes tell.
#[derive(Clone)]
pub(super) struct Health {
    metrics: Arc<Metrics>,
    is_ready: Arc<AtomicBool>,
}

impl Health {
    /// A gateway that takes no requests yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, is_ready: Arc::default() }
    }

    /// Requests are taken from now on, or no more.
    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }
}

/// The routes `/livez`, `/readyz` and `/metrics`.
pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], health.metrics.render())
}
