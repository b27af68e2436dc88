//! Reading a callback's body so that pingora can still send it upstream.

use std::future::pending;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Version, header};
use pingora_core::Error;
use pingora_http::RequestHeader;
use pingora_proxy::Session;

use crate::gate::{Failure, Intake};

/// Reads the body to its end, or tells what the intake is to be told.
///
/// pingora keeps up to 64 KiB of it for the upstream, and silently nothing of what is larger, so that is the limit.
pub(super) async fn read(session: &mut Session, intake: &Intake) -> Result<Bytes, Failure> {
    session.enable_retry_buffering();
    tokio::select! {
        body = read_within(session, intake.limit().min(RETRY_BUFFER)) => body,
        () = intake.expired() => Err(Intake::too_slow),
    }
}

async fn read_within(session: &mut Session, limit: usize) -> Result<Bytes, Failure> {
    if expects_continue(session.req_header()) {
        session.write_continue_response().await.map_err(|_| Intake::interrupted as Failure)?;
    }
    let mut body = BytesMut::new();
    loop {
        match session.read_request_body().await {
            Ok(Some(data)) if body.len() + data.len() > limit => return Err(Intake::too_large),
            Ok(Some(data)) => body.extend_from_slice(&data),
            Ok(None) => return Ok(body.freeze()),
            Err(_) => return Err(Intake::interrupted),
        }
    }
}

/// Whether the client waits for word before it sends its body (RFC 9110 §10.1.1).
fn expects_continue(request: &RequestHeader) -> bool {
    let expectation = request.headers.get(header::EXPECT);
    let continues = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    request.version >= Version::HTTP_11 && expectation.is_some_and(continues)
}

/// Ends when the client has gone, or says more than its one request; until then the verdict is worth waiting for.
///
/// pingora would notice only with the head at the app, and leave it there without a body.
pub(super) async fn gone(session: &mut Session) -> Box<Error> {
    match session.read_body_or_idle(true).await {
        Err(error) => error.into_down(),
        Ok(_) => pending().await,
    }
}

/// How much of a body pingora keeps.
pub(crate) const RETRY_BUFFER: usize = 64 * 1024;
