//! What it means that a request failed: whether it is sent again, and what its client is told.

mod cause;

use http::Version;
use pingora_core::{Error, ErrorSource, ErrorType, RetryType};
use pingora_proxy::Session;

pub(super) use self::cause::cause;
use super::{
    rejection::EdgeRejection,
    upstream::{Attempts, Upstream},
};
use crate::{
    cause::Cause,
    clock::{Clock as _, SystemClock},
    gate::{Gate, Rejection, Reply},
};

/// Plans what follows when a request could not begin on a connection. Returns whether it is sent to a server again.
pub(super) fn plan_after_connect(error: &Error, upstream: &Upstream, attempts: &mut Attempts) -> bool {
    if *error.etype() == ErrorType::H2Error {
        // The server has closed a connection that was kept, and the request was not sent.
        return upstream.plan_retry(attempts, true);
    }
    upstream.rest(attempts, cause(error), SystemClock.now());
    upstream.has_left(attempts)
}

/// Plans what follows when a connection was lost before an answer came. Returns whether the request is sent again: the app may
/// see it twice, or has not seen it.
pub(super) fn plan_after_loss(
    error: &Error,
    session: &mut Session,
    was_reused: bool,
    upstream: &Upstream,
    attempts: &mut Attempts,
) -> bool {
    let may_be_sent = may_be_seen_twice(session, error) || was_not_taken(session, error);
    may_be_sent && upstream.plan_retry(attempts, was_reused)
}

/// The answer to a request that failed for good, which is noted if the app is the reason. There is none for a client that does
/// not expect one.
pub(super) fn reply(
    error: &Error,
    session: &mut Session,
    gate: &Gate,
    upstream: &Upstream,
    attempts: &Attempts,
) -> Option<Reply> {
    match error.esource() {
        _ if is_quiet_socket(session, error) => None,
        _ if waits_for_body(session, error) => Some(gate.reject_for(Rejection::BodyTimeout, session.req_header())),
        ErrorSource::Downstream => {
            downstream(error.etype()).map(|rejection| gate.reject_for(rejection, session.req_header()))
        }
        ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset => {
            let cause = cause(error);
            upstream.note_failure(attempts, cause);
            let rejection = match cause {
                Cause::Unhealthy => EdgeRejection::UpstreamUnhealthy,
                _ => EdgeRejection::UpstreamUnavailable,
            };
            Some(rejection.reply(gate, session.req_header()))
        }
    }
}

/// Whether a request may be sent once more: its connection was lost before an answer came, it has no body, and its
/// method does nothing new the second time (RFC 9110 §9.2.2).
fn may_be_seen_twice(session: &mut Session, error: &Error) -> bool {
    let lost = [ErrorType::ConnectionClosed, ErrorType::ReadError, ErrorType::WriteError].contains(error.etype());
    let unanswered = *error.esource() == ErrorSource::Upstream && session.response_written().is_none();
    lost && unanswered && session.req_header().method.is_idempotent() && session.is_body_empty()
}

/// Whether the app has told by HTTP/2 that it has not looked at a request (RFC 9113 §8.7), of which all that was sent is still at
/// hand.
fn was_not_taken(session: &Session, error: &Error) -> bool {
    let is_told = [ErrorType::H2Error, ErrorType::H2Downgrade].contains(error.etype())
        && matches!(error.retry, RetryType::Decided(true));
    is_told && session.response_written().is_none() && !session.as_ref().retry_buffer_truncated()
}

/// Whether a WebSocket was closed because it was idle for as long as it may be, which is not a failure.
fn is_quiet_socket(session: &Session, error: &Error) -> bool {
    session.was_upgraded() && *error.etype() == ErrorType::ReadTimedout
}

/// Whether the app was silent for too long because the client was. pingora itself limits the wait for the body of an HTTP/1
/// request, but not of an HTTP/2 request.
fn waits_for_body(session: &mut Session, error: &Error) -> bool {
    let was_silent = *error.esource() == ErrorSource::Upstream && *error.etype() == ErrorType::ReadTimedout;
    was_silent && session.req_header().version == Version::HTTP_2 && !session.is_body_done()
}

/// Returns the answer for a client that broke off, in case it still reads.
fn downstream(error: &ErrorType) -> Option<Rejection> {
    match error {
        ErrorType::WriteError | ErrorType::WriteTimedout | ErrorType::ReadError => None,
        ErrorType::ConnectionClosed | ErrorType::H2Error => None,
        ErrorType::ReadTimedout => Some(Rejection::BodyTimeout),
        _ => Some(Rejection::MalformedRequest),
    }
}
