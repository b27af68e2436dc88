use std::{net::IpAddr, pin::pin, task::Poll};

use proptest::{collection::vec, prelude::*};
use proxy_header::{ProxiedAddress, Tlv};

use super::*;

/// What is read of these bytes, and what is left of them.
fn read_all(mut bytes: &[u8]) -> (Result<Option<SocketAddr>, ProxyHeaderError>, &[u8]) {
    let read = {
        let mut reading = pin!(read(&mut bytes));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(read) = reading.as_mut().poll(&mut cx) else { panic!("bytes are there at once") };
        read
    };
    (read, bytes)
}

fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, addresses].concat()
}

const INET: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 1, 187];

#[test]
fn a_header_names_a_client_or_none_and_nothing_behind_it_is_read() {
    let client = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
    let inet6 =
        [&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..], &[0; 16], &[0x12, 0x67, 1, 187]].concat();
    for (header, expected) in [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(), client("192.0.2.7:4711")),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n".to_vec(), client("[2001:db8::7]:4711")),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n".to_vec(), None),
        (v2(0x21, 0x11, &INET), client("192.0.2.7:4711")),
        (v2(0x21, 0x21, &inet6), client("[2001:db8::7]:4711")),
        (v2(0x21, 0x11, &[&INET[..], b"\x02\x00\x05a.com\x04\x00\x00"].concat()), client("192.0.2.7:4711")),
        (v2(0x20, 0x11, &INET), None),
        (v2(0x20, 0x00, &[]), None),
        (v2(0x21, 0x00, &[]), None),
        (v2(0x21, 0x31, &[0; 216]), None),
    ] {
        let bytes = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(read_all(&bytes), (Ok(expected), &b"GET / HTTP/1.1\r\n"[..]), "{}", header.escape_ascii());
        for cut in 1..header.len() {
            assert_eq!(
                read_all(&header[..cut]).0,
                Err(ProxyHeaderError::Malformed),
                "{}",
                header[..cut].escape_ascii()
            );
        }
    }
    assert_eq!(read_all(b"").0, Err(ProxyHeaderError::Silent));
}

#[test]
fn everything_else_is_refused() {
    let long_line = format!("PROXY UNKNOWN {}\r\n", "a".repeat(92));
    assert_eq!(long_line.len(), LONGEST_LINE + 1);
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaa",
        b"proxy TCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY\tTCP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 65536\r\n",
        b"PROXY TCP4 192.0.2.256 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 4711 443\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4  192.0.2.7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 192.0.2.7, 10.0.0.1 4711 443\r\n",
        b" PROXY UNKNOWN\r\n",
        long_line.as_bytes(),
        &v2(0x22, 0x11, &INET),
        &v2(0x11, 0x11, &INET),
        &v2(0x21, 0x11, &INET[..11]),
        &v2(0x21, 0x12, &INET),
        &v2(0x21, 0x13, &INET),
        &v2(0x21, 0x41, &INET),
        &v2(0x21, 0x21, &INET),
        &v2(0x21, 0x31, &INET),
        &v2(0x21, 0x11, &[&INET[..], &[0; LONGEST_REST]].concat()),
        &v2(0x21, 0x11, &INET)[4..],
    ] {
        assert_eq!(read_all(bytes).0, Err(ProxyHeaderError::Malformed), "{}", bytes.escape_ascii());
    }
}

fn address(is_v4: bool) -> impl Strategy<Value = SocketAddr> {
    (any::<[u8; 16]>(), any::<u16>()).prop_map(move |(bytes, port)| {
        let ip = if is_v4 { IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]) } else { IpAddr::from(bytes) };
        SocketAddr::new(ip, port)
    })
}

fn addresses() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    any::<bool>().prop_flat_map(|is_v4| (address(is_v4), address(is_v4)))
}

proptest! {
    #[test]
    fn what_a_proxy_writes_is_read(
        (source, destination) in addresses(),
        extra in vec(any::<u8>(), 0..64),
        rest in vec(any::<u8>(), 0..64),
    ) {
        let named = ProxiedAddress::stream(source, destination);
        let tlvs = ProxyHeader::with_tlvs(Some(named.clone()), [Tlv::Noop(3), Tlv::Custom(0xe0, extra.into())]);
        let mut space = [0; 256];
        for version in [1, 2] {
            let length = match version {
                1 => ProxyHeader::with_address(named.clone()).encode_to_slice_v1(&mut space).unwrap(),
                _ => tlvs.encode_to_slice_v2(&mut space).unwrap(),
            };
            let bytes = [&space[..length], &rest].concat();
            prop_assert_eq!(read_all(&bytes), (Ok(Some(source)), &rest[..]));
        }
    }

    #[test]
    fn whatever_comes_keeps_the_promises(bytes in vec(any::<u8>(), 0..300), start in 0..3_usize) {
        let start = [&b""[..], SIGNATURE, b"PROXY TCP4 "][start];
        fuzz(&[start, &bytes].concat());
    }
}
