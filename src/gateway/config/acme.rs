//! `acme`: certificates that the gateway obtains and renews itself (RFC 8555).

use std::{collections::HashSet, path::PathBuf};

use rustls::pki_types::ServerName;
use url::{Position, Url};

use super::{
    CertificateSource, TlsFiles,
    listener::ListenerEntry,
    reader::{Item, Scalar, Section, Shape, ShownValue, ValueParser},
    tls, value,
};

/// How certificates are obtained. The operator has agreed to the terms of the ACME server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcmeConfig {
    /// The folder of the account's key and of the certificates. Each ACME server has its own, so that a certificate of a server for
    /// tests is not taken for one of the real server.
    pub(crate) folder: PathBuf,
    /// The hosts, each with a certificate of its own; at least one. They are names in lower case.
    pub(crate) hosts: Vec<String>,
    /// The URL of the server's directory.
    pub(crate) directory: String,
    /// The URL at which the server may reach the operator.
    pub(crate) contact: Option<String>,
    /// Roots that are trusted for the server beside Mozilla's, as PEM; it may be empty.
    pub(crate) trusted: Vec<u8>,
}

impl AcmeConfig {
    /// Reads the section. The hosts of the site are the default of `hosts`; they are none if they are not known because of another
    /// mistake.
    pub(super) fn read(section: &mut Section<'_>, site: Option<Vec<String>>) -> Option<Self> {
        let folder = section.require("folder", "name a folder that truegate may write, such as /var/lib/truegate/acme");
        let folder = folder.and_then(|item| {
            let path = item.path()?;
            if path.exists() && !path.is_dir() {
                item.complain("is not a folder (name a folder that truegate may write)");
            }
            Some(path)
        });
        let agreed = section.read_required("terms_of_service_agreed", READ_TERMS, &agreement());
        let hosts = match section.take("hosts") {
            Some(item) => read_hosts(item),
            None => {
                let site =
                    site.map(|hosts| hosts.into_iter().filter(|host| parse_host(host).is_ok()).collect::<Vec<_>>());
                section.note_default("hosts", site.iter().flatten().map(String::as_str).collect::<ShownValue>());
                if site.as_ref().is_some_and(Vec::is_empty) {
                    section
                        .miss("hosts", "list the hosts, such as shop.example, or add a `session.public_url` of https");
                }
                site
            }
        };
        let directory = section
            .take("directory")
            .map_or_else(|| parse_directory(LETS_ENCRYPT).ok(), |item| item.parse(&directory_url()));
        section.note_default("directory", LETS_ENCRYPT);
        let contact = section.read("contact", &contact());
        let trusted = section.take("ca_file").map_or(Some(Vec::new()), tls::roots);
        let ((), directory) = (agreed?, directory?);
        // A folder may hold what several servers have issued.
        let server = &directory[Position::BeforeHost..Position::AfterPort];
        Some(Self {
            folder: folder?.join(server),
            hosts: hosts?,
            directory: directory.into(),
            contact,
            trusted: trusted?,
        })
    }

    /// The files of all hosts.
    pub(super) fn all_files(&self) -> impl Iterator<Item = TlsFiles> {
        self.hosts.iter().map(|host| TlsFiles { certificate: self.file(host), key: self.file(host) })
    }

    /// The file of a host's key and certificate. It is one file, so that neither is ever newer than the other.
    pub(crate) fn file(&self, host: &str) -> PathBuf {
        self.folder.join(format!("{host}.pem"))
    }
}

/// Refuses a section that has no effect, or of which no challenge would be answered.
pub(super) fn refuse_unused(item: Item<'_>, listeners: &[ListenerEntry<'_>]) {
    let mut tls = listeners.iter().filter_map(|(listener, _)| listener.tls.as_ref());
    if !tls.any(|tls| matches!(tls.certificates, CertificateSource::Acme(_))) {
        item.complain_of_key(
            "only used by a listener with `certificates: acme` (add it to one, or remove the section)",
        );
    } else if listeners.iter().all(|(listener, _)| listener.redirect.is_none()) {
        item.complain_of_key(
            "needs a listener where the ACME server can ask for challenges by http (add { address: 0.0.0.0:80, redirect: https })",
        );
    }
}

fn agreement() -> ValueParser<'static, ()> {
    ValueParser::new(Shape::Boolean, |text| match text.plain() {
        Some("true") => Ok(()),
        _ => Err(format!("must be true ({READ_TERMS})")),
    })
}

fn read_hosts(item: Item<'_>) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let parser = ValueParser::new(Shape::Text, |text| parse_host(text)).open();
    let hosts = item.one_or_more("list a host, or remove the key", |item| {
        let host = item.parse(&parser)?;
        if !seen.insert(host.clone()) {
            item.complain("is listed twice (remove one of them)");
        }
        Some(host)
    });
    (!hosts.is_empty()).then_some(hosts)
}

fn parse_host(text: &str) -> Result<String, &'static str> {
    if text.starts_with("*.") {
        return Err(
            "needs the challenge dns-01, which truegate does not answer (list each host, or use certbot or lego)",
        );
    }
    match ServerName::try_from(text) {
        Ok(ServerName::DnsName(name)) if !text.ends_with('.') => Ok(name.as_ref().to_ascii_lowercase()),
        _ => Err("not the name of a host (write shop.example)"),
    }
}

fn directory_url() -> ValueParser<'static, Url> {
    ValueParser::new(value::URL, |text| parse_directory(text)).open()
}

fn parse_directory(text: &str) -> Result<Url, &'static str> {
    let advice = "must be the URL of a directory with https (write https://acme.example/directory)";
    let url = Url::parse(text).map_err(|_| advice)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if url.scheme() == "https" && is_plain { Ok(url) } else { Err(advice) }
}

fn contact() -> ValueParser<'static, String> {
    ValueParser::new(Shape::Pattern { pattern: "^[^@]+@", words: "an email address" }, parse_contact)
}

fn parse_contact(text: &Scalar) -> Result<String, &'static str> {
    let is_address = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && parse_host(host).is_ok());
    // These have a meaning in a URL.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?,#%:/".contains(&byte));
    if is_address && is_plain {
        Ok(format!("mailto:{}", &**text))
    } else {
        Err("not an email address (write ops@shop.example)")
    }
}

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
const READ_TERMS: &str = "read the terms of the ACME server, and write true";
