//! The admin listener, apart from the public one: health and metrics, the actions of operators, and the logins that the site
//! finishes.

mod access;
mod body;
mod config;
mod counters;
mod durations;
mod listener;
mod logins;
mod metrics;
mod refusal;
mod reload;
mod route_metrics;
mod sessions;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::prometheus_text, registry::Registry};

#[cfg(any(test, fuzzing))]
pub use self::logins::fuzz;
pub(super) use self::{
    body::named_number,
    counters::{class, unix_seconds},
    durations::Durations,
    listener::{AdminListener, BoundAdmin},
    logins::LoginRefusal,
    metrics::{CertificateMetrics, ConnectionFailure, FINISHED, Metrics, UpstreamMetrics},
    refusal::AdminRefusal,
    reload::ReloadQueue,
    route_metrics::RouteMetrics,
};
use super::active_config::ActiveConfig;

/// The state that the admin routes show.
#[derive(Clone)]
pub(super) struct Health {
    registry: Arc<Registry>,
    is_ready: Arc<AtomicBool>,
}

impl Health {
    /// A gateway that takes no requests yet.
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self { registry: Arc::new(metrics.registry()), is_ready: Arc::default() }
    }

    /// Says whether the gateway takes requests from now on.
    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }
}

/// The routes `/livez` and `/readyz` for everyone, `/metrics`, `/config`, `/reload` and `/revoke`, and `/logins` if the site finishes
/// logins.
pub(super) fn routes(health: Health, active: Arc<ArcSwap<ActiveConfig>>, reloads: ReloadQueue) -> Router {
    let metrics = {
        let active = Arc::clone(&active);
        async move |health| {
            // These gauges change as time passes.
            active.load().upstreams.iter().for_each(|upstream| upstream.count_servers());
            metrics(health).await
        }
    };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics).layer(from_fn_with_state(Arc::clone(&active), access::scrapers)))
        .with_state(health)
        .merge(config::routes(Arc::clone(&active)))
        .merge(sessions::routes(Arc::clone(&active)))
        .merge(reload::routes(Arc::clone(&active), reloads))
        .merge(logins::routes(active))
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let mut text = String::new();
    prometheus_text::encode(&mut text, &health.registry).expect("a String takes any text");
    ([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text)
}
