//! How a listener speaks TLS.

use std::{io, sync::Arc};

use pingora_core::listeners::tls::Acceptor;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};

use super::certificate::Certificates;
use crate::gateway::config::{TlsConfig, TlsVersion};
use crate::tls;

/// TLS with certificates that were read. Clones share them.
#[derive(Clone)]
pub(in crate::gateway) struct ListenerTls {
    config: Arc<TlsConfig>,
    pub(in crate::gateway) acceptor: Arc<Acceptor>,
    pub(in crate::gateway) certificates: Certificates,
}

impl ListenerTls {
    /// Reads the certificates. The error may quote the files.
    pub(in crate::gateway) fn read(config: &TlsConfig) -> io::Result<Self> {
        let certificates = Certificates::read(config.certificates.clone())?;
        let acceptor = Acceptor::from_server_config(Arc::new(server_config(config, certificates.clone())?));
        Ok(Self { config: Arc::new(config.clone()), acceptor: Arc::new(acceptor), certificates })
    }

    /// Whether it speaks TLS as this configuration says. Then clients can resume their sessions with it.
    pub(in crate::gateway) fn is_of(&self, config: &TlsConfig) -> bool {
        *self.config == *config
    }
}

fn server_config(config: &TlsConfig, certificates: Certificates) -> io::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let versions = match config.min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12][..],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
    let builder = builder.map_err(io::Error::other)?;
    let certificates = Arc::new(certificates);
    let mut server = match &config.client_ca {
        None => builder.with_no_client_auth().with_cert_resolver(certificates),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            tls::trust(&mut roots, pem).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let builder = builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?);
            let mut server = builder.with_cert_resolver(certificates);
            // A resumed session would not show its certificate again, which may have expired since.
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.send_tls13_tickets = 0;
            server
        }
    };
    server.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
    Ok(server)
}
