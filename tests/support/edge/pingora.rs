//! The pingora module in somebody's own proxy.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::IntoRawFd,
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora_core::{
    Error, ErrorSource, Result,
    apps::ServerApp,
    modules::http::HttpModules,
    server::{Fds, configuration::ServerConf},
    services::{Service, listening},
    upstreams::peer::HttpPeer,
};
use pingora_http::RequestHeader;
use pingora_proxy::{FailToProxy, ProxyHttp, Session, http_proxy_service};
use tokio::{sync::watch, task::JoinSet};
use truegate::{
    Gate,
    gate::TrustedProxy,
    pingora::{TruegateModule, answer_ended, inject, intercept, proxy_service},
};

/// A service of pingora's that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    _task: JoinSet<()>,
    _shutdown: watch::Sender<bool>,
}

impl Server {
    /// With every request from a proxy of the operator's own, if it is to be so.
    pub(super) fn start(gate: Gate, app: SocketAddr, trusted: bool) -> Self {
        Self::serve(Proxy { gate, app, trusted })
    }

    /// Serves any proxy on a free port.
    pub fn serve<P>(proxy: P) -> Self
    where
        P: ProxyHttp + Send + Sync + 'static,
        P::CTX: Send + Sync,
    {
        Self::run(proxy_service(&Arc::new(ServerConf::default()), proxy))
    }

    /// As pingora's own service, which knows nothing of sessions.
    pub fn bare(gate: Gate, app: SocketAddr) -> Self {
        Self::run(http_proxy_service(&Arc::new(ServerConf::default()), Proxy { gate, app, trusted: false }))
    }

    fn run<A: ServerApp + Send + Sync + 'static>(mut service: listening::Service<A>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket can be made nonblocking");
        let address = socket.local_addr().expect("a bound socket has an address");
        service.add_tcp(&address.to_string());
        let mut sockets = Fds::new();
        sockets.add(address.to_string(), socket.into_raw_fd());
        let sockets = Some(Arc::new(Mutex::new(sockets)));
        let (shutdown, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(async move { service.start_service(sockets, stopped, 1).await });
        Self { address, _task: task, _shutdown: shutdown }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

struct Proxy {
    gate: Gate,
    app: SocketAddr,
    trusted: bool,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        modules.add_module(TruegateModule::builder(self.gate.clone()));
    }

    async fn request_filter(&self, session: &mut Session, _: &mut ()) -> Result<bool> {
        if self.trusted {
            session.req_header_mut().extensions_mut().insert(TrustedProxy);
        }
        intercept(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.app, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _: &mut (),
    ) -> Result<()> {
        inject(session, request)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, (): &mut ()) -> FailToProxy {
        let error_code = if answer_ended(session).await {
            401
        } else {
            let code = if *error.esource() == ErrorSource::Upstream { 502 } else { 400 };
            // The client may be gone.
            let _ = session.respond_error(code).await;
            code
        };
        FailToProxy { error_code, can_reuse_downstream: false }
    }
}
