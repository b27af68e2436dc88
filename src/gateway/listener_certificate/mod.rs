//! The certificates of a listener, which are read again when their files change.
//!
//! rustls and pingora ask a resolver for the certificate at each handshake, but neither watches files. So the resolver is our
//! own: it shows what was read last, and a pair that cannot be used never replaces one that can.

mod shown;

use std::{
    fmt, fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

pub(super) use self::shown::names;
use self::shown::{Pair, Shown};
use super::{
    config::{CertificateSource, TlsFiles},
    watcher::{Freshness, Reason, Watched},
};
use crate::tls;

/// The certificates of one listener, which are renewed without a restart: handshakes show those that were read last.
#[derive(Clone)]
pub(super) struct Certificates(Arc<Current>);

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
    pub(super) fn read(source: CertificateSource) -> io::Result<Self> {
        let found = find(&source)?;
        let load = |files: TlsFiles| Ok(Pair { key: Arc::new(load(&files)?), files });
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

    /// Whether one of the certificates is for this host, which is a name in lower case.
    pub(super) fn are_for(&self, host: &str) -> bool {
        self.shown().named(host).is_some()
    }

    /// What was read last.
    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.0.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads every pair again, and takes over those that can be used.
    fn refresh(&self) -> Refreshed {
        let before = self.shown();
        let Ok(found) = find(&self.0.source) else { return Refreshed { is_whole: false, ..Refreshed::default() } };
        let (mut is_whole, mut unusable) = (!found.has_mistakes, Vec::new());
        let known = |files: &TlsFiles| before.pairs.iter().find(|pair| pair.files == *files);
        let mut pairs = Vec::new();
        for files in &found.pairs {
            match load(files) {
                Ok(key) => pairs.push(Pair { files: files.clone(), key: Arc::new(key) }),
                Err(_) => {
                    unusable.extend(known(files).map(Pair::name));
                    is_whole = false;
                    pairs.extend(known(files).cloned());
                }
            }
        }
        // Of a folder, a pair is gone only when both of its files are: one alone is half written. It keeps its place, because the
        // first pair is for all other clients.
        for (place, pair) in before.pairs.iter().enumerate().filter(|(_, pair)| !found.pairs.contains(&pair.files)) {
            if pair.files.certificate.exists() || pair.files.key.exists() {
                unusable.push(pair.name());
                is_whole = false;
                pairs.insert(place.min(pairs.len()), pair.clone());
            }
        }
        if pairs.is_empty() && !before.pairs.is_empty() {
            (is_whole, pairs) = (false, before.pairs.clone());
        }
        *self.0.watched.lock().unwrap_or_else(PoisonError::into_inner) = found.watched;
        let chains = |pairs: &[Pair]| pairs.iter().map(|pair| pair.key.cert.clone()).collect::<Vec<_>>();
        let has_changed = chains(&pairs) != chains(&before.pairs);
        if has_changed {
            *self.0.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Shown::new(pairs));
        }
        Refreshed { is_whole, has_changed, unusable }
    }
}

/// The result of reading the pairs again.
#[derive(Default)]
struct Refreshed {
    /// Whether every pair can be used.
    is_whole: bool,
    /// Whether handshakes show something else than before.
    has_changed: bool,
    /// The names of the certificates that are shown although their files cannot be used.
    unusable: Vec<String>,
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
        if found.is_whole {
            return Freshness::Current;
        }
        // The error may quote the files, so it is not logged.
        if reason != Reason::Retry {
            let certificates = found.unusable.join(" ");
            tracing::error!(
                certificates,
                "a certificate's files cannot be used; the previous certificate stays in use"
            );
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
    has_mistakes: bool,
}

fn find(source: &CertificateSource) -> io::Result<Found> {
    let (pairs, folders, has_mistakes) = match source {
        CertificateSource::Pairs(pairs) => (pairs.clone(), Vec::new(), false),
        CertificateSource::Acme(hosts) => {
            let pairs = hosts.iter().filter(|files| files.certificate.exists()).cloned().collect();
            (pairs, hosts.iter().map(|files| files.certificate.clone()).collect(), false)
        }
        CertificateSource::Folder(folder) => {
            let found = folder.find()?;
            (found.pairs.into_iter().map(|(_, files)| files).collect(), found.folders, !found.mistakes.is_empty())
        }
    };
    let files = pairs.iter().flat_map(|files| [files.certificate.clone(), files.key.clone()]);
    Ok(Found { watched: files.chain(folders).collect(), pairs, has_mistakes })
}

/// The pair as it is in the files. The error may quote them.
fn load(files: &TlsFiles) -> io::Result<CertifiedKey> {
    pair(&fs::read(&files.certificate)?, &Zeroizing::new(fs::read(&files.key)?))
}

/// A certificate chain and its key, which are PEM. The error may quote them.
pub(super) fn pair(certificate: &[u8], key: &[u8]) -> io::Result<CertifiedKey> {
    let chain = tls::certificates(certificate).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(io::Error::other)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(io::Error::other)
}
