//! Leases: a request may last as long as its session.

use std::{pin::Pin, sync::Arc};

use futures_core::future::BoxFuture;

/// Tells an app when the session of a request ends. Clones share the state.
///
/// The edges end requests, responses and WebSockets themselves, with one exception: the tower layer cannot end a WebSocket that
/// the app has taken over. The app finds the lease in the request's extensions, and must end the WebSocket itself:
///
/// ```
/// use truegate::Lease;
///
/// async fn serve(request: http::Request<()>, socket: impl Future<Output = ()>) {
///     let Some(lease) = request.extensions().get::<Lease>() else { return socket.await };
///     let (mut socket, mut over) = (std::pin::pin!(socket), lease.over());
///     // Whichever comes first: tokio::select! does the same.
///     std::future::poll_fn(|cx| match socket.as_mut().poll(cx) {
///         std::task::Poll::Pending => over.as_mut().poll(cx),
///         ready => ready,
///     })
///     .await
/// }
/// # drop(serve(http::Request::new(()), async {}));
/// ```
#[derive(Clone)]
pub struct Lease(Arc<dyn SessionEnd>);

/// Knows when one session ends.
pub(crate) trait SessionEnd: Send + Sync {
    /// Whether this gateway knows that the session has ended.
    fn is_over(&self) -> bool;

    /// The id of the session, which is a secret.
    #[cfg(feature = "gateway")]
    fn session(&self) -> &[u8];

    /// Completes soon after the session has ended on any gateway.
    fn over(self: Arc<Self>) -> BoxFuture<'static, ()>;
}

impl Lease {
    pub(crate) fn new(end: impl SessionEnd + 'static) -> Self {
        Self(Arc::new(end))
    }

    /// Whether this gateway knows that the session has ended.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// The id of the session.
    ///
    /// # Security
    ///
    /// It is a secret, and the same for all requests of a session: hash it, and show it to nobody.
    #[cfg(feature = "gateway")]
    pub(crate) fn session(&self) -> &[u8] {
        self.0.session()
    }

    /// Returns a future that is ready within two seconds of the session's end: after a logout on any gateway of the site, at
    /// the end of its lifetime, or because the store could not be asked about logouts for longer than the site allows.
    ///
    /// While any is polled, the store is asked about logouts, two or three times a second. It needs a tokio runtime.
    pub fn over(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Arc::clone(&self.0).over()
    }
}

redacted!(Lease);
