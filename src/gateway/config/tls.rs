//! Certificates and keys, checked before anything listens.

use std::path::PathBuf;

use rustls::{
    Error, InconsistentKeys, RootCertStore,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use super::reader::Item;
use crate::tls::{self, NoCertificate};

/// A certificate chain and its private key, as PEM files that were read and found to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate chain, with the server's own certificate first.
    pub(crate) certificate: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

impl TlsFiles {
    /// Reads the two files, and checks that the key can be used and belongs to the first certificate.
    pub(super) fn read(certificate: Item<'_>, key: Item<'_>) -> Option<Self> {
        let chain = certificate.file(|pem| {
            let chain = tls::certificates(pem)?;
            chain.iter().try_for_each(|certificate| ParsedCertificate::try_from(certificate).map(drop))?;
            Ok::<_, NoCertificate>(chain)
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
pub(super) fn roots(item: Item<'_>) -> Option<Vec<u8>> {
    item.file(|pem| tls::trust(&mut RootCertStore::empty(), pem).map(|()| pem.to_vec()))
}
