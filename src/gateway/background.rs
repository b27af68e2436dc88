//! What looks after the parts of the configuration in force, besides requests.

use std::sync::Arc;

use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use super::{
    acme::Acme,
    active_config::ActiveConfig,
    config::AcmeConfig,
    listeners::certificate::Certificates,
    upstream::Upstream,
    watcher::{Freshness, Watched, WatchedPhonesFile, Watcher},
};

/// The tasks that look after the configuration in force. Those of a part that the next configuration shares go on, and the others
/// end with theirs.
pub(super) struct Background {
    upstreams: Vec<(Arc<Upstream>, Vec<Task>)>,
    certificates: Vec<(Certificates, Task)>,
    acme: Option<(AcmeConfig, Task)>,
    phones_files: Vec<Task>,
    watcher: Watcher,
    ended: CancellationToken,
    tasks: TaskTracker,
}

/// A task that ends when this is dropped.
type Task = AbortOnDropHandle<()>;

impl Background {
    /// Nothing yet. All tasks end with this token.
    pub(super) fn new(ended: CancellationToken, tasks: TaskTracker) -> Self {
        Self {
            upstreams: Vec::new(),
            certificates: Vec::new(),
            acme: None,
            phones_files: Vec::new(),
            watcher: Watcher::default(),
            ended,
            tasks,
        }
    }

    /// Whether certificates are obtained as this configuration says already.
    pub(super) fn obtains(&self, config: &AcmeConfig) -> bool {
        self.acme.as_ref().is_some_and(|(obtained, _)| obtained == config)
    }

    /// Looks after the parts of this configuration from now on. `acme` is what obtains its certificates, unless something does already.
    pub(super) fn look_after(&mut self, active: &ActiveConfig, certificates: Vec<Certificates>, acme: Option<Acme>) {
        let mut earlier = std::mem::take(&mut self.upstreams);
        for upstream in &active.upstreams {
            let tasks = match earlier.iter().position(|(known, _)| Arc::ptr_eq(known, upstream)) {
                Some(index) => earlier.swap_remove(index).1,
                None => vec![
                    self.check_health(Arc::clone(upstream)),
                    self.watch(Arc::clone(upstream), upstream.freshness()),
                ],
            };
            self.upstreams.push((Arc::clone(upstream), tasks));
        }
        let mut earlier = std::mem::take(&mut self.certificates);
        for certificates in certificates {
            let task = match earlier.iter().position(|(known, _)| known.are(&certificates)) {
                Some(index) => earlier.swap_remove(index).1,
                None => self.watch(certificates.clone(), Freshness::Current),
            };
            self.certificates.push((certificates, task));
        }
        self.acme = match (&active.config.acme, acme) {
            (Some(config), Some(acme)) => Some((config.clone(), self.watch(acme, Freshness::Stale))),
            (Some(_), None) => self.acme.take(),
            (None, _) => None,
        };
        let files = active.config.phones_files().map(|(key, file)| {
            let watched = WatchedPhonesFile::new(file.clone(), key, active.telemetry.clone());
            self.watch(watched, Freshness::Current)
        });
        self.phones_files = files.collect();
    }

    /// Has everything looked at now.
    pub(super) fn look_now(&self) {
        self.watcher.reload();
    }

    fn check_health(&self, upstream: Arc<Upstream>) -> Task {
        self.spawn(async move { upstream.check_health().await })
    }

    fn watch<W: Watched>(&self, watched: W, found: Freshness) -> Task {
        self.spawn(self.watcher.watch(watched, found))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task {
        let ended = self.ended.clone();
        AbortOnDropHandle::new(self.tasks.spawn(async move {
            ended.run_until_cancelled(task).await;
        }))
    }
}
