//! Why the app could not be asked, as pingora's errors tell it.

use pingora_core::{BError, Error, ErrorType};

use crate::cause::{Cause, TlsCause, find};

/// The cause of an error of pingora's about the upstream.
pub(in crate::gateway) fn cause(error: &Error) -> Cause {
    use ErrorType as E;
    match error.root_etype() {
        E::ConnectTimedout | E::TLSHandshakeTimedout | E::ReadTimedout | E::WriteTimedout => Cause::Timeout,
        E::TLSHandshakeFailure | E::InvalidCert | E::HandshakeError => handshake(error),
        E::ConnectRefused => Cause::Connect,
        E::ConnectionClosed => Cause::Closed,
        E::InvalidHTTPHeader | E::H1Error | E::H2Error | E::InvalidH2 | E::H2Downgrade => {
            root(error).unwrap_or(Cause::Protocol)
        }
        E::ConnectNoRoute | E::ConnectError | E::ConnectProxyFailure => root(error).unwrap_or(Cause::Connect),
        E::ReadError | E::WriteError => root(error).unwrap_or(Cause::Closed),
        E::BindError | E::SocketError => Cause::Resources,
        _ => root(error).unwrap_or(Cause::Other),
    }
}

/// The cause that an error names which pingora wrapped in its own.
fn root(error: &Error) -> Option<Cause> {
    let cause = error.cause.as_deref()?;
    match cause.downcast_ref::<BError>() {
        Some(error) => root(error),
        None => find(cause),
    }
}

/// pingora keeps only the text of a failed handshake, as the TLS library wrote it.
fn handshake(error: &Error) -> Cause {
    let texts = contexts(error);
    let said = |known: &&(&str, Cause)| texts.iter().any(|text| text.contains(known.0));
    root(error).or(HANDSHAKES.iter().find(said).map(|(_, cause)| *cause)).unwrap_or(Cause::Tls(TlsCause::Other))
}

fn contexts(error: &Error) -> Vec<&str> {
    let inner = error.cause.as_deref().and_then(|cause| cause.downcast_ref::<BError>());
    let mut texts = inner.map_or_else(Vec::new, |error| contexts(error));
    texts.extend(error.context.as_ref().map(pingora_core::ImmutStr::as_str));
    texts
}

/// The texts of rustls for a handshake that failed. A certificate may have any name, so the text with names comes first.
const HANDSHAKES: [(&str, Cause); 12] = [
    ("certificate not valid for name", Cause::Tls(TlsCause::WrongName)),
    ("UnknownIssuer", Cause::Tls(TlsCause::UnknownIssuer)),
    ("BadSignature", Cause::Tls(TlsCause::UnknownIssuer)),
    ("certificate expired", Cause::Tls(TlsCause::Expired)),
    ("certificate not valid yet", Cause::Tls(TlsCause::NotYetValid)),
    ("invalid peer certificate", Cause::Tls(TlsCause::BadCertificate)),
    ("peer sent no certificates", Cause::Tls(TlsCause::BadCertificate)),
    ("received corrupt message", Cause::Tls(TlsCause::NotTls)),
    ("received fatal alert: ProtocolVersion", Cause::Tls(TlsCause::Incompatible)),
    ("received fatal alert", Cause::Tls(TlsCause::Refused)),
    ("peer is incompatible", Cause::Tls(TlsCause::Incompatible)),
    ("tls handshake eof", Cause::Closed),
];
