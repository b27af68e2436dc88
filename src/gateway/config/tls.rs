//! Certificates and keys, checked before anything listens.

use std::path::PathBuf;

use rustls::{
    Error, InconsistentKeys, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use webpki::EndEntityCert;

use super::{
    certificate_folder::CertificateFolder,
    reader::{self, Item, Section, Shape},
    value,
};
use crate::tls::{self, NoCertificate};

/// How a listener speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsConfig {
    /// The certificates that it shows.
    pub(crate) certificates: CertificateSource,
    /// The hosts that these certificates were for when they were checked, in lower case; none for those that the gateway obtains.
    pub(crate) hosts: Vec<String>,
    /// The oldest version that it speaks.
    pub(crate) min_version: TlsVersion,
    /// The authorities of clients, as PEM; every client then needs a certificate from one of them.
    pub(crate) client_ca: Option<Vec<u8>>,
}

/// The files of the certificates of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateSource {
    /// These pairs; at least one.
    Pairs(Vec<TlsFiles>),
    /// The pairs in a folder, which may come and go.
    Folder(CertificateFolder),
    /// Those that the gateway obtains itself; some files may not be there yet.
    Acme(Vec<TlsFiles>),
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V1_2,
    /// TLS 1.3 (RFC 8446).
    V1_3,
}

/// A certificate chain and its private key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate chain, with the server's own certificate first.
    pub(crate) certificate: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

impl TlsConfig {
    /// Reads the keys of a listener that concern TLS. Returns none if the listener has no certificate, or if a key is wrong.
    /// `obtained` are the files of the section `acme`, if there is one.
    pub(super) fn read(listener: &mut Section<'_>, obtained: Option<&[TlsFiles]>) -> Option<Self> {
        let pair = TlsFiles::read(listener);
        let several = listener.take("certificates");
        for name in ["certificate", "key"] {
            listener.note_alternatives([name, "certificates"]);
        }
        let (min_version, client_ca) = (listener.take("min_version"), listener.take("client_ca"));
        let certificates = match (pair, several) {
            (Pair::Absent, None) => {
                for item in [min_version, client_ca].into_iter().flatten() {
                    item.complain_of_key("only used with TLS (name a `certificate` and its `key`, or remove the key)");
                }
                return None;
            }
            (Pair::Absent, Some(item)) => CertificateSource::read(item, obtained),
            (pair, None) => pair.files().map(|(files, hosts)| (CertificateSource::Pairs(vec![files]), hosts)),
            (_, Some(item)) => {
                item.complain_of_key("must not come with `certificate` and `key` (list that pair as the first one)");
                None
            }
        };
        let versions = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];
        let min_version = min_version.map_or(Some(TlsVersion::V1_2), |item| item.parse(&value::choice(versions)));
        let client_ca = client_ca.map(roots);
        // Where a file is wrong, the listener still counts as one with TLS: the mistake is told once.
        let (certificates, hosts) = certificates.unwrap_or_else(|| (CertificateSource::Pairs(Vec::new()), Vec::new()));
        Some(Self {
            certificates,
            hosts,
            min_version: min_version.unwrap_or(TlsVersion::V1_2),
            client_ca: client_ca.flatten(),
        })
    }
}

impl CertificateSource {
    /// Returns the certificates, and the hosts that they are for.
    fn read(item: Item<'_>, obtained: Option<&[TlsFiles]>) -> Option<(Self, Vec<String>)> {
        if item.text_if(Shape::Word(vec!["acme"]), |text| text == "acme").is_some() {
            if obtained.is_none() {
                item.complain("needs the section `acme` (add it, or write ./acme for a folder of this name)");
            }
            return obtained.map(|files| (Self::Acme(files.to_vec()), Vec::new()));
        }
        if !item.is_list() {
            let folder = CertificateFolder::new(item.path()?);
            return check_folder(item, &folder).map(|hosts| (Self::Folder(folder), hosts));
        }
        let read = |item: Item<'_>| {
            item.section(|pair| {
                let pair = TlsFiles::read(pair);
                if let Pair::Absent = pair {
                    item.complain("must be a mapping (write certificate: and key:)");
                }
                pair.files()
            })
        };
        let pairs = item.one_or_more("list a pair, or remove the key", |item| Some(read(item)));
        let pairs = pairs.into_iter().collect::<Option<Vec<_>>>().filter(|pairs| !pairs.is_empty())?;
        let (pairs, hosts): (_, Vec<_>) = pairs.into_iter().unzip();
        Some((Self::Pairs(pairs), hosts.concat()))
    }
}

/// What the keys `certificate` and `key` say.
enum Pair {
    Absent,
    Wrong,
    /// The files, and the hosts that the certificate is for.
    Files(TlsFiles, Vec<String>),
}

impl Pair {
    fn files(self) -> Option<(TlsFiles, Vec<String>)> {
        if let Self::Files(files, hosts) = self { Some((files, hosts)) } else { None }
    }
}

impl TlsFiles {
    /// Reads the two files, and checks that the key can be used and belongs to the first certificate.
    fn read(section: &mut Section<'_>) -> Pair {
        let files = |(certificate, key, (chain, _)): ReadPair<'_>| {
            let files = Self { certificate: certificate.path()?, key: key.path()? };
            Some(Pair::Files(files, host_names(&chain)))
        };
        match pair(section) {
            None => Pair::Absent,
            Some(read) => read.and_then(files).unwrap_or(Pair::Wrong),
        }
    }
}

/// The items of the two files, and what is in them.
pub(super) type ReadPair<'a> = (Item<'a>, Item<'a>, (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>));

/// Reads the keys `certificate` and `key`, and checks that the key can be used and belongs to the first certificate. The outer
/// option is none without them, and the inner one if they are wrong.
pub(super) fn pair<'a>(section: &mut Section<'a>) -> Option<Option<ReadPair<'a>>> {
    let refuse_lone = |item: Item<'_>, other: &str| {
        item.complain_of_key(format!("must come with `{other}` (name both files, or neither)"));
        Some(None)
    };
    match (section.take("certificate"), section.take("key")) {
        (None, None) => None,
        (Some(lone), None) => refuse_lone(lone, "key"),
        (None, Some(lone)) => refuse_lone(lone, "certificate"),
        (Some(certificate), Some(key)) => {
            let read = certificate.file(chain).zip(key.file(private_key)).and_then(|(chain, private)| {
                key.accept(match_pair(chain.clone(), private.clone_key()))?;
                Some((certificate, key, (chain, private)))
            });
            Some(read)
        }
    }
}

/// Checks each pair of a folder, and that there is one. Returns the hosts that the certificates are for, or reports every mistake.
fn check_folder(item: Item<'_>, folder: &CertificateFolder) -> Option<Vec<String>> {
    let found = match folder.find() {
        Ok(found) => found,
        Err(error) => {
            item.complain(format!("the folder cannot be read: {error} (paths are relative to the configuration file)"));
            return None;
        }
    };
    let mut mistakes: Vec<_> = found.mistakes.iter().map(ToString::to_string).collect();
    if found.pairs.is_empty() && mistakes.is_empty() {
        mistakes.push(
            "the folder has no pair (add NAME.crt and NAME.key, or NAME/fullchain.pem and NAME/privkey.pem)".into(),
        );
    }
    let mut hosts = Vec::new();
    for (name, files) in &found.pairs {
        let check = || {
            let read = |path| reader::load(path).map_err(|error| format!("a file {error} (let truegate read it)"));
            let chain = chain(&read(&files.certificate)?).map_err(|error| error.to_string())?;
            let names = host_names(&chain);
            match_pair(chain, private_key(&read(&files.key)?)?)?;
            Ok::<_, String>(names)
        };
        match check() {
            Ok(names) => hosts.extend(names),
            Err(mistake) => mistakes.push(format!("the pair `{}`: {mistake}", name.escape_debug())),
        }
    }
    mistakes.iter().for_each(|mistake| item.complain(mistake));
    mistakes.is_empty().then_some(hosts)
}

/// The names of hosts that a certificate is for, in lower case; some may begin with `*.`. Its chain may come with it.
pub(crate) fn host_names(chain: &[CertificateDer<'_>]) -> Vec<String> {
    let Some(Ok(certificate)) = chain.first().map(EndEntityCert::try_from) else { return Vec::new() };
    certificate.valid_dns_names().map(str::to_ascii_lowercase).collect()
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NoCertificate> {
    let chain = tls::certificates(pem)?;
    chain.iter().try_for_each(|certificate| ParsedCertificate::try_from(certificate).map(drop))?;
    Ok(chain)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, &'static str> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "the file has no private key (use a PEM file with an unencrypted key)")
}

fn match_pair(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<(), &'static str> {
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
    pair.map(drop).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "does not belong to the first certificate in `certificate` (put the server's own certificate first)"
        }
        _ => "the kind of this private key is not supported (use RSA, ECDSA P-256 or P-384, or Ed25519)",
    })
}

/// Reads a PEM file of trusted roots, which holds at least one.
pub(super) fn roots(item: Item<'_>) -> Option<Vec<u8>> {
    item.file(|pem| tls::trust(&mut RootCertStore::empty(), pem).map(|()| pem.to_vec()))
}
