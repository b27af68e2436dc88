//! What the gateway tells systemd, or another service manager with its protocol (`Type=notify-reload`). Without one, nobody is told.

use std::{io, time::Duration};

use sd_notify::NotifyState;
use tokio::time::sleep;

use super::{
    config::{ListenAddress, Upstreams},
    connections::Workers,
};

/// Tells that the gateway takes requests, and what it serves. It is due after the start and after each reload.
pub(super) fn ready(listeners: &[ListenAddress], upstreams: &Upstreams) {
    let apps: Vec<_> = upstreams.iter().map(|(_, upstream)| &*upstream.name).collect();
    let status = format!("listening on {listeners:?}; apps: {}", apps.join(", "));
    tell(&[NotifyState::Ready, NotifyState::Status(&in_one_line(&status))]);
}

/// Tells that the configuration is being read again. [`ready`] must follow in any case: until then the service manager waits.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn(&error),
    }
}

/// Tells that the gateway stops, and how long that may take at most. The service manager would kill it after a time of its own.
pub(super) fn stopping(at_most: Duration) {
    let at_most = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
    let status = NotifyState::Status("finishing the requests that came before the stop");
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(at_most), status]);
}

/// Reassures the watchdog of the service manager, if it has one, twice in the time after which it would restart the gateway. Each
/// time, every thread must have run something just before.
pub(super) fn reassure(workers: Workers) -> Option<impl Future<Output = ()>> {
    let time = sd_notify::watchdog_enabled()?;
    Some(async move {
        loop {
            sleep(time / 2).await;
            workers.run_all().await;
            tell(&[NotifyState::Watchdog]);
        }
    })
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn(&error);
    }
}

fn warn(error: &io::Error) {
    tracing::warn!(%error, "the service manager cannot be told");
}

/// A line break would end the status: the path of a Unix socket may have one.
fn in_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
