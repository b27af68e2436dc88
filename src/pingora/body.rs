//! Reading the body of a request: of a callback so that pingora can still send it upstream, and after an answer so that
//! a client that sends its whole request before it reads gets to the answer.

use std::{future::pending, mem, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Version, header};
use pingora_core::Error;
use pingora_http::RequestHeader;
use pingora_proxy::Session;
use tokio::time::timeout;

use super::TruegateModule;
use crate::gate::{Intake, Leftover, ReadFailure, plugin::unless};

/// Reads the body to its end.
///
/// pingora keeps up to 64 KiB of it for the upstream, and silently nothing of what is larger, so that is the limit.
pub(super) async fn read(session: &mut Session, intake: &Intake) -> Result<Bytes, ReadFailure> {
    session.enable_retry_buffering();
    let body = read_within(session, intake.limit().min(RETRY_BUFFER));
    unless(intake.expired(), body).await.unwrap_or(Err(ReadFailure::TooSlow))
}

async fn read_within(session: &mut Session, limit: usize) -> Result<Bytes, ReadFailure> {
    if expects_continue(session.req_header()) {
        session.write_continue_response().await.map_err(|_| ReadFailure::Interrupted)?;
    }
    // The first piece is mostly all, and then it is not copied.
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    loop {
        match session.read_request_body().await {
            Ok(Some(data)) if first.len() + more.len() + data.len() > limit => return Err(ReadFailure::TooLarge),
            Ok(Some(data)) if first.is_empty() => first = data,
            Ok(Some(data)) => more.extend_from_slice(&data),
            Ok(None) if more.is_empty() => return Ok(first),
            Ok(None) => return Ok([first, more.freeze()].concat().into()),
            Err(_) => return Err(ReadFailure::Interrupted),
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

/// Reads the rest of the request's body: up to 32 MiB, for up to 30 s. If the body has not ended then, the connection is closed.
/// If a client withholds the body until the server asks for it (`Expect`), this does not wait. A second call does nothing.
///
/// truegate does this after its own answers. If the app may answer before it has read the whole body, call this from `logging`,
/// which is the last of a proxy's hooks.
///
/// When a connection with unread bytes is closed, it is reset, and the client may lose the answer. Over HTTP/2 the stream is
/// reset, which libcurl before 8 reports as an error.
pub async fn drain(session: &mut Session) {
    if session.is_body_done() {
        return;
    }
    let module = session.downstream_modules_ctx.get_mut::<TruegateModule>();
    if module.is_some_and(|module| mem::replace(&mut module.is_drained, true)) {
        return;
    }
    // Most requests have no body, and need no room for the reading of one.
    if !Box::pin(read_rest(session)).await {
        // pingora would wait for the rest before it takes the next request.
        session.set_keepalive(None);
    }
}

/// Sends what is left of the answer, then reads the rest of the body, and returns whether it has ended.
async fn read_rest(session: &mut Session) -> bool {
    let mut left = Leftover::LIMIT;
    let mut silence = if is_withheld(session) { Duration::ZERO } else { SILENCE };
    let reading = async {
        if session.finish_body().await.is_err() {
            return false;
        }
        loop {
            match timeout(silence, session.read_request_body()).await {
                Ok(Ok(Some(data))) if data.len() <= left => {
                    left -= data.len();
                    silence = SILENCE;
                }
                Ok(Ok(None)) => return true,
                _ => return false,
            }
        }
    };
    // A client that has not sent everything by then is not waited for.
    timeout(Leftover::TIME, reading).await.unwrap_or(false)
}

/// Whether the client asked if it should send the body that it announced, and nothing of the body was read.
pub(super) fn is_withheld(session: &mut Session) -> bool {
    session.body_bytes_read() == 0
        && session.req_header().headers.contains_key(header::EXPECT)
        && !session.is_body_done()
}

/// How much of a body pingora keeps.
pub(crate) const RETRY_BUFFER: usize = 64 * 1024;
/// As long as nginx waits for more (`lingering_timeout`).
const SILENCE: Duration = Duration::from_secs(5);
