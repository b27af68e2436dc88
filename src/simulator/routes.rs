//! The routes of the simulator.

use std::sync::Arc;

use axum::{Router, routing::any};

use super::{
    profile_endpoint,
    stage::{self, Stage},
};

pub(super) fn router(stage: Arc<Stage>) -> Router {
    Router::new().route(stage::PATH, any(profile_endpoint::serve)).with_state(stage)
}
