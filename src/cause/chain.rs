//! Finds the cause of an error that libraries have wrapped in their own.

use std::{error::Error, io, sync::Arc};

use rustls::{AlertDescription, CertificateError, pki_types::InvalidDnsNameError};

use super::{Cause, Failure, TlsCause};

/// A name that has no address, or no address that may be connected to.
#[derive(Debug, Default, thiserror::Error)]
#[error("the name has no address that may be connected to")]
pub(crate) struct NoAddress(#[source] pub(crate) Option<io::Error>);

/// The cause of the first error in a chain that has one.
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
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.cause());
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::Tls(of_tls(error)));
    }
    // The source of these two skips the error that they hold.
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let inner = error.get_ref().and_then(|inner| find(inner));
        return inner.or_else(|| of_io(error));
    }
    error.downcast_ref::<Arc<dyn Error + Send + Sync>>().and_then(|shared| find(&**shared))
}

/// The cause of a failure of the operating system; none if its kind does not tell.
fn of_io(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind;
    if error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code)) {
        return Some(Cause::Resources);
    }
    Some(match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown => Cause::Connect,
        ErrorKind::PermissionDenied => Cause::Connect,
        ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse | ErrorKind::OutOfMemory => Cause::Resources,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Cause::Timeout,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::NotConnected => Cause::Closed,
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::WriteZero => Cause::Closed,
        ErrorKind::InvalidData => Cause::Protocol,
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error) -> TlsCause {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(error) => of_certificate(error),
        E::NoCertificatesPresented | E::UnsupportedNameType => TlsCause::BadCertificate,
        E::InvalidMessage(_) | E::InappropriateMessage { .. } | E::PeerSentOversizedRecord => TlsCause::NotTls,
        E::PeerIncompatible(_) | E::NoApplicationProtocol => TlsCause::Incompatible,
        E::AlertReceived(AlertDescription::ProtocolVersion) => TlsCause::Incompatible,
        E::AlertReceived(_) => TlsCause::Refused,
        _ => TlsCause::Other,
    }
}

fn of_certificate(error: &CertificateError) -> TlsCause {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => TlsCause::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => TlsCause::NotYetValid,
        // A wrong signature says that the key is not that of the authority which the certificate names.
        E::UnknownIssuer | E::BadSignature => TlsCause::UnknownIssuer,
        E::NotValidForName | E::NotValidForNameContext { .. } => TlsCause::WrongName,
        _ => TlsCause::BadCertificate,
    }
}

/// `ENFILE` and `EMFILE`, which are the same on every Unix and have no kind.
const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24];

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

    #[test]
    fn a_failure_of_the_system_has_its_cause() {
        for (error, cause) in [
            (io::Error::from_raw_os_error(111), Some(Cause::Connect)),
            (io::Error::from_raw_os_error(113), Some(Cause::Connect)),
            (io::Error::from_raw_os_error(101), Some(Cause::Connect)),
            (io::Error::from_raw_os_error(110), Some(Cause::Timeout)),
            (io::Error::from_raw_os_error(104), Some(Cause::Closed)),
            (io::Error::from_raw_os_error(32), Some(Cause::Closed)),
            (io::Error::from_raw_os_error(24), Some(Cause::Resources)),
            (io::Error::from_raw_os_error(99), Some(Cause::Resources)),
            (io::Error::from(io::ErrorKind::InvalidData), Some(Cause::Protocol)),
            (io::Error::other("something"), None),
        ] {
            assert_eq!(of_io(&error), cause, "{error}");
        }
    }
}
