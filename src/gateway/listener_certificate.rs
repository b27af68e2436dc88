//! The certificates of listeners: read again when their files change.
//!
//! rustls and pingora ask a resolver for the certificate at each handshake, but neither watches files. So the resolver is our
//! own: it shows what was read last, and a pair that cannot be used never replaces one that can.

use std::{
    fmt, fs, io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::task::spawn_blocking;

use super::{
    config::TlsFiles,
    watcher::{Freshness, Reason, Watched},
};
use crate::tls;

/// A certificate that is renewed without a restart: handshakes show the one that was read last.
#[derive(Clone)]
pub(super) struct Certificate(Arc<Current>);

struct Current {
    files: TlsFiles,
    key: RwLock<Arc<CertifiedKey>>,
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
}

/// A pair that cannot be read, or does not match because only one file has been written yet, leaves the previous
/// certificate in use.
impl Watched for Certificate {
    const PERIOD: Duration = Duration::from_secs(1);

    fn files(&self) -> Vec<PathBuf> {
        vec![self.0.files.certificate.clone(), self.0.files.key.clone()]
    }

    async fn look(&mut self, reason: Reason) -> Freshness {
        let certificate = self.clone();
        let Ok(Ok(key)) = spawn_blocking(move || load(&certificate.0.files)).await else {
            // The error may quote the files, so it is not logged.
            if reason != Reason::Retry {
                tracing::error!("the certificate's files cannot be used; the previous certificate stays in use");
            }
            return Freshness::Stale;
        };
        if key.cert != self.key().cert {
            *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
            tracing::info!("certificate renewed");
        }
        Freshness::Current
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

/// The pair as it is in the files. The error may quote them.
fn load(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let chain = tls::certificates(&fs::read(&files.certificate)?).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(io::Error::other)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(io::Error::other)
}
