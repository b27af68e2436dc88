//! The gateway's own proxy, which also notes what it decides. The app is the only part that is not the gateway's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use http::HeaderMap;
use pingora_core::{Error, Result, modules::http::HttpModules, upstreams::peer::HttpPeer};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use super::{app::App, client::ClientBytes};
use crate::{
    gate::{Scheme, TrustedProxy},
    gateway::{
        active_config::ActiveConfig, config::UpstreamId, exchange::Exchange, forwarded::Forwarded, proxy::Proxy,
    },
    path::CanonicalPath,
    pingora::{TruegateModule, module_of},
    session::SentSession,
};

/// A proxy that does what the gateway's does, but sends requests to an app in memory.
pub(super) struct ObservingProxy {
    pub(super) proxy: Proxy,
    pub(super) client: ClientBytes,
    pub(super) app: App,
    pub(super) observations: Arc<Mutex<Observations>>,
}

/// What was noted of the one request.
#[derive(Default)]
pub(super) struct Observations {
    /// None if the head could not be read.
    pub(super) request: Option<SeenRequest>,
    /// None if the gateway answers itself.
    pub(super) upstream: Option<UpstreamId>,
    /// The code of the gateway's own refusal.
    pub(super) refusal: Option<&'static str>,
    is_over: bool,
}

/// A request as the gateway sees it.
pub(super) struct SeenRequest {
    pub(super) method: String,
    pub(super) host: Option<String>,
    pub(super) client: Option<std::net::IpAddr>,
    pub(super) scheme: Option<Scheme>,
    pub(super) by_proxy: bool,
    pub(super) path: SeenPath,
    /// The place of the rule that matches; none without one, and for a route of truegate's own.
    pub(super) rule: Option<usize>,
    /// None without sessions, or if nobody has asked.
    pub(super) session: Option<SentSession>,
}

/// How the gateway reads a path.
pub(super) enum SeenPath {
    /// As a route of its own, whose path is a secret or fixed.
    Route(&'static str),
    /// As this route below the prefix of truegate's own.
    Own(String),
    /// As the path of an app.
    App {
        /// The path as it came, or without the bytes that are no text.
        raw: String,
        /// The spelling that rules are held against; none if there is more than one reading.
        canonical: Option<String>,
    },
}

impl ObservingProxy {
    fn note(&self, note: impl FnOnce(&mut Observations)) {
        let mut observations = self.observations();
        // What follows the request on its connection is another request.
        if !observations.is_over {
            note(&mut observations);
        }
    }

    fn observations(&self) -> MutexGuard<'_, Observations> {
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It has each hook that the gateway's proxy has, and no other; a test holds it to that.
#[async_trait]
impl ProxyHttp for ObservingProxy {
    type CTX = (Exchange, HeaderMap);

    fn new_ctx(&self) -> Self::CTX {
        (self.proxy.new_ctx(), HeaderMap::new())
    }

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        self.proxy.init_downstream_modules(modules);
    }

    async fn early_request_filter(&self, session: &mut Session, (exchange, sent): &mut Self::CTX) -> Result<()> {
        self.client.set_served(true);
        sent.clone_from(&session.req_header().headers);
        self.proxy.early_request_filter(session, exchange).await
    }

    async fn request_filter(&self, session: &mut Session, (exchange, sent): &mut Self::CTX) -> Result<bool> {
        let forwarded = Forwarded::of(session, &exchange.active.config.trusted_proxies);
        let path = path(session, exchange);
        let answered = self.proxy.request_filter(session, exchange).await;
        let mut head = (**session.req_header()).clone();
        head.headers.clone_from(sent);
        if forwarded.by_proxy {
            head.extensions.insert(TrustedProxy);
        }
        let active = &exchange.active;
        let state = match &active.sessions {
            Some(sessions) => Some(sessions.sent_session(&active.gate, &head).await),
            None => None,
        };
        let rule = if let SeenPath::App { .. } = path { active.config.routes.place(&head) } else { None };
        self.note(|observations| {
            observations.request = Some(SeenRequest {
                method: head.method.to_string(),
                host: forwarded.host.as_ref().map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()),
                client: forwarded.client.address,
                scheme: forwarded.client.scheme,
                by_proxy: forwarded.by_proxy,
                path,
                rule,
                session: state,
            });
        });
        answered
    }

    async fn upstream_peer(&self, _: &mut Session, (exchange, _): &mut Self::CTX) -> Result<Box<HttpPeer>> {
        self.note(|observations| observations.upstream = Some(exchange.upstream));
        Ok(self.app.peer())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (exchange, _): &mut Self::CTX,
    ) -> Result<()> {
        self.proxy.upstream_request_filter(session, request, exchange).await
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        peer: &HttpPeer,
        (exchange, _): &mut Self::CTX,
        error: Box<Error>,
    ) -> Box<Error> {
        self.proxy.fail_to_connect(session, peer, exchange, error)
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        (exchange, _): &mut Self::CTX,
        was_reused: bool,
    ) -> Box<Error> {
        self.proxy.error_while_proxy(peer, session, error, exchange, was_reused)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        (exchange, _): &mut Self::CTX,
    ) -> Result<()> {
        self.proxy.response_filter(session, response, exchange).await
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, (exchange, _): &mut Self::CTX) -> FailToProxy {
        self.proxy.fail_to_proxy(session, error, exchange).await
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, (exchange, _): &mut Self::CTX) {
        self.note(|observations| {
            observations.refusal = module_of(session).and_then(TruegateModule::refusal);
            observations.is_over = true;
        });
        self.client.set_served(false);
        self.proxy.logging(session, error, exchange).await;
    }

    fn suppress_error_log(&self, session: &Session, (exchange, _): &Self::CTX, error: &Error) -> bool {
        self.proxy.suppress_error_log(session, exchange, error)
    }

    fn suppress_proxy_warn_log(
        &self,
        session: &Session,
        (exchange, _): &Self::CTX,
        error: &Error,
        context: ProxyWarnLogContext,
    ) -> bool {
        self.proxy.suppress_proxy_warn_log(session, exchange, error, context)
    }
}

/// How the gateway reads the path of a request, without what must stay secret of it.
fn path(session: &Session, exchange: &Exchange) -> SeenPath {
    let head = session.req_header();
    let raw = head.raw_path().split(|byte| *byte == b'?').next().unwrap_or_default();
    let ActiveConfig { config, routes, .. } = &*exchange.active;
    match routes.special(head).map(|route| routes.name(route)) {
        Some("native") => SeenPath::Route("native"),
        Some(own) if own.starts_with('/') => SeenPath::Own(own.to_owned()),
        Some(_) => SeenPath::Route("callback"),
        None if config.callback.path.is_told_by(raw) => SeenPath::Route("callback"),
        None => SeenPath::App {
            raw: String::from_utf8_lossy(raw).into_owned(),
            canonical: CanonicalPath::parse(head.uri.path()).ok().map(|path| path.as_str().to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names of the functions in the part of a file between two lines.
    fn hooks(text: &str, start: &str) -> BTreeSet<String> {
        let (_, rest) = text.split_once(start).unwrap();
        let (hooks, _) = rest.split_once("\n}\n").unwrap();
        let names =
            hooks.lines().filter_map(|line| line.strip_prefix("    fn ").or(line.strip_prefix("    async fn ")));
        names.map(|rest| rest.split(['(', '<']).next().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_hook_of_the_gateway_decides_here_too() {
        let gateway = hooks(include_str!("../proxy.rs"), "impl ProxyHttp for Proxy {");
        assert_eq!(hooks(include_str!("observing_proxy.rs"), "impl ProxyHttp for ObservingProxy {"), gateway);
        assert!(gateway.len() > 10, "{gateway:?}");
    }
}
