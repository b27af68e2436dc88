//! The cause of an error that libraries have wrapped in theirs.

use std::{error::Error, io, sync::Arc};

use rustls::{AlertDescription, CertificateError, pki_types::InvalidDnsNameError};

use super::{Cause, NoAddress, TlsCause};

/// The cause of the first error in a chain that says one.
pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(cause) = of(error) {
            return Some(cause);
        }
        next = error.source();
    }
    None
}

fn of(error: &(dyn Error + 'static)) -> Option<Cause> {
    if error.is::<NoAddress>() || error.is::<InvalidDnsNameError>() {
        return Some(Cause::Dns);
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::Tls(error.into()));
    }
    // The source of these two is that of what they hold, not what they hold itself.
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let inner = error.get_ref().and_then(|inner| find(inner));
        return inner.or_else(|| Cause::of_io(error));
    }
    error.downcast_ref::<Arc<dyn Error + Send + Sync>>().and_then(|shared| find(&**shared))
}

impl From<&rustls::Error> for TlsCause {
    fn from(error: &rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::InvalidCertificate(error) => error.into(),
            E::NoCertificatesPresented | E::UnsupportedNameType => Self::BadCertificate,
            E::InvalidMessage(_) | E::InappropriateMessage { .. } | E::PeerSentOversizedRecord => Self::NotTls,
            E::PeerIncompatible(_) | E::NoApplicationProtocol => Self::Incompatible,
            E::AlertReceived(AlertDescription::ProtocolVersion) => Self::Incompatible,
            E::AlertReceived(_) => Self::Refused,
            _ => Self::Other,
        }
    }
}

impl From<&CertificateError> for TlsCause {
    fn from(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotYetValid,
            // A wrong signature says that the key is not that of the authority which the certificate names.
            E::UnknownIssuer | E::BadSignature => Self::UnknownIssuer,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::WrongName,
            _ => Self::BadCertificate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("an error of a library")]
    struct Wrapped(#[source] Box<dyn Error + Send + Sync>);

    fn wrap(error: impl Into<Box<dyn Error + Send + Sync>>) -> Box<dyn Error + Send + Sync> {
        Wrapped(error.into()).into()
    }

    #[test]
    fn a_cause_is_found_however_deep_it_is() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let expired = || rustls::Error::InvalidCertificate(CertificateError::Expired);
        let shared = |error: io::Error| Arc::<dyn Error + Send + Sync>::from(Box::new(error) as Box<_>);
        let tls = Cause::Tls(TlsCause::Expired);
        for (error, cause) in [
            (wrap(refused()), Some(Cause::Connect)),
            (wrap(io::Error::other(wrap(refused()))), Some(Cause::Connect)),
            (wrap(shared(refused())), Some(Cause::Connect)),
            (wrap(wrap(expired())), Some(tls)),
            (wrap(io::Error::new(io::ErrorKind::InvalidData, expired())), Some(tls)),
            (wrap(NoAddress(Some(refused()))), Some(Cause::Dns)),
            (wrap(io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof")), Some(Cause::Closed)),
            (wrap("a text"), None),
        ] {
            assert_eq!(find(&*error), cause, "{error:?}");
        }
    }
}
