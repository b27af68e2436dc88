//! How pingora is told to speak to a server of an app.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::{HeaderValue, Uri, header, uri::PathAndQuery};
use pingora_core::{
    ErrorType, OrErr as _, Result,
    protocols::tls::CaType,
    upstreams::peer::{ALPN, HttpPeer},
    utils::tls::{CertKey, WrappedX509, parse_x509},
};
use pingora_http::RequestHeader;

use super::roots::UsualRoots;
use crate::{
    gate::Scheme,
    gateway::{
        BoxError,
        config::{Protocol, Trust, UpstreamConfig},
    },
    tls,
};

/// The certificates of TLS to an app, in pingora's form.
pub(super) struct PeerCertificates {
    /// The roots that the app is trusted by, in place of those of the threads.
    roots: Option<Arc<CaType>>,
    /// What the gateway shows.
    client: Option<Arc<CertKey>>,
}

impl PeerCertificates {
    pub(super) fn of(config: &UpstreamConfig, usual: &UsualRoots) -> std::result::Result<Self, BoxError> {
        let Some(tls) = &config.tls else { return Ok(Self { roots: None, client: None }) };
        let roots = match &tls.trust {
            Trust::Only(pem) => {
                let roots = tls::certificates(pem)?.into_iter().map(|root| WrappedX509::new(root.to_vec(), parse_x509));
                Some(roots.collect())
            }
            // Even for a verification that is skipped pingora asks for roots.
            Trust::Public | Trust::InsecureAnyone => usual.for_connection(),
        };
        let client = tls.client.as_ref().map(|client| {
            let chain = client.chain.iter().map(|certificate| certificate.to_vec()).collect();
            Arc::new(CertKey::new(chain, client.key.secret_der().to_vec()))
        });
        Ok(Self { roots, client })
    }
}

/// How to speak to the server of this place in the configuration, by a version of HTTP. The address is still to be set.
pub(super) fn peer(
    config: &UpstreamConfig,
    certificates: &PeerCertificates,
    config_index: usize,
    protocol: Protocol,
) -> Box<HttpPeer> {
    let tls = config.tls.as_ref();
    // Without a name pingora would verify no certificate.
    let sni = tls.map_or_else(String::new, |tls| {
        tls.server_name.clone().unwrap_or_else(|| config.servers[config_index].host().to_owned())
    });
    let mut peer = Box::new(HttpPeer::new(NOWHERE, tls.is_some(), sni));
    peer.options.connection_timeout = config.timeouts.connect;
    peer.options.total_connection_timeout = config.timeouts.connect;
    peer.options.read_timeout = config.timeouts.read;
    peer.options.write_timeout = config.timeouts.write;
    peer.options.idle_timeout = Some(config.timeouts.idle);
    if let Some(tls) = tls {
        peer.options.ca = certificates.roots.clone();
        peer.client_cert_key = certificates.client.clone();
        let verifies = !matches!(tls.trust, Trust::InsecureAnyone);
        peer.options.verify_cert = verifies;
        peer.options.verify_hostname = verifies;
    }
    if protocol == Protocol::Http2 {
        peer.options.alpn = if tls.is_some() { ALPN::H2H1 } else { ALPN::H2 };
        peer.options.max_h2_streams = STREAMS;
    }
    peer
}

/// Names the host of a request in its target too, for either version of HTTP: HTTP/2 asks for it, and pingora sends the path
/// alone by HTTP/1.1.
pub(in crate::gateway) fn with_authority(request: &mut RequestHeader, scheme: Scheme) -> Result<()> {
    let authority = request.headers.get(header::HOST).map_or(&[][..], HeaderValue::as_bytes);
    let target = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let uri = Uri::builder().scheme(scheme.as_str()).authority(authority).path_and_query(target).build();
    request.set_uri(uri.or_err(ErrorType::InvalidHTTPHeader, "the host is not one of HTTP/2")?);
    Ok(())
}

/// The address of a peer that has none yet.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How many requests share one HTTP/2 connection. The gateway opens another connection for more.
const STREAMS: usize = 100;
