//! Work that goes on after its request was answered. Nothing else in the library spawns.
//!
//! Give the sessions a [`TaskTracker`] to be able to wait for that work when a server stops, or implement [`Tasks`] to
//! bound or count it. A task is never retried, and is lost with the process.
//!
//! ```
//! use truegate::tasks::{TaskTracker, Tasks};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let tracker = TaskTracker::new();
//! Tasks::spawn(&tracker, Box::pin(async { /* verify a callback that was acknowledged */ }));
//!
//! // When the server stops, no task is left half done.
//! tracker.close();
//! tracker.wait().await;
//! # });
//! # Ok::<_, std::io::Error>(())
//! ```

use futures_core::future::BoxFuture;
pub use tokio_util::task::TaskTracker;

/// Runs tasks in the background.
///
/// An implementor runs each task to its end, at once and beside the others. Otherwise a user who agreed waits in vain, and
/// a revocation that the store has missed stays unknown to it.
pub trait Tasks: Send + Sync + 'static {
    /// Starts a task, and returns without waiting for it.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Runs tasks on the current tokio runtime. Panics outside of one.
impl Tasks for TaskTracker {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        TaskTracker::spawn(self, task);
    }
}
