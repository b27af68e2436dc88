//! The tasks of a site, which go on when they are told to.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, OnceLock, Weak},
    task::{Context, Poll, Waker},
};

use futures_core::future::BoxFuture;

use crate::{
    session::{Sessions, SharedSessions},
    tasks::Tasks,
};

/// Tasks that go on when they are told to.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Queued>);

#[derive(Default)]
struct Queued {
    tasks: Mutex<Vec<BoxFuture<'static, ()>>>,
    /// The task that follows the store, which is told apart by the state of the sessions when it is spawned.
    follower: Mutex<Option<BoxFuture<'static, ()>>>,
    sessions: OnceLock<Weak<SharedSessions>>,
}

impl Queue {
    /// Tells the queue whose tasks it runs.
    pub(super) fn serve(&self, sessions: &Sessions) {
        let is_first = self.0.sessions.set(Arc::downgrade(&sessions.0)).is_ok();
        assert!(is_first, "a queue serves one site");
    }

    pub(super) fn sessions(&self) -> Sessions {
        Sessions(self.0.sessions.get().and_then(Weak::upgrade).unwrap())
    }

    /// Lets every task go on for as long as it can, and tells how many are left beside the one that follows the store.
    pub(super) fn run(&self) -> usize {
        self.follow();
        let mut tasks = self.0.tasks.lock().unwrap();
        tasks.retain_mut(|task| poll(task).is_pending());
        tasks.len()
    }

    /// Lets the task that follows the store go on.
    pub(super) fn follow(&self) {
        let follower = self.0.follower.lock().unwrap().take();
        let going_on = follower.and_then(|mut task| poll(&mut task).is_pending().then_some(task));
        *self.0.follower.lock().unwrap() = going_on;
    }

    /// Drops all tasks, as a runtime does that is shut down.
    pub(super) fn drop_all(&self) {
        drop(self.0.follower.lock().unwrap().take());
        self.0.tasks.lock().unwrap().clear();
    }

    pub(super) fn is_following(&self) -> bool {
        self.0.follower.lock().unwrap().is_some()
    }
}

impl Tasks for Queue {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let sessions = self.0.sessions.get().and_then(Weak::upgrade);
        let is_followed = sessions.is_some_and(|sessions| sessions.memory.revocations.is_followed());
        if is_followed && !self.is_following() {
            *self.0.follower.lock().unwrap() = Some(task);
        } else {
            self.0.tasks.lock().unwrap().push(task);
        }
    }
}

fn poll(task: &mut BoxFuture<'static, ()>) -> Poll<()> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A future's output, if it is ready now.
pub(super) fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
