//! One way of watching what may change while the gateway runs: certificates, lists of phone numbers and the addresses of
//! the upstream.
//!
//! Each has a task of its own that looks at it again and again, so no request or handshake waits for a file or a name
//! server.

use std::time::Duration;

use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tower::retry::backoff::Backoff;

use super::telemetry::Telemetry;
use crate::{
    access::{PhonesFile, PhonesFileError, Refresh},
    backoff,
};

/// Something outside of the process that may change.
///
/// An implementor keeps what it has until it finds something else that can be used; otherwise a file that is half written
/// takes a listener or a rule out of service.
pub(super) trait Watched: Send + 'static {
    /// How often it is looked at.
    const PERIOD: Duration;

    /// Looks at it, and takes over what has changed.
    fn look(&mut self, reason: Reason) -> impl Future<Output = Freshness> + Send;
}

/// The reason for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is time; what looks unchanged need not be read.
    Period,
    /// The operator asked for everything to be read.
    Reload,
}

/// The result of a look: whether the state that was found is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// The found state can be used, and is in use.
    Current,
    /// The found state cannot be used, and the previous one stays in use.
    Stale,
}

/// Looks at everything that is watched.
#[derive(Default)]
pub(super) struct Watcher(watch::Sender<()>);

impl Watcher {
    /// Has everything looked at now.
    pub(super) fn reload(&self) {
        self.0.send_replace(());
    }

    /// Looks at something after each period, and when a reload is asked for, for as long as the future is polled.
    ///
    /// An unusable state is looked at sooner, after pauses that grow up to the period.
    pub(super) fn watch<W: Watched>(
        &self,
        mut watched: W,
        mut found: Freshness,
    ) -> impl Future<Output = ()> + Send + use<W> {
        let mut asked = self.0.subscribe();
        async move {
            let growing = || backoff::growing(W::PERIOD / 10, W::PERIOD);
            let mut backoff = growing();
            loop {
                let pause = match found {
                    Freshness::Current => {
                        backoff = growing();
                        sleep(W::PERIOD)
                    }
                    Freshness::Stale => backoff.next_backoff(),
                };
                let reason = tokio::select! {
                    Ok(()) = asked.changed() => Reason::Reload,
                    () = pause => Reason::Period,
                };
                found = watched.look(reason).await;
            }
        }
    }
}

/// A file of phone numbers that rules name.
pub(super) struct WatchedPhonesFile {
    file: PhonesFile,
    /// The place of the file in the configuration, counted from 1. Its path is not logged.
    number: usize,
    mistake: Option<PhonesFileError>,
    telemetry: Telemetry,
}

impl WatchedPhonesFile {
    /// A file that was read when the configuration was.
    pub(super) fn new(file: PhonesFile, number: usize, telemetry: Telemetry) -> Self {
        Self { file, number, mistake: None, telemetry }
    }
}

impl Watched for WatchedPhonesFile {
    const PERIOD: Duration = Duration::from_secs(1);

    async fn look(&mut self, reason: Reason) -> Freshness {
        let file = self.file.clone();
        let look = move || {
            if reason == Reason::Reload {
                file.distrust();
            }
            file.refresh()
        };
        let Ok(found) = spawn_blocking(look).await else { return Freshness::Stale };
        let number = self.number;
        match found {
            Ok(Refresh::Renewed) => tracing::info!(number, "phones file read again"),
            Err(error) if self.mistake != Some(error) => {
                tracing::error!(number, %error, "the phones file cannot be used; the previous list stays in use");
            }
            Ok(_) | Err(_) => {}
        }
        self.telemetry.phones_file(self.mistake.is_none(), found.is_ok());
        self.mistake = found.err();
        if self.mistake.is_none() { Freshness::Current } else { Freshness::Stale }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::time::timeout;

    use super::*;

    struct Counted(Arc<AtomicUsize>, Freshness);

    impl Watched for Counted {
        const PERIOD: Duration = Duration::from_secs(60);

        async fn look(&mut self, _: Reason) -> Freshness {
            self.0.fetch_add(1, Ordering::Relaxed);
            self.1
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_is_looked_at_sooner() {
        for (found, least, most) in [(Freshness::Current, 10, 10), (Freshness::Stale, 11, 13)] {
            let looks = Arc::new(AtomicUsize::new(0));
            let watch = Watcher::default().watch(Counted(Arc::clone(&looks), found), found);
            assert!(timeout(Counted::PERIOD * 21 / 2, watch).await.is_err());
            let looks = looks.load(Ordering::Relaxed);
            assert!((least..=most).contains(&looks), "{found:?}: {looks}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_has_it_looked_at_now() {
        let (watcher, looks) = (Watcher::default(), Arc::new(AtomicUsize::new(0)));
        let watch = watcher.watch(Counted(Arc::clone(&looks), Freshness::Current), Freshness::Current);
        watcher.reload();
        assert!(timeout(Counted::PERIOD / 2, watch).await.is_err());
        assert_eq!(looks.load(Ordering::Relaxed), 1);
    }
}
