//! Reading on after an answer, for a client that sends its whole request before it reads.

use std::time::Duration;

use http::header;
use pingora_proxy::Session;
use tokio::time::timeout;

use crate::gate::Leftover;

/// Reads what the client still sends of its request's body: up to 32 MiB, for up to 30 s. If the body has not ended then,
/// the connection is closed. A client that withholds the body until it is asked for it (`Expect`) is not waited for.
///
/// [`respond`](super::respond) does so after an answer of the gate's. For those of an app that answers before it has read
/// the whole body, call it from `logging`, which is the last of a proxy's hooks.
///
/// To close a connection with unread bytes resets it, and the client may lose the answer that it was sent. Over HTTP/2
/// it is the stream that is reset, which libcurl before 8 takes for an error.
pub async fn drain(session: &mut Session) {
    let mut left = Leftover::LIMIT;
    let reading = async {
        let mut silence = if is_withheld(session) { Duration::ZERO } else { SILENCE };
        while !session.is_body_done() {
            match timeout(silence, session.read_request_body()).await {
                Ok(Ok(Some(data))) if data.len() <= left => {
                    left -= data.len();
                    silence = SILENCE;
                }
                _ => return,
            }
        }
    };
    // Whoever has not sent everything by now is not waited for.
    let _ = timeout(Leftover::TIME, reading).await;
    if !session.is_body_done() {
        // pingora would wait for the rest before it takes the next request.
        session.set_keepalive(None);
    }
}

/// Whether the client asked if it should send the body, and nothing of the body was read.
pub(super) fn is_withheld(session: &Session) -> bool {
    session.body_bytes_read() == 0 && session.req_header().headers.contains_key(header::EXPECT)
}

/// As long as nginx waits for more (`lingering_timeout`).
const SILENCE: Duration = Duration::from_secs(5);
