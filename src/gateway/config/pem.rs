//! Certificates and keys, checked before anything listens.

use rustls::{
    Error, InconsistentKeys, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use super::reader::Item;

/// Reads a certificate chain.
pub(super) fn chain(item: &Item<'_>) -> Option<Vec<CertificateDer<'static>>> {
    item.parse(|path| {
        let certificates = certificates(&item.context().read(path).map_err(|error| file_mistake(&error))?)?;
        let parses = |certificate| ParsedCertificate::try_from(certificate).is_ok();
        if certificates.iter().all(parses) { Ok(certificates) } else { Err(BROKEN_CERTIFICATE.to_owned()) }
    })
}

/// Reads a private key.
pub(super) fn private_key(item: &Item<'_>) -> Option<PrivateKeyDer<'static>> {
    item.parse(|path| {
        let pem = item.context().read(path).map_err(|error| file_mistake(&error))?;
        PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| "holds no private key (name a PEM file with an unencrypted key)".to_owned())
    })
}

/// Checks that a private key can be used, and belongs to the first certificate of the chain.
pub(super) fn check_pair(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<(), &'static str> {
    match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
        Ok(_) => Ok(()),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("is not the key of the first certificate in `certificate` (put the server's own certificate first)")
        }
        Err(_) => Err("is a private key of an unsupported kind (use RSA, ECDSA P-256 or P-384, or Ed25519)"),
    }
}

/// Reads a file of trusted roots, which holds at least one.
pub(super) fn roots(item: &Item<'_>) -> Option<Vec<u8>> {
    item.parse(|path| {
        let pem = item.context().read(path).map_err(|error| file_mistake(&error))?;
        let mut store = RootCertStore::empty();
        for certificate in certificates(&pem)? {
            store.add(certificate).map_err(|_| BROKEN_CERTIFICATE)?;
        }
        Ok::<_, String>(pem.to_vec())
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("holds no certificate (name a PEM file)".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("is not a whole PEM file (export the certificates again)".to_owned()),
    }
}

fn file_mistake(error: &super::reader::ReadError) -> String {
    format!("names a file that {error} (paths are relative to the configuration)")
}

const BROKEN_CERTIFICATE: &str = "holds a certificate that cannot be read (export it again)";
