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
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    /// The certificate chain, with the server's own certificate first.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The private key.
    pub(crate) fn key(&self) -> &Path {
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
                .map_err(|_| "the file has no private key (use a PEM file with an unencrypted key)")
        });
        let pair = CertifiedKey::from_der(chain?, private?, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "does not belong to the first certificate in `certificate` (put the server's own certificate first)"
            }
            _ => "the kind of this private key is not supported (use RSA, ECDSA P-256 or P-384, or Ed25519)",
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
        Ok(certificates) if certificates.is_empty() => Err("the file has no certificate (use a PEM file)"),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("the file is not a complete PEM file (export the certificates again)"),
    }
}

const BROKEN_CERTIFICATE: &str = "the file has a certificate that cannot be read (export it again)";
