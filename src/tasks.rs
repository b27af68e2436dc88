//! Work that goes on after its request was answered: the only place that spawns.
//!
//! ```
//! use truegate::tasks::{TaskTracker, Tasks};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let tracker = TaskTracker::new();
//! Tasks::spawn(&tracker, Box::pin(async { /* verify a callback that was acknowledged */ }));
//!
//! // When the server stops: no task is left half done.
//! tracker.close();
//! tracker.wait().await;
//! # });
//! # Ok::<_, std::io::Error>(())
//! ```

use futures_core::future::BoxFuture;
pub use tokio_util::task::TaskTracker;

/// Runs tasks, and lets whoever stops the server wait for them.
///
/// An implementor runs each task to its end; otherwise a user who agreed waits in vain.
pub trait Tasks: Send + Sync + 'static {
    /// Runs a task.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Runs tasks on tokio: it needs a tokio runtime.
impl Tasks for TaskTracker {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        TaskTracker::spawn(self, task);
    }
}
