//! Files are read again when their time has come, or when the operator asks for it.

use std::time::Duration;

use tokio::sync::watch;

/// Asks for everything to be read again. Clones ask the same.
#[derive(Clone, Default)]
pub(super) struct Reload(watch::Sender<()>);

/// When something is to be looked at again.
pub(super) struct Due {
    period: Duration,
    asked: watch::Receiver<()>,
}

/// Why something is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// As always: what has not changed need not be read.
    Time,
    /// The operator asked for it.
    Asked,
}

impl Reload {
    pub(super) fn ask(&self) {
        self.0.send_replace(());
    }

    /// Looks again after each period, or when it is asked to.
    pub(super) fn every(&self, period: Duration) -> Due {
        Due { period, asked: self.0.subscribe() }
    }
}

impl Due {
    pub(super) async fn next(&mut self) -> Reason {
        tokio::select! {
            Ok(()) = self.asked.changed() => Reason::Asked,
            () = tokio::time::sleep(self.period) => Reason::Time,
        }
    }
}
