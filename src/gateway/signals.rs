//! The signals of an operator: to stop, and to read files again.

use std::{future::poll_fn, io, task::Poll};

use tokio::signal::unix::{self, SignalKind, signal};

/// A request of an operator to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM, SIGINT or SIGQUIT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals of the process.
pub(super) struct Signals {
    stop: [unix::Signal; 3],
    reload: unix::Signal,
    /// They have no meaning here, but by default they would end the process.
    _ignored: [unix::Signal; 2],
}

impl Signals {
    /// Takes over the signals until the process ends.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            stop: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::quit())?],
            reload: signal(SignalKind::hangup())?,
            _ignored: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
        })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Signal {
        poll_fn(|cx| {
            if self.stop.iter_mut().any(|signal| signal.poll_recv(cx).is_ready()) {
                return Poll::Ready(Signal::Stop);
            }
            self.reload.poll_recv(cx).map(|_| Signal::Reload)
        })
        .await
    }

    /// Waits until the process is to stop. A request to reload stays for [`next`](Self::next).
    pub(super) async fn stop(&mut self) {
        poll_fn(|cx| {
            let is_asked = self.stop.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if is_asked { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
