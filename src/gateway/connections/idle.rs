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
    time: impl Fn() -> Duration,
    shutdown: &ShutdownWatch,
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
async fn stopped(mut shutdown: ShutdownWatch, time: impl Fn() -> Duration) {
    // A gateway that is gone has stopped as well.
    let _ = shutdown.wait_for(|is_stopped| *is_stopped).await;
    // The timer is large, and most connections never need it.
    Box::pin(sleep(time())).await;
}

/// How long a connection may stay without a byte after a stop, seen from its start. Its client has only just connected, or shaken
/// hands, and may send its request now.
pub(super) fn time_for_first_bytes(shutdown: &ShutdownWatch) -> Duration {
    if *shutdown.borrow() { LATE_REQUEST } else { FIRST_BYTES }
}

/// How long the runtime may take to learn of bytes that a socket has received.
pub(super) const ARRIVAL: Duration = Duration::from_millis(50);
/// For a connection from before the stop. Many browsers open one more than they need, so the stop must not wait for long.
const FIRST_BYTES: Duration = Duration::from_millis(500);
/// For a connection that came so shortly before the stop that nobody had accepted it, or that was in its handshake: its client is
/// sure to be there.
const LATE_REQUEST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use tokio::{sync::watch, time::sleep};

    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    /// How long after the stop a connection is closed, which is idle if so, and of which a byte came if so.
    async fn closed_after(is_idle: &Cell<bool>, is_fresh: bool, serving: impl Future<Output = ()>) -> Option<Duration> {
        let (stop, shutdown) = watch::channel(false);
        let first_bytes = time_for_first_bytes(&shutdown);
        let time = || if is_fresh { first_bytes } else { ARRIVAL };
        let stopping = async {
            sleep(Duration::from_secs(9)).await;
            stop.send_replace(true);
            SystemClock.now()
        };
        let served = async { (until_idle(serving, || is_idle.get(), time, &shutdown).await, SystemClock.now()) };
        let ((output, ended), stopped) = tokio::join!(served, stopping);
        output.is_none().then(|| ended - stopped)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_just_connected_has_longer_for_its_request_than_one_that_is_known() {
        let is_idle = Cell::new(true);
        // A timer counts whole milliseconds.
        let millis = |time: Option<Duration>| time.unwrap().as_millis();
        assert!((500..510).contains(&millis(closed_after(&is_idle, true, pending()).await)));
        assert!((50..60).contains(&millis(closed_after(&is_idle, false, pending()).await)));
        let late = watch::channel(true).1;
        assert_eq!(time_for_first_bytes(&late), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_comes_in_time_is_answered_however_long_it_takes() {
        let is_idle = Cell::new(true);
        let request = async {
            sleep(Duration::from_millis(9400)).await;
            is_idle.set(false);
            sleep(Duration::from_hours(1)).await;
        };
        assert_eq!(closed_after(&is_idle, true, request).await, None);
    }
}
