//! A certificate with its key, as two PEM files have them.

use std::{fs, io, sync::Arc};

use rustls::{
    Error, InconsistentKeys,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::{
    gateway::config::{FolderMistake, TlsFiles, host_names},
    tls::{self, NoCertificate},
};

/// A certificate with its key, and the files that they are from.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) files: TlsFiles,
    pub(super) key: Arc<CertifiedKey>,
}

/// The reason why the files of a certificate cannot be used. It quotes nothing of what is in them.
#[derive(Debug, thiserror::Error)]
pub(in crate::gateway) enum PairError {
    /// A file or the folder cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// No pair is left.
    #[error("no pair is left")]
    Empty,
    /// No pair can be made of a name in the folder.
    #[error(transparent)]
    Folder(#[from] FolderMistake),
    /// The files were a pair of the folder, and are none now.
    #[error("the folder no longer has one certificate and its key")]
    Half,
    /// The certificate, or another one of its chain.
    #[error("the certificate: {0}")]
    Certificate(#[from] NoCertificate),
    /// There is no key.
    #[error("the key: the file has no private key (use a PEM file with an unencrypted key)")]
    NoKey,
    /// The key is that of another certificate.
    #[error("the key does not belong to the first certificate")]
    Mismatch,
    /// The key cannot sign handshakes.
    #[error("the kind of the private key is not supported (use RSA, ECDSA P-256 or P-384, or Ed25519)")]
    KeyKind,
}

impl From<io::Error> for PairError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}

impl Pair {
    /// Reads the pair as it is in the files.
    pub(super) fn load(files: TlsFiles) -> Result<Self, PairError> {
        let key = parse(&fs::read(&files.certificate)?, &Zeroizing::new(fs::read(&files.key)?))?;
        Ok(Self { files, key: Arc::new(key) })
    }

    /// The hosts that the certificate is for, in lower case.
    pub(super) fn hosts(&self) -> Vec<String> {
        host_names(&self.key.cert)
    }

    /// The first host that the certificate is for, which says in a log which one is meant.
    pub(super) fn name(&self) -> String {
        self.hosts().into_iter().next().unwrap_or_default()
    }
}

/// Takes a certificate chain and its key, which are PEM.
pub(in crate::gateway) fn parse(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, PairError> {
    let chain = tls::certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::NoKey)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PairError::Mismatch,
        Error::InvalidCertificate(_) => NoCertificate::from(error).into(),
        _ => PairError::KeyKind,
    })
}
