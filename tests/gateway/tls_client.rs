//! A client of TLS that looks at what a server does, and takes every certificate of it.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
        version::{TLS12, TLS13},
    },
};

use super::support::raw::within;

/// What a client offers. It is also its memory of sessions.
#[derive(Clone)]
pub(crate) struct TlsClient {
    config: ClientConfig,
    name: ServerName<'static>,
}

impl TlsClient {
    /// A client that asks for a name, or for none.
    pub(crate) fn asking_for(name: Option<&str>) -> Self {
        Self::with_versions(&[&TLS13, &TLS12], name, None)
    }

    /// A client that speaks one version.
    pub(crate) fn of_version(version: &'static SupportedProtocolVersion) -> Self {
        Self::with_versions(&[version], None, None)
    }

    /// A client that has a certificate, and speaks one version.
    pub(crate) fn with_certificate(
        version: &'static SupportedProtocolVersion,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        Self::with_versions(&[version], None, Some((chain, key)))
    }

    fn with_versions(
        versions: &[&'static SupportedProtocolVersion],
        name: Option<&str>,
        pair: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> Self {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Any(provider)));
        let mut config = match pair {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = name.is_some();
        let name = ServerName::try_from(name.unwrap_or("localhost").to_owned()).unwrap();
        Self { config, name }
    }

    /// Shakes hands. A server of TLS 1.3 refuses a client only afterwards.
    pub(crate) async fn shake_hands(&self, address: SocketAddr) -> Option<TlsStream<TcpStream>> {
        self.shake_hands_over(TcpStream::connect(address).await.unwrap()).await
    }

    /// The same over a connection of any kind.
    pub(crate) async fn shake_hands_over<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Option<TlsStream<S>> {
        let connector = TlsConnector::from(Arc::new(self.config.clone()));
        within(connector.connect(self.name.clone(), stream)).await.ok()
    }

    /// The certificate that a server shows.
    pub(crate) async fn shown(&self, address: SocketAddr) -> CertificateDer<'static> {
        let stream = self.shake_hands(address).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// The status line of the answer to a request; none if the server wants none.
    pub(crate) async fn status_line(&self, address: SocketAddr) -> Option<String> {
        let mut stream = self.shake_hands(address).await?;
        // A server that has refused the client may have closed the connection by now.
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, request).await;
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        let line = String::from_utf8_lossy(&answer).lines().next().map(str::to_owned);
        line.filter(|line| line.starts_with("HTTP/"))
    }
}

/// Takes every certificate, if its server has the key of it.
#[derive(Debug)]
struct Any(Arc<CryptoProvider>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
