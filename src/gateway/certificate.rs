//! The certificates of listeners: read again when their files change.
//!
//! rustls and pingora ask a resolver for the certificate at each handshake, but neither watches files. So the resolver is our
//! own: it shows what was read last, and a pair that cannot be used never replaces one that can.

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
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
    watcher::{Reason, Usability, Watched},
};

/// A certificate that is renewed without a restart: handshakes show the one that was read last.
#[derive(Clone)]
pub(super) struct Certificate(Arc<Current>);

struct Current {
    files: TlsFiles,
    key: RwLock<Arc<CertifiedKey>>,
    last: Mutex<Option<LastLook>>,
}

/// What the last look has found.
struct LastLook {
    stamps: Option<[FileStamp; 2]>,
    found: Usability,
}

/// Tells one state of a file from the next.
#[derive(PartialEq, Eq)]
struct FileStamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

impl Certificate {
    /// Reads the pair at once: by the first handshake, what was found to match may be half renewed.
    pub(super) fn read(files: TlsFiles) -> io::Result<Self> {
        let key = RwLock::new(Arc::new(load(&files)?));
        // The first look reads the files again: they may have changed while they were read.
        Ok(Self(Arc::new(Current { files, key, last: Mutex::default() })))
    }

    /// The key as it was read last.
    fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again if they have changed. It blocks on them, but no handshake waits for it.
    fn refresh(&self, reason: Reason) -> Usability {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.0.files).ok();
        match &*last {
            Some(last) if reason == Reason::Period && last.stamps == stamps => last.found,
            _ => {
                let found = self.renew();
                *last = Some(LastLook { stamps, found });
                found
            }
        }
    }

    fn renew(&self) -> Usability {
        match load(&self.0.files) {
            Ok(key) if key.cert == self.key().cert => Usability::Usable,
            Ok(key) => {
                *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!("certificate renewed");
                Usability::Usable
            }
            // The error may quote the files, so it is not logged.
            Err(_) => {
                tracing::error!("the certificate's files cannot be used; the previous certificate stays in use");
                Usability::Unusable
            }
        }
    }
}

/// A pair that cannot be read, or does not match because only one file has been written yet, leaves the previous
/// certificate in use.
impl Watched for Certificate {
    const PERIOD: Duration = Duration::from_secs(1);

    async fn look(&mut self, reason: Reason) -> Usability {
        let certificate = self.clone();
        spawn_blocking(move || certificate.refresh(reason)).await.unwrap_or(Usability::Unusable)
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

fn stamps(files: &TlsFiles) -> io::Result<[FileStamp; 2]> {
    Ok([stamp(files.certificate())?, stamp(files.key())?])
}

fn stamp(path: &Path) -> io::Result<FileStamp> {
    let metadata = fs::metadata(path)?;
    Ok(FileStamp { modified: metadata.modified()?, length: metadata.len(), inode: metadata.ino() })
}

fn load(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(files.certificate()).map_err(io::Error::other)?;
    let chain = chain.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(files.key()).map_err(io::Error::other)?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(io::Error::other)?;
    certified.keys_match().map_err(io::Error::other)?;
    Ok(certified)
}
