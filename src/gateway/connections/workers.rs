//! The threads that serve connections, each with a runtime and a proxy of its own.
//!
//! A connection stays on one thread from its first byte to its last, with the connections to the app that it uses. So one
//! thread that is stuck leaves the others alone, with two exceptions. All threads share the connections to the store, and each of
//! these is driven by the thread that opened it. And all threads together may have 256 fetches from a profile endpoint at once. The listeners, the admin routes and everything that is watched run on none of
//! these threads.

use std::{
    future::pending,
    io,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pingora_core::apps::ServerApp;
use tokio::{
    runtime::{self, Handle},
    sync::{mpsc, oneshot},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::accepted::AcceptedConnection;
use crate::clock::{Clock, SystemClock};

/// The threads that serve connections. Clones share them. A thread ends when its `WorkerStop` says so.
#[derive(Clone)]
pub(in crate::gateway) struct Workers {
    workers: Arc<[Worker]>,
    /// How many connections were handed over.
    turn: Arc<AtomicUsize>,
}

/// The way to one thread.
struct Worker {
    handed_over: mpsc::Sender<(AcceptedConnection, TaskTrackerToken)>,
    /// Has a token for each connection that was handed over and is not closed.
    open: TaskTracker,
    runtime: Handle,
}

/// How a thread learns of the end of the gateway, and how the gateway learns of the end of the thread.
#[derive(Clone)]
pub(in crate::gateway) struct WorkerStop {
    /// Says when the connections that are left are to be dropped.
    pub(in crate::gateway) ended: CancellationToken,
    /// Has a token for each thread until it has ended.
    pub(in crate::gateway) threads: TaskTracker,
}

impl Workers {
    /// Starts the threads. Each makes an app of its own, within its runtime.
    ///
    /// # Errors
    ///
    /// When a thread or an app cannot be made.
    pub(in crate::gateway) async fn start<A>(
        count: NonZero<usize>,
        stop: &WorkerStop,
        make: impl Fn() -> io::Result<A> + Clone + Send + 'static,
    ) -> io::Result<Self>
    where
        A: ServerApp + Send + Sync + 'static,
    {
        let starting: Vec<_> = (0..count.get())
            .map(|number| Worker::start(number, stop.clone(), make.clone()))
            .collect::<io::Result<_>>()?;
        let mut workers = Vec::with_capacity(starting.len());
        for started in starting {
            workers.push(started.await.map_err(|_| io::Error::other("a thread has ended while it started"))??);
        }
        Ok(Self { workers: workers.into(), turn: Arc::default() })
    }

    /// Runs something once within the runtime of each thread. The current thread does that.
    pub(in crate::gateway) fn enter_each(&self, run: impl Fn()) {
        for worker in &*self.workers {
            let _entered = worker.runtime.enter();
            run();
        }
    }

    /// Hands a connection to the thread that has the fewest which it has not taken yet: a thread that takes none is busy or stuck.
    /// Among such threads it goes to the one with the fewest open connections. Equal threads take turns.
    pub(in crate::gateway) async fn hand_over(&self, connection: AcceptedConnection) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.workers.len();
        let (later, sooner) = self.workers.split_at(turn);
        let worker = sooner.iter().chain(later).min_by_key(|worker| (worker.untaken(), worker.open.len()));
        let worker = worker.expect("there is at least one");
        // A thread that has ended takes nothing, and the connection is closed.
        let _ = worker.handed_over.send((connection, worker.open.token())).await;
    }

    /// Has every thread run something, and waits until each has done so. If a thread is stuck or has ended, this waits for ever.
    pub(in crate::gateway) async fn run_all(&self) {
        let tasks = TaskTracker::new();
        let runs: Vec<_> = self.workers.iter().map(|worker| tasks.spawn_on(async {}, &worker.runtime)).collect();
        for run in runs {
            if run.await.is_err() {
                return pending().await;
            }
        }
    }
}

impl Worker {
    fn start<A: ServerApp + Send + Sync + 'static>(
        number: usize,
        stop: WorkerStop,
        make: impl FnOnce() -> io::Result<A> + Send + 'static,
    ) -> io::Result<oneshot::Receiver<io::Result<Self>>> {
        let (tell, started) = oneshot::channel();
        let running = stop.threads.token();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            let _running = running;
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let made = runtime.and_then(|runtime| {
                let app = {
                    let _entered = runtime.enter();
                    make()?
                };
                Ok((runtime, app))
            });
            let (runtime, app) = match made {
                Ok(made) => made,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let (handed_over, taken) = mpsc::channel(UNTAKEN);
            let open = TaskTracker::new();
            let worker = Self { handed_over, open: open.clone(), runtime: runtime.handle().clone() };
            let _ = tell.send(Ok(worker));
            let ended = stop.ended.clone();
            let serving = async { tokio::join!(serve(Arc::new(app), taken, stop, open), beat()) };
            runtime.block_on(ended.run_until_cancelled(serving));
        })?;
        Ok(started)
    }

    /// How many connections the thread has yet to take.
    fn untaken(&self) -> usize {
        self.handed_over.max_capacity() - self.handed_over.capacity()
    }
}

/// Serves what is handed over, until the future is dropped.
async fn serve<A: ServerApp + Send + Sync + 'static>(
    app: Arc<A>,
    mut taken: mpsc::Receiver<(AcceptedConnection, TaskTrackerToken)>,
    WorkerStop { ended, .. }: WorkerStop,
    open: TaskTracker,
) {
    while let Some((connection, _untaken)) = taken.recv().await {
        let app = Arc::clone(&app);
        open.spawn(async move { connection.serve(&app).await });
    }
    ended.cancelled().await;
}

/// Keeps a timer of this thread pending that is due before those of requests.
///
/// tokio wakes a thread by a system call when a timer starts that is due before all others, even if this very thread starts it.
/// Without this one, most timers of requests would be such timers.
async fn beat() {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BEAT).await;
    }
}

/// Shorter than the timers of ordinary requests: the shortest is that of a session's lease. Only retries and lookups have shorter
/// ones.
const BEAT: Duration = Duration::from_millis(500);
/// How many connections a thread may have yet to take before the listeners wait for it.
const UNTAKEN: usize = 1024;

#[cfg(test)]
mod tests;
