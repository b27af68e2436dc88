//! The verifications of callbacks that were answered: work in flight, as much as a request.

use futures_core::future::BoxFuture;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerWaitFuture},
};

use crate::tasks::Tasks;

/// Runs verifications until they end, or are cut off. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Verifications {
    tracker: TaskTracker,
    ended: CancellationToken,
}

impl Verifications {
    /// How many run.
    pub(super) fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Ready once none runs; to be called when no more can come.
    pub(super) fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        self.tracker.close();
        self.tracker.wait()
    }

    /// Ends those that still run.
    pub(super) fn cut_off(&self) {
        self.ended.cancel();
    }
}

impl Tasks for Verifications {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let ended = self.ended.clone();
        self.tracker.spawn(async move { ended.run_until_cancelled_owned(task).await });
    }
}
