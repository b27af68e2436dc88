//! Reading on after an answer, for a client that sends its whole request before it reads.

use std::time::Duration;

use pingora_proxy::Session;
use tokio::time::timeout;

use crate::gate::Leftover;

/// Reads what the client still sends of its request's body: up to 32 MiB, for up to 30 s.
///
/// [`respond`](super::respond) does so after an answer of the gate's. For those of an app that answers before it has read
/// the whole body, call it from `logging`, which is the last of a proxy's hooks.
///
/// To close a connection with unread bytes resets it, and the client may lose the answer that it was sent. Over HTTP/2
/// it is the stream that is reset, which libcurl before 8 takes for an error.
pub async fn drain(session: &mut Session) {
    let mut left = Leftover::LIMIT;
    let reading = async {
        while !session.is_body_done() {
            match timeout(SILENCE, session.read_request_body()).await {
                Ok(Ok(Some(data))) if data.len() <= left => left -= data.len(),
                _ => return,
            }
        }
    };
    // Whoever has not sent everything by now is not waited for.
    let _ = timeout(Leftover::TIME, reading).await;
}

/// As long as nginx waits for more (`lingering_timeout`).
const SILENCE: Duration = Duration::from_secs(5);
