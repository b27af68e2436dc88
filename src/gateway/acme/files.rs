//! The folder of the account's key and the certificates, which its owner alone may read.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::SystemTime,
};

use x509_cert::{Certificate, der::Decode as _};
use zeroize::Zeroizing;

use crate::{
    gateway::{config::host_names, listeners::certificate},
    random::Random,
};

/// Makes the folder if there is none.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Reads a file of secrets, if it is there.
pub(super) fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(Zeroizing::new(content))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file as a whole: after a crash there is either its previous or its new content.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // Several gateways may share the folder.
    let written = folder.join(format!(".{}.new", Random::system().text()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&written)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&written, path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| drop(fs::remove_file(&written)))
}

/// The time in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: SystemTime,
    pub(super) until: SystemTime,
}

impl Validity {
    /// That of a certificate and its key, which are PEM. None if a listener could not show them for this host.
    pub(super) fn of(pem: &[u8], host: &str) -> Option<Self> {
        let pair = certificate::parse(pem, pem).ok()?;
        let is_for_host = host_names(&pair.cert).iter().any(|name| name == host);
        let certificate = Certificate::from_der(pair.cert.first().filter(|_| is_for_host)?).ok()?;
        let validity = certificate.tbs_certificate.validity;
        Some(Self { from: validity.not_before.to_system_time(), until: validity.not_after.to_system_time() })
    }
}
