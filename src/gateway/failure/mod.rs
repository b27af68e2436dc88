//! What it means that a request failed: what its client is told, whether it may be sent again, and why the app could not be
//! asked.

use http::Version;
use pingora_core::{BError, Error, ErrorSource, ErrorType, RetryType};
use pingora_proxy::Session;

use crate::{
    cause::{Cause, TlsCause, find},
    gate::Rejection,
};

/// Whether a request may be sent once more: its connection was lost before an answer came, it has no body, and its
/// method does nothing new the second time (RFC 9110 §9.2.2).
pub(super) fn may_be_seen_twice(session: &mut Session, error: &Error) -> bool {
    let lost = [ErrorType::ConnectionClosed, ErrorType::ReadError, ErrorType::WriteError].contains(error.etype());
    let unanswered = *error.esource() == ErrorSource::Upstream && session.response_written().is_none();
    lost && unanswered && session.req_header().method.is_idempotent() && session.is_body_empty()
}

/// Whether the app has told by HTTP/2 that it has not looked at a request (RFC 9113 §8.7), of which all that was sent is still at
/// hand.
pub(super) fn was_not_taken(session: &Session, error: &Error) -> bool {
    let is_told = [ErrorType::H2Error, ErrorType::H2Downgrade].contains(error.etype())
        && matches!(error.retry, RetryType::Decided(true));
    is_told && session.response_written().is_none() && !session.as_ref().retry_buffer_truncated()
}

/// Whether a request could not begin on an HTTP/2 connection, which the server may have closed just now.
pub(super) fn is_lost_stream(error: &Error) -> bool {
    *error.etype() == ErrorType::H2Error
}

/// Whether a WebSocket was closed because it was idle for as long as it may be, which is not a failure.
pub(super) fn is_quiet_socket(session: &Session, error: &Error) -> bool {
    session.was_upgraded() && *error.etype() == ErrorType::ReadTimedout
}

/// Whether the app was silent for too long because the client was. pingora itself limits the wait for the body of an HTTP/1
/// request, but not of an HTTP/2 request.
pub(super) fn waits_for_body(session: &mut Session, error: &Error) -> bool {
    let was_silent = *error.esource() == ErrorSource::Upstream && *error.etype() == ErrorType::ReadTimedout;
    was_silent && session.req_header().version == Version::HTTP_2 && !session.is_body_done()
}

/// Returns the answer for a client that broke off, in case it still reads.
pub(super) fn downstream(error: &ErrorType) -> Option<Rejection> {
    match error {
        ErrorType::WriteError | ErrorType::WriteTimedout | ErrorType::ReadError => None,
        ErrorType::ConnectionClosed | ErrorType::H2Error => None,
        ErrorType::ReadTimedout => Some(Rejection::BodyTimeout),
        _ => Some(Rejection::MalformedRequest),
    }
}

/// The cause of an error of pingora's about the upstream.
pub(super) fn cause(error: &Error) -> Cause {
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
