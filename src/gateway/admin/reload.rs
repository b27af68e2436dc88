//! `POST /reload`: reads the configuration again, as SIGHUP does, and tells how that ended.

use std::{path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
    routing::post,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{AdminRefusal, access};
use crate::gateway::{
    active_config::ActiveConfig,
    config::{Finding, FindingsReport},
    reload::ReloadError,
};

/// Hands requests to read the configuration again to the program. One after the other is done.
#[derive(Clone)]
pub(crate) struct ReloadQueue(mpsc::Sender<ReloadRequest>);

/// A request to read the configuration again, which is answered when that is done.
pub(in crate::gateway) struct ReloadRequest(oneshot::Sender<Result<ReloadEnd, AdminRefusal>>);

struct ReloadEnd {
    status: StatusCode,
    report: FindingsReport,
}

impl ReloadQueue {
    /// A queue, and where its requests come out. Once that is dropped, requests are refused.
    pub(in crate::gateway) fn new() -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (requests, taken) = mpsc::channel(1);
        (Self(requests), taken)
    }

    async fn reload(&self) -> Result<ReloadEnd, AdminRefusal> {
        let (tell, told) = oneshot::channel();
        let asked = async {
            self.0.send(ReloadRequest(tell)).await.map_err(|_| AdminRefusal::Stopping)?;
            // A reload that a stop has cut off is never answered.
            told.await.map_err(|_| AdminRefusal::Stopping)?
        };
        timeout(DEADLINE, asked).await.unwrap_or(Err(AdminRefusal::ReloadUnfinished))
    }
}

impl ReloadRequest {
    /// Answers by how the reload from a file has ended.
    pub(in crate::gateway) fn answer(self, file: &Path, reloaded: &Result<Vec<Finding>, ReloadError>) {
        let end = |status, findings: &[Finding]| ReloadEnd { status, report: FindingsReport::new(file, findings) };
        let answer = match reloaded {
            Ok(warnings) => Ok(end(StatusCode::OK, warnings)),
            Err(ReloadError::Config(errors)) => Ok(end(StatusCode::UNPROCESSABLE_ENTITY, &errors.findings())),
            Err(error @ (ReloadError::Start(_) | ReloadError::Unread)) => {
                Ok(end(StatusCode::UNPROCESSABLE_ENTITY, &[Finding::obstacle(&error.to_string())]))
            }
            Err(ReloadError::Stdin) => Err(AdminRefusal::NoConfigFile),
        };
        // The client may have left.
        let _ = self.0.send(answer);
    }
}

/// The route `/reload`.
pub(super) fn routes(active: Arc<ArcSwap<ActiveConfig>>, queue: ReloadQueue) -> Router {
    let route = post(reload).fallback(async || AdminRefusal::MethodNotAllowed);
    Router::new().route("/reload", route.layer(from_fn_with_state(active, access::operators))).with_state(queue)
}

async fn reload(State(queue): State<ReloadQueue>) -> Response {
    match queue.reload().await {
        Ok(ReloadEnd { status, report }) => (status, Json(report)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Far longer than a reload takes, even with a store and name servers that do not answer.
const DEADLINE: Duration = Duration::from_mins(1);
