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
    current: Mutex<Current>,
}

struct Current {
    /// The files as they were looked at last, whether or not they could be used.
    stamps: Option<[Stamp; 2]>,
    key: Arc<CertifiedKey>,
}

type Stamp = (SystemTime, u64);

impl Certificate {
    /// Reads the pair at once: by the first handshake, what was found to match may be half renewed.
    pub(super) fn read(files: TlsFiles) -> io::Result<Self> {
        let current = Current { stamps: stamps(&files).ok(), key: Arc::new(load(&files)?) };
        Ok(Self { files, current: Mutex::new(current) })
    }

    fn renew(&self, current: &mut Current) {
        let stamps = stamps(&self.files).ok();
        if current.stamps == stamps {
            return;
        }
        current.stamps = stamps;
        match load(&self.files) {
            Ok(key) => {
                current.key = Arc::new(key);
                tracing::info!("certificate renewed");
            }
            Err(_) => tracing::error!("the certificate's files cannot be used; the certificate of before stays in use"),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        self.renew(&mut current);
        Some(Arc::clone(&current.key))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamps(files: &TlsFiles) -> io::Result<[Stamp; 2]> {
    Ok([stamp(files.certificate())?, stamp(files.key())?])
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
