//! One way of watching what may change while the gateway runs: certificates, lists of phone numbers and the addresses of
//! the upstream.
//!
//! Each has a task of its own that looks at it again and again, so no request or handshake waits for a file or a name
//! server.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tower::retry::backoff::Backoff;

use super::telemetry::Telemetry;
use crate::{access::PhonesFile, backoff};

/// Something outside of the process that may change.
///
/// An implementor keeps what it has until it finds something else that can be used; otherwise a file that is half written
/// takes a listener or a rule out of service.
pub(super) trait Watched: Send + 'static {
    /// How often it is looked at.
    const PERIOD: Duration;

    /// The files that it is read from. It is looked at only if one of them has changed; without any, after each period.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Looks at it, and takes over what has changed.
    fn look(&mut self, reason: Reason) -> impl Future<Output = Freshness> + Send;
}

/// The reason for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is the first look. The state may have changed since the start, while it was read.
    First,
    /// It has changed, or may have.
    Change,
    /// The operator asked for everything to be read.
    Reload,
    /// It could not be used before. What is the matter was logged then.
    Retry,
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
    /// What cannot be used is looked at sooner, after pauses that grow up to the period.
    pub(super) fn watch<W: Watched>(
        &self,
        mut watched: W,
        mut found: Freshness,
    ) -> impl Future<Output = ()> + Send + use<W> {
        let mut asked = self.0.subscribe();
        async move {
            let growing = || backoff::growing(W::PERIOD / 10, W::PERIOD);
            let (mut backoff, mut before) = (growing(), None);
            loop {
                let pause = match found {
                    Freshness::Current => {
                        backoff = growing();
                        sleep(W::PERIOD)
                    }
                    Freshness::Stale => backoff.next_backoff(),
                };
                let is_asked = tokio::select! {
                    Ok(()) = asked.changed() => true,
                    () = pause => false,
                };
                // The stamps come first: a later write gives a file another stamp, so that the next look reads it.
                let stamps = stamps(watched.files()).await;
                let reason = match &before {
                    _ if is_asked => Reason::Reload,
                    None => Reason::First,
                    Some(before) if stamps.is_empty() || *before != stamps => Reason::Change,
                    Some(_) if found == Freshness::Stale => Reason::Retry,
                    Some(_) => continue,
                };
                before = Some(stamps);
                found = watched.look(reason).await;
            }
        }
    }
}

/// Tells one state of a file from the next: when it was changed, its length and its inode; none if it cannot be found.
type Stamp = Option<(i64, i64, u64, u64)>;

async fn stamps(files: Vec<PathBuf>) -> Vec<Stamp> {
    if files.is_empty() {
        return Vec::new();
    }
    let stamp = |file| {
        let found = fs::metadata(file).ok()?;
        Some((found.ctime(), found.ctime_nsec(), found.len(), found.ino()))
    };
    spawn_blocking(move || files.into_iter().map(stamp).collect()).await.unwrap_or_default()
}

/// A file of phone numbers that rules name.
pub(super) struct WatchedPhonesFile {
    file: PhonesFile,
    /// The key of the file in the configuration. Its path is not logged.
    key: String,
    mistake: Option<String>,
    telemetry: Telemetry,
}

impl WatchedPhonesFile {
    /// A file that was read when the configuration was.
    pub(super) fn new(file: PhonesFile, key: String, telemetry: Telemetry) -> Self {
        Self { file, key, mistake: None, telemetry }
    }
}

/// A file that is no longer watched is not counted as one that cannot be used.
impl Drop for WatchedPhonesFile {
    fn drop(&mut self) {
        self.telemetry.phones_file(self.mistake.is_some(), false);
    }
}

impl Watched for WatchedPhonesFile {
    const PERIOD: Duration = Duration::from_secs(1);

    fn files(&self) -> Vec<PathBuf> {
        vec![self.file.path().to_owned()]
    }

    async fn look(&mut self, reason: Reason) -> Freshness {
        let (file, key) = (self.file.clone(), &self.key);
        let Ok(found) = spawn_blocking(move || file.refresh()).await else { return Freshness::Stale };
        let mistake = found.err().map(|error| error.to_string());
        match &mistake {
            None if reason != Reason::First => tracing::info!(key, "phones file read again"),
            Some(error) if self.mistake != mistake => {
                tracing::error!(key, %error, "the phones file cannot be used; the previous list stays in use");
            }
            None | Some(_) => {}
        }
        self.telemetry.phones_file(self.mistake.is_some(), mistake.is_some());
        self.mistake = mistake;
        if self.mistake.is_none() { Freshness::Current } else { Freshness::Stale }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering},
        },
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

    struct File(PathBuf, Arc<Mutex<Vec<Reason>>>);

    impl Watched for File {
        const PERIOD: Duration = Duration::from_secs(60);

        fn files(&self) -> Vec<PathBuf> {
            vec![self.0.clone()]
        }

        async fn look(&mut self, reason: Reason) -> Freshness {
            self.1.lock().unwrap().push(reason);
            if self.0.exists() { Freshness::Current } else { Freshness::Stale }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_looked_at_once_for_each_change_and_until_it_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let (path, looks) = (folder.path().join("file"), Arc::new(Mutex::new(Vec::new())));
        fs::write(&path, "one").unwrap();
        let watcher = Watcher::default();
        let mut watch = pin!(watcher.watch(File(path.clone(), Arc::clone(&looks)), Freshness::Current));
        let mut looks_within = async |periods| {
            assert!(timeout(File::PERIOD * periods, watch.as_mut()).await.is_err());
            std::mem::take(&mut *looks.lock().unwrap())
        };

        assert_eq!(looks_within(3).await, [Reason::First]);
        // At once, because a look at its stamp may be under way.
        let written = folder.path().join("written");
        fs::write(&written, "two lines").unwrap();
        fs::rename(written, &path).unwrap();
        assert_eq!(looks_within(3).await, [Reason::Change]);
        watcher.reload();
        assert_eq!(looks_within(3).await, [Reason::Reload]);
        fs::remove_file(&path).unwrap();
        let lost = looks_within(3).await;
        assert_eq!(lost[0], Reason::Change);
        assert!(lost.len() > 3 && lost[1..].iter().all(|reason| *reason == Reason::Retry), "{lost:?}");
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
