//! The certificates of a listener, which are read again when their files change.
//!
//! rustls and pingora ask a resolver for the certificate at each handshake, but neither watches files. So the resolver is our
//! own: it shows what was read last, and a pair that cannot be used never replaces one that can.

mod pair;
mod shown;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::task::spawn_blocking;

pub(in crate::gateway) use self::pair::parse;
use self::{
    pair::{Pair, PairError},
    shown::Shown,
};
use crate::gateway::{
    config::{CertificateSource, FolderMistake, TlsFiles},
    watcher::{Freshness, Reason, Watched},
};

/// The certificates of one listener, which are renewed without a restart: handshakes show those that were read last.
#[derive(Clone)]
pub(in crate::gateway) struct Certificates(Arc<Current>);

struct Current {
    source: CertificateSource,
    shown: RwLock<Arc<Shown>>,
    /// The files and folders that say whether anything has changed.
    watched: Mutex<Vec<PathBuf>>,
}

impl Certificates {
    /// Reads every pair at once: by the first handshake, what was found to match may be half renewed.
    ///
    /// # Errors
    ///
    /// When any pair cannot be used, unless the gateway obtains its certificates itself.
    pub(in crate::gateway) fn read(source: CertificateSource) -> io::Result<Self> {
        let found = find(&source)?;
        let load = |files| Pair::load(files).map_err(io::Error::other);
        // Another one is obtained in place of one that cannot be used.
        let is_obtained = matches!(source, CertificateSource::Acme(_));
        let loaded = found.pairs.into_iter().map(load).filter(|pair| pair.is_ok() || !is_obtained);
        let pairs = loaded.collect::<io::Result<Vec<_>>>()?;
        if pairs.is_empty() && !is_obtained {
            return Err(io::Error::other("the folder of certificates has no pair"));
        }
        let shown = RwLock::new(Arc::new(Shown::new(pairs)));
        Ok(Self(Arc::new(Current { source, shown, watched: Mutex::new(found.watched) })))
    }

    /// Whether these are the same, and not only read from the same files.
    pub(in crate::gateway) fn are(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether one of the certificates is for this host, which is a name in lower case.
    pub(in crate::gateway) fn are_for(&self, host: &str) -> bool {
        self.shown().named(host).is_some()
    }

    /// What was read last.
    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.0.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads every pair again, and takes over those that can be used.
    fn refresh(&self) -> Refreshed {
        let before = self.shown();
        let found = match find(&self.0.source) {
            Ok(found) => found,
            Err(error) => return Refreshed { has_changed: false, faults: vec![Fault::of_all(error.into())] },
        };
        let mut faults: Vec<_> = found.mistakes.into_iter().map(|mistake| Fault::of_all(mistake.into())).collect();
        let known = |files: &TlsFiles| before.pairs.iter().find(|pair| pair.files == *files);
        let mut pairs = Vec::new();
        for files in &found.pairs {
            match Pair::load(files.clone()) {
                Ok(pair) => pairs.push(pair),
                Err(reason) => {
                    faults.push(Fault { kept: known(files).map(Pair::name), reason });
                    pairs.extend(known(files).cloned());
                }
            }
        }
        // Of a folder, a pair is gone only when both of its files are: one alone is half written. It keeps its place, because the
        // first pair is for all other clients.
        for (place, pair) in before.pairs.iter().enumerate().filter(|(_, pair)| !found.pairs.contains(&pair.files)) {
            if pair.files.certificate.exists() || pair.files.key.exists() {
                faults.push(Fault { kept: Some(pair.name()), reason: PairError::Half });
                pairs.insert(place.min(pairs.len()), pair.clone());
            }
        }
        if pairs.is_empty() && !before.pairs.is_empty() {
            faults.push(Fault::of_all(PairError::Empty));
            pairs.clone_from(&before.pairs);
        }
        *self.0.watched.lock().unwrap_or_else(PoisonError::into_inner) = found.watched;
        let chains = |pairs: &[Pair]| pairs.iter().map(|pair| pair.key.cert.clone()).collect::<Vec<_>>();
        let has_changed = chains(&pairs) != chains(&before.pairs);
        if has_changed {
            *self.0.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Shown::new(pairs));
        }
        Refreshed { has_changed, faults }
    }
}

/// The result of reading the pairs again.
struct Refreshed {
    /// Whether handshakes show something else than before.
    has_changed: bool,
    /// What cannot be used; nothing if every pair can.
    faults: Vec<Fault>,
}

/// Files that cannot be used.
struct Fault {
    /// The name of the certificate that stays in use; none if it is not known which one the files are for.
    kept: Option<String>,
    reason: PairError,
}

impl Fault {
    /// What is wrong with the files as a whole.
    fn of_all(reason: PairError) -> Self {
        Self { kept: None, reason }
    }
}

/// A pair that cannot be read, or does not match because only one file has been written yet, leaves its previous certificate
/// in use.
impl Watched for Certificates {
    const PERIOD: Duration = Duration::from_secs(1);

    fn files(&self) -> Vec<PathBuf> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&mut self, reason: Reason) -> Freshness {
        let certificates = self.clone();
        let Ok(found) = spawn_blocking(move || certificates.refresh()).await else { return Freshness::Stale };
        if found.has_changed {
            tracing::info!("the certificates have changed");
        }
        if found.faults.is_empty() {
            return Freshness::Current;
        }
        if reason != Reason::Retry {
            for Fault { kept, reason } in found.faults {
                let reason = reason.to_string();
                tracing::error!(
                    certificate = kept,
                    reason,
                    "a certificate's files cannot be used; the previous certificate stays in use"
                );
            }
        }
        Freshness::Stale
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has the name in lower case.
        let shown = self.shown();
        let is_unknown = |name| shown.named(name).is_none();
        if matches!(self.0.source, CertificateSource::Acme(_)) && hello.server_name().is_some_and(is_unknown) {
            // The host may wait for its first certificate, and that of another host is wrong for its clients.
            return None;
        }
        shown.choose(hello.server_name(), hello.signature_schemes()).cloned()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("source", &self.0.source).finish_non_exhaustive()
    }
}

/// The pairs of a source, and the files and folders to watch for changes of them.
struct Found {
    pairs: Vec<TlsFiles>,
    watched: Vec<PathBuf>,
    mistakes: Vec<FolderMistake>,
}

fn find(source: &CertificateSource) -> io::Result<Found> {
    let (pairs, folders, mistakes) = match source {
        CertificateSource::Pairs(pairs) => (pairs.clone(), Vec::new(), Vec::new()),
        CertificateSource::Acme(hosts) => {
            let pairs = hosts.iter().filter(|files| files.certificate.exists()).cloned().collect();
            (pairs, hosts.iter().map(|files| files.certificate.clone()).collect(), Vec::new())
        }
        CertificateSource::Folder(folder) => {
            let found = folder.find()?;
            (found.pairs.into_iter().map(|(_, files)| files).collect(), found.folders, found.mistakes)
        }
    };
    let files = pairs.iter().flat_map(|files| [files.certificate.clone(), files.key.clone()]);
    Ok(Found { watched: files.chain(folders).collect(), pairs, mistakes })
}
