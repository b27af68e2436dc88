//! Work that goes on after its request was answered.

use std::pin::Pin;

/// Runs work that goes on after its request was answered. Nothing else in the library spawns.
///
/// Give the sessions a [`TaskTracker`] to be able to wait for that work when a server stops, or implement this trait to
/// bound or count it. A task is never retried, and is lost with the process.
///
/// A bound must leave room for one task that lasts: while sessions are used, it follows the store. Where it has no room, the
/// gateway learns of logouts on other gateways late, or refuses sessions because it cannot tell whether they are valid.
///
/// An implementor runs each task to its end, at once and beside the others. Otherwise a user who agreed waits in vain, and
/// a revocation that the store has missed stays unknown to it.
pub trait Tasks: Send + Sync + 'static {
    /// Starts a task, and returns without waiting for it.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);
}

/// Runs tasks on the current tokio runtime, and can wait for them. Clones share the tasks.
///
/// ```
/// use truegate::session::{TaskTracker, Tasks};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let tracker = TaskTracker::new();
/// Tasks::spawn(&tracker, Box::pin(async { /* verify a callback that was acknowledged */ }));
///
/// // When the server stops, no task is left half done.
/// tracker.wait().await;
/// # });
/// # Ok::<_, std::io::Error>(())
/// ```
///
/// # Panics
///
/// A task that is spawned outside of a tokio runtime panics.
#[derive(Debug, Clone, Default)]
pub struct TaskTracker(tokio_util::task::TaskTracker);

impl TaskTracker {
    /// Makes a tracker without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until no task runs. Call it when no request comes any more that could spawn another one.
    ///
    /// Call [`Gate::stop_waiting`](crate::Gate::stop_waiting) first. Otherwise the task that follows the store may last up to a
    /// minute after a session was used.
    pub async fn wait(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

impl Tasks for TaskTracker {
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(task);
    }
}
