//! The pingora app of a listener that redirects: it reads a request, counts and logs it, and closes the connection.

use std::{sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::StatusCode;
use pingora_core::{
    apps::{HttpServerApp, ReusedHttpStream},
    protocols::http::ServerSession,
    server::ShutdownWatch,
};

use super::{active_config::ActiveConfig, connections::memory, forwarded::Forwarded, logs::Answer, redirect::Redirect};
use crate::clock::{Clock as _, SystemClock};

/// Redirects the request of each connection.
pub(super) struct RedirectApp {
    pub(super) redirect: Redirect,
    pub(super) active: Arc<ArcSwap<ActiveConfig>>,
}

#[async_trait]
impl HttpServerApp for RedirectApp {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let arrived = SystemClock.now();
        match session.read_request().await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => {
                // The client may be gone, and then the answer reaches no one.
                let _ = session.respond_error(StatusCode::BAD_REQUEST.as_u16()).await;
                session.shutdown().await;
                return None;
            }
        }
        memory::note_request();
        // The client goes on elsewhere.
        session.set_keepalive(None);
        self.serve(&mut session, arrived).await;
        session.shutdown().await;
        None
    }
}

impl RedirectApp {
    /// Answers a request, whose head arrived at this instant.
    async fn serve(&self, session: &mut ServerSession, arrived: Instant) {
        let active = self.active.load_full();
        let forwarded = Forwarded::of(session, &active.config.trusted_proxies);
        let headers = &session.req_header().headers;
        let id = active.request_ids.as_ref().map(|ids| ids.of(headers, forwarded.by_proxy));
        let sent = self.redirect.respond(session, id.as_ref()).await;
        let (status, ended) = (sent.map(|sent| sent.status), SystemClock.now());
        let (head, code) = (session.req_header(), status.map_or(0, |status| status.as_u16()));
        active.telemetry.request(&active.route_metrics, active.routes.of(head), &head.method, code, ended - arrived);
        if let Some(access) = &active.logs.access {
            let mut record = access.record();
            record.note_request(session, &forwarded, id.as_ref());
            record.note_end(session, sent.and_then(|sent| sent.refusal));
            record.write(&Answer {
                status,
                arrived,
                ended,
                time: SystemClock.wall(),
                app: None,
                server: None,
                trace: None,
            });
        }
    }
}
