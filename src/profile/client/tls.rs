//! Whose certificates are believed.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::ClientError;

/// TLS with Mozilla's roots and those of a PEM file, HTTP/2 preferred; the provider is given, never ambient.
pub(super) fn config(trusted: &[u8]) -> Result<ClientConfig, ClientError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| ClientError::Setup)?;
    let mut config = builder.with_root_certificates(roots(trusted)?).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn roots(trusted: &[u8]) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let known = roots.len();
    for certificate in CertificateDer::pem_slice_iter(trusted) {
        let certificate = certificate.map_err(|_| ClientError::Certificate)?;
        roots.add(certificate).map_err(|_| ClientError::Certificate)?;
    }
    if roots.len() == known && !trusted.is_empty() { Err(ClientError::Certificate) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_to_trust_holds_a_certificate() {
        assert!(config(b"").is_ok());
        for pem in ["not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(config(pem.as_bytes()).err(), Some(ClientError::Certificate), "{pem}");
        }
    }
}
