//! The header of the PROXY protocol. This is a module of `gateway::proxy_header`, whose parts are private.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use proxy_header::{ProxiedAddress, ProxyHeader};

use super::{LONGEST_REST, ProxyHeaderError, SHORTEST, SIGNATURE, read};

/// The first bytes of a connection: a header that is taken starts as one, is short, says the same when it is read again, and ends
/// where the next protocol begins.
pub fn proxy_header(bytes: &[u8]) -> bool {
    let (header, client) = match read_now(bytes) {
        (Ok(client), rest) => (&bytes[..bytes.len() - rest], client),
        (Err(error), _) => {
            assert_eq!(error == ProxyHeaderError::Silent, bytes.is_empty());
            return false;
        }
    };
    assert!(header.starts_with(SIGNATURE) || header.starts_with(b"PROXY ") && header.ends_with(b"\r\n"));
    assert!(header.len() >= SHORTEST && header.len() <= SHORTEST + 1 + LONGEST_REST);
    assert_eq!(read_now(header), (Ok(client), 0), "the header alone is enough");
    if let Some(client) = client {
        let named = ProxyHeader::with_address(ProxiedAddress::stream(client, client));
        let mut space = [0; 256];
        let length = named.encode_to_slice_v2(&mut space).expect("it is short");
        assert_eq!(read_now(&space[..length]), (Ok(Some(client)), 0), "the client is an address");
    }
    true
}

/// What is read of these bytes, and how many are left.
fn read_now(mut bytes: &[u8]) -> (Result<Option<std::net::SocketAddr>, ProxyHeaderError>, usize) {
    let read = match pin!(read(&mut bytes)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read,
        Poll::Pending => panic!("bytes are there at once"),
    };
    (read, bytes.len())
}
