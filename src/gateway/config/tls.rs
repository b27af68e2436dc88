//! Certificates and keys, checked before anything listens.

use std::path::{Path, PathBuf};

use rustls::{
    Error, InconsistentKeys, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use super::reader::Item;

/// A certificate chain and its private key, as PEM files that were read and found to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    /// The certificate chain, with the server's own certificate first.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The private key.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Reads the two files, and checks that the key can be used and belongs to the first certificate.
    pub(super) fn read(certificate: &Item<'_>, key: &Item<'_>) -> Option<Self> {
        let chain = certificate.file(|pem| {
            let chain = certificates(pem)?;
            let parses = |certificate| ParsedCertificate::try_from(certificate).is_ok();
            if chain.iter().all(parses) { Ok(chain) } else { Err(BROKEN_CERTIFICATE) }
        });
        let private = key.file(|pem| {
            PrivateKeyDer::from_pem_slice(pem)
                .map_err(|_| "holds no private key (name a PEM file with an unencrypted key)")
        });
        let pair = CertifiedKey::from_der(chain?, private?, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "is not the key of the first certificate in `certificate` (put the server's own certificate first)"
            }
            _ => "is a private key of an unsupported kind (use RSA, ECDSA P-256 or P-384, or Ed25519)",
        });
        key.accept(pair)?;
        Some(Self { certificate: certificate.path()?, key: key.path()? })
    }
}

/// Reads a PEM file of trusted roots, which holds at least one.
pub(super) fn roots(item: &Item<'_>) -> Option<Vec<u8>> {
    item.file(|pem| {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem)? {
            store.add(certificate).map_err(|_| BROKEN_CERTIFICATE)?;
        }
        Ok::<_, &str>(pem.to_vec())
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if certificates.is_empty() => Err("holds no certificate (name a PEM file)"),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("is not a whole PEM file (export the certificates again)"),
    }
}

const BROKEN_CERTIFICATE: &str = "holds a certificate that cannot be read (export it again)";
