//! The certificates of listeners: read again when their files change.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::task::spawn_blocking;

use super::{
    config::TlsFiles,
    reload::{Due, Reason},
};

/// A certificate that is renewed without a restart: handshakes show the one that was read last.
#[derive(Clone)]
pub(super) struct Certificate(Arc<Current>);

struct Current {
    files: TlsFiles,
    key: RwLock<Arc<CertifiedKey>>,
}

/// The certificates of all listeners, kept fresh.
///
/// A pair that cannot be read, or does not match because only one file has been written yet, leaves the certificate of
/// before in use.
pub(super) struct Certificates(Vec<(Certificate, Option<[Stamp; 2]>)>);

/// Tells one state of a file from the next.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

impl Certificate {
    /// Reads the pair at once: by the first handshake, what was found to match may be half renewed.
    pub(super) fn read(files: TlsFiles) -> io::Result<Self> {
        let key = RwLock::new(Arc::new(load(&files)?));
        Ok(Self(Arc::new(Current { files, key })))
    }

    /// The key as it was read last.
    fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn renew(&self) {
        match load(&self.0.files) {
            Ok(key) if key.cert == self.key().cert => {}
            Ok(key) => {
                *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!("certificate renewed");
            }
            Err(_) => tracing::error!("the certificate's files cannot be used; the certificate of before stays in use"),
        }
    }
}

impl Certificates {
    /// The certificates to look after. All are looked at the first time, for their files may have changed since they
    /// were read.
    pub(super) fn of(certificates: impl Iterator<Item = Certificate>) -> Self {
        Self(certificates.map(|certificate| (certificate, None)).collect())
    }

    /// Looks at the files again and again, apart from the handshakes.
    pub(super) async fn keep_fresh(mut self, mut due: Due) {
        while !self.0.is_empty() {
            let reason = due.next().await;
            // Only a runtime that ends keeps them from being looked at.
            let Ok(looked) = spawn_blocking(move || self.refreshed(reason)).await else { return };
            self = looked;
        }
    }

    fn refreshed(mut self, reason: Reason) -> Self {
        for (certificate, known) in &mut self.0 {
            let found = stamps(&certificate.0.files).ok();
            if reason == Reason::Asked || *known != found {
                certificate.renew();
            }
            *known = found;
        }
        self
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.0.files).finish_non_exhaustive()
    }
}

fn stamps(files: &TlsFiles) -> io::Result<[Stamp; 2]> {
    Ok([stamp(files.certificate())?, stamp(files.key())?])
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok(Stamp { modified: metadata.modified()?, length: metadata.len(), inode: metadata.ino() })
}

fn load(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(files.certificate()).map_err(io::Error::other)?;
    let chain = chain.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(files.key()).map_err(io::Error::other)?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(io::Error::other)?;
    certified.keys_match().map_err(io::Error::other)?;
    Ok(certified)
}

/// How often the files are looked at.
pub(super) const REFRESH: Duration = Duration::from_secs(1);
