//! The causes of failures of the services that truegate depends on: one closed list for errors, events, logs and metrics.
//!
//! The store, the profile endpoint and the app behind are different things, but they fail in the same ways. Each failure
//! has a [`Cause`], and a [`Failure`] is a cause together with the error that it was found in.
//!
//! ```
//! use truegate::cause::{Cause, Failure};
//!
//! let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
//! let failure = Failure::new(Cause::Connect, refused);
//! assert_eq!(failure.cause().code(), "connect");
//! assert!(std::error::Error::source(&failure).is_some());
//! ```

#[cfg(any(feature = "client", feature = "redis"))]
mod chain;

use std::{error::Error, fmt, sync::Arc};

#[cfg(any(feature = "client", feature = "redis"))]
pub(crate) use self::chain::{NoAddress, find};
use crate::closed_list::closed_list;

closed_list! {
    /// The cause of a failure of a service that truegate depends on.
    pub enum Cause {
        /// The name has no address, or no address that may be connected to.
        Dns = "dns",
        /// No server accepts connections at the address, or the address cannot be reached.
        Connect = "connect",
        /// The TLS handshake failed.
        Tls(TlsCause) = "tls",
        /// The other side refused the password, the user name or the rights of this user.
        Auth = "auth",
        /// There was no answer in time.
        Timeout = "timeout",
        /// The answer does not follow the protocol.
        Protocol = "protocol",
        /// The connection was closed before the answer was complete.
        Closed = "closed",
        /// The other side has no memory, disk space or connections left.
        Full = "full",
        /// The other side answered that it cannot serve the request now, such as HTTP 503 or a server that loads its data.
        ServerError = "server-error",
        /// The other side is a replica, which accepts no changes.
        ReadOnly = "read-only",
        /// The other side holds something that truegate did not write.
        Data = "data",
        /// Each server has failed its health checks.
        Unhealthy = "unhealthy",
        /// This machine has run out of file descriptors, ports or memory.
        Resources = "resources",
        /// None of the others.
        Other = "other",
    }
}

closed_list! {
    /// The reason why a TLS handshake failed.
    pub enum TlsCause {
        /// The certificate has expired.
        Expired = "expired",
        /// The certificate is not valid yet, or the clock of this machine is wrong.
        NotYetValid = "not-yet-valid",
        /// The certificate is from an authority that is not trusted.
        UnknownIssuer = "unknown-issuer",
        /// The certificate is for another name.
        WrongName = "wrong-name",
        /// The certificate is wrong in another way.
        BadCertificate = "bad-certificate",
        /// The other side does not speak TLS.
        NotTls = "not-tls",
        /// There is no version or cipher that both sides accept.
        Incompatible = "incompatible",
        /// The other side refused the handshake; it may ask for a client certificate.
        Refused = "refused",
        /// None of the others.
        Other = "other",
    }
}

impl Cause {
    /// The detail of the cause, as a stable word: why a TLS handshake failed.
    pub fn detail(self) -> Option<&'static str> {
        match self {
            Self::Tls(cause) => Some(cause.code()),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{} ({detail})", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

/// A [`Cause`] with the error that it was found in.
///
/// Failures are equal if their causes are. The text and the `Debug` of a failure show its cause only, because the text of
/// another library may hold what came over the wire. That error is the [`source`](Error::source).
#[derive(Clone)]
pub struct Failure {
    cause: Cause,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A cause with the error that it was found in.
    pub fn new(cause: Cause, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause, source: Some(Arc::from(source.into())) }
    }

    /// The cause of the failure.
    pub fn cause(&self) -> Cause {
        self.cause
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, source: None }
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        self.cause == other.cause
    }
}

impl Eq for Failure {}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.cause).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_cause_has_a_word_of_its_own() {
        let plain = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let causes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.code()).filter(plain).collect();
        let details: HashSet<_> = TlsCause::ALL.iter().map(|cause| cause.code()).filter(plain).collect();
        assert_eq!((causes.len(), details.len()), (Cause::ALL.len(), TlsCause::ALL.len()));
        assert_eq!(Cause::Tls(TlsCause::Expired).to_string(), "tls (expired)");
    }

    #[test]
    fn a_failure_tells_nothing_but_its_cause_and_keeps_its_source() {
        let failure = Failure::new(Cause::Protocol, "s3cr3t");
        assert_eq!(format!("{failure} {failure:?}"), "protocol Failure(Protocol)");
        assert_eq!(failure.source().unwrap().to_string(), "s3cr3t");
        assert_eq!(failure, Failure::from(Cause::Protocol));
    }
}
