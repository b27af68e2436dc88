//! When a connection is closed at a stop: as soon as it is idle, and never in the middle of a request.
//!
//! pingora closes all connections that wait for a head, even if a part of it has come or lies unread in the socket. So its
//! `cleanup` is never called, and connections are closed here.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use pingora_core::server::ShutdownWatch;
use tokio::time::sleep;

/// Serves a connection. After a stop, this returns none, and drops the future, once the connection is idle and has had this much
/// time for what came before the stop. It must always be polled by the same task.
pub(super) async fn until_idle<T>(
    serving: impl Future<Output = T>,
    is_idle: impl Fn() -> bool,
    shutdown: &ShutdownWatch,
    time: Duration,
) -> Option<T> {
    let (mut serving, mut stopped) = (pin!(serving), pin!(stopped(shutdown.clone(), time)));
    let mut is_awaited = false;
    poll_fn(|cx| {
        if let Poll::Ready(output) = serving.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        // A busy connection is checked again after its request. To wait for the stop anew after each request would cost more than
        // to ask whether it has come.
        if !is_idle() || (is_awaited && shutdown.has_changed().is_ok_and(|has_changed| !has_changed)) {
            return Poll::Pending;
        }
        is_awaited = true;
        stopped.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Waits for the stop, and then for so long.
async fn stopped(mut shutdown: ShutdownWatch, time: Duration) {
    // A gateway that is gone has stopped as well.
    let _ = shutdown.wait_for(|is_stopped| *is_stopped).await;
    // The timer is large, and most connections never need it.
    Box::pin(sleep(time)).await;
}

/// How long the runtime may take to learn of bytes that a socket has received.
pub(super) const ARRIVAL: Duration = Duration::from_millis(50);
/// How long a request may take that follows a TLS handshake at once.
pub(super) const FIRST_REQUEST: Duration = Duration::from_secs(2);
