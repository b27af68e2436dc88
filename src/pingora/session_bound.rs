//! An HTTP app whose requests end with their sessions.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use async_trait::async_trait;
use pingora_core::{
    apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream},
    protocols::http::{ServerSession, v2::server::H2Options},
    server::{ShutdownWatch, configuration::ServerConf},
    services::listening::Service,
};
use pingora_proxy::{HttpProxy, ProxyHttp, http_proxy};

use crate::lease::Lease;

/// An HTTP app, such as a proxy, that drops a request as soon as its session has ended and its response has begun.
///
/// pingora has no hook for a silent connection, so this drops the whole request: an HTTP/1.1
/// connection is closed, an HTTP/2 stream is reset, and the connection to the app is closed.
#[derive(Debug)]
pub struct SessionBound<A> {
    app: Arc<A>,
}

/// Makes a proxy service as `http_proxy_service` does, whose WebSockets and streams end within two seconds of their session.
///
/// Use it for every proxy with a gate that has sessions.
pub fn proxy_service<P>(conf: &Arc<ServerConf>, proxy: P) -> Service<SessionBound<HttpProxy<P>>>
where
    P: ProxyHttp + Send + Sync + 'static,
    P::CTX: Send + Sync,
{
    Service::new("Pingora HTTP Proxy Service".to_owned(), SessionBound::new(http_proxy(conf, proxy)))
}

impl<A> SessionBound<A> {
    /// Wraps an app of your own. [`proxy_service`] does this for a proxy.
    pub fn new(app: A) -> Self {
        Self { app: Arc::new(app) }
    }
}

#[async_trait]
impl<A: HttpServerApp + Send + Sync + 'static> HttpServerApp for SessionBound<A> {
    // It is not async, because the future of the app would then be put into another box.
    fn process_new_http<'life0, 'life1, 'async_trait>(
        self: &'life0 Arc<Self>,
        session: ServerSession,
        shutdown: &'life1 ShutdownWatch,
    ) -> Pin<Box<dyn Future<Output = Option<ReusedHttpStream>> + Send + 'async_trait>>
    where
        Self: 'async_trait,
        'life0: 'async_trait,
        'life1: 'async_trait,
    {
        let request = self.app.process_new_http(session, shutdown);
        Box::pin(async { TASK.scope(RequestTask::default(), until_over(request)).await.flatten() })
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.app.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.app.server_options()
    }

    async fn http_cleanup(&self) {
        self.app.http_cleanup().await;
    }
}

/// Tells the app around this request's task how long the request may last.
pub(super) fn hold(lease: Lease) {
    // Without an app around it, the module can still look at every byte.
    let _ = TASK.try_with(|task| task.lease.replace(Some(lease)));
}

/// Tells the app around this request's task that the client gets the response of the app behind from now on. A response of
/// the gate itself is none of a session, and is written to its end.
pub(super) fn begin_response() {
    let _ = TASK.try_with(|task| task.has_begun.set(true));
}

/// Whether the app around this request's task knows that the session is over.
pub(super) fn is_over() -> bool {
    TASK.try_with(|task| task.is_over.get()).unwrap_or(false)
}

/// The output of a request, or none if its session is over before, and its response has begun.
///
/// A request that has no response yet goes on, so that the client gets an answer: pingora gives nobody else the connection.
/// The module lets nothing of it pass any more.
async fn until_over<T>(request: impl Future<Output = T>) -> Option<T> {
    let (mut request, mut over) = (pin!(request), None);
    poll_fn(|cx| {
        if let Poll::Ready(output) = request.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        TASK.with(|task| {
            if let Some(lease) = task.lease.take() {
                over = Some(lease.over());
            }
            if over.as_mut().is_some_and(|over| over.as_mut().poll(cx).is_ready()) {
                over = None;
                task.is_over.set(true);
            }
            if task.is_over.get() && task.has_begun.get() { Poll::Ready(None) } else { Poll::Pending }
        })
    })
    .await
}

/// The state of one request that the module and the app around it share.
#[derive(Default)]
struct RequestTask {
    lease: RefCell<Option<Lease>>,
    has_begun: Cell<bool>,
    is_over: Cell<bool>,
}

tokio::task_local! {
    static TASK: RequestTask;
}
