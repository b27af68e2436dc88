//! Why there is no store on a Redis server.

use crate::tls::NoCertificate;

/// Why there is no store on a Redis server. It never shows the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The URL is malformed, or lacks a host, or its database is not a number.
    #[error("the URL is not that of a Redis server")]
    Url,
    /// The URL has another scheme.
    #[error("the URL must begin with redis:// or rediss://")]
    Scheme,
    /// The URL has a fragment, such as `#insecure`.
    #[error("the URL must have no fragment: a certificate is always verified")]
    Fragment,
    /// The file to trust is not a PEM file, or holds no certificate.
    #[error("no certificate could be read from the trusted PEM file")]
    Certificate,
}

impl From<NoCertificate> for RedisStoreError {
    fn from(_: NoCertificate) -> Self {
        Self::Certificate
    }
}
