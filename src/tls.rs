//! TLS of connections that truegate makes: whose certificates are believed.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// TLS with Mozilla's roots and those of a PEM file; the provider is given, never ambient.
pub(crate) fn config(trusted: &[u8]) -> Result<ClientConfig, NoCertificate> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has suites for each version");
    Ok(builder.with_root_certificates(roots(trusted)?).with_no_client_auth())
}

/// A PEM file to trust that holds no certificate, or a broken one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no certificate could be read from the PEM file")]
pub(crate) struct NoCertificate;

fn roots(trusted: &[u8]) -> Result<RootCertStore, NoCertificate> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let known = roots.len();
    for certificate in CertificateDer::pem_slice_iter(trusted) {
        let certificate = certificate.map_err(|_| NoCertificate)?;
        roots.add(certificate).map_err(|_| NoCertificate)?;
    }
    if roots.len() == known && !trusted.is_empty() { Err(NoCertificate) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_to_trust_holds_a_certificate() {
        assert!(config(b"").is_ok());
        for pem in ["not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(config(pem.as_bytes()).err(), Some(NoCertificate), "{pem}");
        }
    }
}
