//! Certificates from PEM files, and TLS for the connections that truegate makes.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

/// TLS with Mozilla's roots and those of a PEM file, which may be empty. The provider is given, never ambient.
pub(crate) fn config(trusted: &[u8]) -> Result<ClientConfig, NoCertificate> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if !trusted.is_empty() {
        trust(&mut roots, trusted)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has suites for each version");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Adds the certificates of a PEM file to the roots.
pub(crate) fn trust(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), NoCertificate> {
    certificates(pem)?.into_iter().try_for_each(|certificate| Ok(roots.add(certificate)?))
}

/// Reads the certificates of a PEM file, which holds at least one.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NoCertificate> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(NoCertificate::Empty) } else { Ok(certificates) }
}

/// The reason why the certificates of a PEM file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCertificate {
    #[error("the file has no certificate (use a PEM file)")]
    Empty,
    #[error("the file is not a complete PEM file (export the certificates again)")]
    Pem(#[from] pem::Error),
    #[error("the file has a certificate that cannot be read (export it again)")]
    Certificate(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_to_trust_holds_a_certificate() {
        assert!(config(b"").is_ok());
        for pem in ["not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(config(pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
