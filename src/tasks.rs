//! Work that goes on after its request was answered.

use std::pin::Pin;

/// Runs work that continues after its request was answered. The library spawns tasks in no other way.
///
/// Give the sessions a [`TaskTracker`] if you want to wait for this work when a server stops. Implement this trait if you want to
/// limit or count the tasks. A task is never retried, and is lost with the process.
///
/// A limit must leave room for one task that runs as long as sessions are used: it follows the store. Without room for it, the
/// gateway learns late of logouts on other gateways, or refuses sessions because it does not know whether they are valid.
///
/// An implementor must start each task at once, beside the others, and run it to its end. Otherwise a user who agreed waits in
/// vain, and the store does not learn of a revocation that it missed.
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
    /// Creates a tracker without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until no task runs. Call it when no further request can start a task.
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
