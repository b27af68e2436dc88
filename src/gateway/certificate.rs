//! The certificate of a listener: read again when its files change.

use std::{
    fmt, fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::config::TlsFiles;

/// A certificate that is renewed without a restart.
///
/// Each handshake looks at the files' times. A pair that cannot be read, or does not match because only one file
/// has been written yet, leaves the certificate of before in use.
pub(super) struct Certificate {
    files: TlsFiles,
    current: Mutex<Option<Loaded>>,
}

struct Loaded {
    stamps: [Stamp; 2],
    key: Arc<CertifiedKey>,
}

type Stamp = (SystemTime, u64);

impl Certificate {
    /// Reads the pair at once: by the first handshake, what was found to match may be half renewed.
    pub(super) fn new(files: TlsFiles) -> Self {
        let certificate = Self { files, current: Mutex::default() };
        certificate.current();
        certificate
    }

    fn current(&self) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if self.renew(&mut current).is_err() {
            tracing::error!("the certificate's files cannot be used; the certificate of before stays in use");
        }
        current.as_ref().map(|loaded| Arc::clone(&loaded.key))
    }

    fn renew(&self, current: &mut Option<Loaded>) -> io::Result<()> {
        let stamps = [stamp(self.files.certificate())?, stamp(self.files.key())?];
        if current.as_ref().is_some_and(|loaded| loaded.stamps == stamps) {
            return Ok(());
        }
        let key = Arc::new(load(&self.files)?);
        if current.replace(Loaded { stamps, key }).is_some() {
            tracing::info!("certificate renewed");
        }
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}

fn load(files: &TlsFiles) -> io::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(files.certificate()).map_err(io::Error::other)?;
    let chain = chain.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(files.key()).map_err(io::Error::other)?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(io::Error::other)?;
    certified.keys_match().map_err(io::Error::other)?;
    Ok(certified)
}
