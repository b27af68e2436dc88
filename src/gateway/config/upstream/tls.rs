//! `tls` of an app: whom the gateway trusts, and how it shows who it is.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::is_name;
use crate::gateway::config::{
    reader::{Section, Shape, ValueParser},
    tls::{pair, roots},
    value,
};

/// How TLS is spoken to the servers of an app.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct UpstreamTls {
    /// The certificates by which those of the servers are trusted.
    pub(crate) trust: Trust,
    /// The name that is asked for and that a certificate must have, in place of the server's host.
    pub(crate) server_name: Option<String>,
    /// What the gateway shows to the servers.
    pub(crate) client: Option<Arc<ClientCertificate>>,
}

/// The gateway's own certificate, and its key.
#[derive(PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// The certificate chain, with the gateway's own certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The private key, which belongs to the first certificate.
    pub(crate) key: PrivateKeyDer<'static>,
}

/// The certificates by which those of the servers are trusted.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Mozilla's roots, and the system's.
    #[default]
    Public,
    /// The roots of a PEM file, and no others.
    Only(Vec<u8>),
    /// Any certificate is accepted, so anyone on the way can read and change everything.
    InsecureAnyone,
}

impl UpstreamTls {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let trust = section.take("ca_file").and_then(roots).map(Trust::Only);
        let server_name = section.read(
            "server_name",
            &ValueParser::new(Shape::Text, |text| match is_name(text) || text.parse::<std::net::IpAddr>().is_ok() {
                true => Ok(text.to_string()),
                false => Err("not a valid name of a server (write wiki.internal, without a port)"),
            })
            .open(),
        );
        let client =
            pair(section).map(|read| read.map(|(_, _, (chain, key))| Arc::new(ClientCertificate { chain, key })));
        let insecure = section.take("insecure_skip_verify");
        section.note_default("insecure_skip_verify", false);
        let skips = insecure.and_then(|item| item.parse(&value::boolean())).unwrap_or(false);
        let trust = match (trust, skips) {
            (Some(_), true) => {
                insecure?.complain_of_key("cannot be combined with `ca_file` (remove it, and trust the file alone)");
                return None;
            }
            (Some(trust), false) => trust,
            (None, true) => Trust::InsecureAnyone,
            (None, false) => Trust::Public,
        };
        let client = client.map_or(Some(None), |client| client.map(Some))?;
        Some(Self { trust, server_name, client })
    }
}
