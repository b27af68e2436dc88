//! TLS of connections that truegate makes: whose certificates are believed.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject},
    },
};

/// TLS with Mozilla's roots and those of a PEM file; the provider is given, never ambient.
pub(crate) fn config(trusted: &[u8]) -> Result<ClientConfig, NoCertificate> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has suites for each version");
    Ok(builder.with_root_certificates(roots(trusted)?).with_no_client_auth())
}

/// Why the certificates of a PEM file cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCertificate {
    #[error("the file holds no certificate")]
    Empty,
    #[error("the file is not valid PEM")]
    Pem(#[from] pem::Error),
    #[error("a certificate of the file is not valid")]
    Certificate(#[from] rustls::Error),
}

fn roots(trusted: &[u8]) -> Result<RootCertStore, NoCertificate> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let known = roots.len();
    for certificate in CertificateDer::pem_slice_iter(trusted) {
        roots.add(certificate?)?;
    }
    if roots.len() == known && !trusted.is_empty() { Err(NoCertificate::Empty) } else { Ok(roots) }
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
