use proptest::{collection::vec, prelude::*};

use super::*;
use crate::gateway::config::TrustedPeer;

const PROXY: &str = "10.0.0.1";

fn proxies() -> TrustedProxies {
    ["10.0.0.0/8", "fd00::/8"].map(|text| TrustedPeer::parse(text).unwrap()).into_iter().collect()
}

fn client_behind<'a>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &TrustedProxies,
) -> IpAddr {
    client_address(Some(peer), lines, trusted).expect("the peer has an address")
}

fn found(peer: &str, lines: &[&str]) -> String {
    client_behind(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &proxies()).to_string()
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_says() {
    for lines in [&[][..], &["127.0.0.1"], &["1.2.3.4, 10.0.0.9"], &["10.0.0.9"], &[""]] {
        assert_eq!(found("192.0.2.1", lines), "192.0.2.1", "{lines:?}");
        assert_eq!(found("::ffff:192.0.2.1", lines), "192.0.2.1", "{lines:?}");
        let nobody = TrustedProxies::default();
        let peer = client_behind(PROXY.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &nobody);
        assert_eq!(peer.to_string(), PROXY, "{lines:?}");
    }
}

#[test]
fn behind_trusted_proxies_the_client_is_the_rightmost_who_is_none() {
    for (lines, expected) in [
        (&[][..], PROXY),
        (&["1.2.3.4"], "1.2.3.4"),
        (&["1.2.3.4, 10.0.0.9"], "1.2.3.4"),
        (&["6.6.6.6, 1.2.3.4,10.0.0.9 ,\tfd00::1"], "1.2.3.4"),
        (&["6.6.6.6", "1.2.3.4, 10.0.0.9", "10.0.0.8"], "1.2.3.4"),
        (&["6.6.6.6, 10.0.0.9, 1.2.3.4"], "1.2.3.4"),
        (&["10.0.0.7, 10.0.0.9"], "10.0.0.7"),
        (&["2001:db8::1, 10.0.0.9"], "2001:db8::1"),
        (&["::ffff:1.2.3.4, ::ffff:10.0.0.9"], "1.2.3.4"),
        (&["1.2.3.4:4711, 10.0.0.9:1"], "1.2.3.4"),
        (&["[2001:db8::1]:4711, [fd00::1]"], "2001:db8::1"),
    ] {
        assert_eq!(found(PROXY, lines), expected, "{lines:?}");
    }
    assert_eq!(found("::ffff:10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
}

#[test]
fn behind_a_proxy_without_an_address_the_client_is_the_rightmost_who_is_none() {
    for (line, expected) in [
        ("1.2.3.4", Some("1.2.3.4")),
        ("6.6.6.6, 1.2.3.4, 10.0.0.9", Some("1.2.3.4")),
        ("10.0.0.9", Some("10.0.0.9")),
        ("1.2.3.4, unknown", None),
        ("", None),
    ] {
        let found = client_address(None, [line.as_bytes()].into_iter(), &proxies());
        assert_eq!(found.map(|address| address.to_string()).as_deref(), expected, "{line}");
    }
    assert_eq!(client_address(None, [].into_iter(), &proxies()), None);
}

#[test]
fn what_is_no_address_ends_the_walk_before_it() {
    for junk in [
        "", " ", "not-an-ip", "unknown", "_hidden", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x1.2.3.4",
        "16909060", "1.2.3.4/32", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4 10.0.0.9", "[1.2.3.4]",
        "[1.2.3.4]:80", "2001:db8::1::", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]80", "[[::1]]", "fe80::1%eth0",
        "fe80::1%1", "[fe80::1%eth0]:80", "[fe80::1%1]:80", "for=1.2.3.4", "\"1.2.3.4\"", "\u{661}",
    ] {
        assert_eq!(found(PROXY, &[junk]), PROXY, "{junk:?}");
        assert_eq!(found(PROXY, &[&format!("1.2.3.4, {junk}, 10.0.0.9")]), "10.0.0.9", "{junk:?}");
        assert_eq!(found(PROXY, &["1.2.3.4", junk, "10.0.0.9"]), "10.0.0.9", "{junk:?}");
        assert_eq!(found(PROXY, &[&format!("{junk}, 1.2.3.4")]), "1.2.3.4", "{junk:?}");
    }
    let bytes: [&[u8]; 2] = [b"1.2.3.4", b"\xff\xfe"];
    assert_eq!(client_behind(PROXY.parse().unwrap(), bytes.into_iter(), &proxies()).to_string(), PROXY);
}

#[test]
fn thousands_of_entries_are_walked_through_once() {
    let line = "10.0.0.9,".repeat(10_000) + "10.0.0.8";
    let mut looked_at = 0;
    let lines = [line.as_bytes(); 10];
    let counted = lines.into_iter().inspect(|_| looked_at += 1);
    assert_eq!(client_behind(PROXY.parse().unwrap(), counted, &proxies()).to_string(), "10.0.0.9");
    assert_eq!(looked_at, 10);
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
        .prop_map(|address| address.to_canonical())
}

/// An address as some proxy would write it.
fn written(address: IpAddr) -> impl Strategy<Value = String> {
    let with_port = SocketAddr::new(address, 4711).to_string();
    prop_oneof![Just(address.to_string()), Just(format!(" {address}\t")), Just(with_port)]
}

fn hop() -> impl Strategy<Value = String> {
    any::<[u8; 3]>().prop_flat_map(|[a, b, c]| written(IpAddr::from([10, a, b, c])))
}

proptest! {
    #[test]
    fn whatever_the_client_wrote_before_changes_nothing(
        client_address in any_address().prop_filter("no proxy", |address| !proxies().contains(*address)),
        claimed in vec("[0-9a-f.:, \\[\\]%x]{0,20}", 0..5),
        hops in vec((hop(), any::<bool>()), 0..5),
    ) {
        let mut lines = claimed;
        lines.push(client_address.to_string());
        for (hop, own_line) in hops {
            match lines.last_mut() {
                Some(line) if !own_line => *line = format!("{line},{hop}"),
                _ => lines.push(hop),
            }
        }
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        prop_assert_eq!(found(PROXY, &lines), client_address.to_string());
    }

    #[test]
    fn the_client_is_the_peer_or_somebody_who_was_named(lines in vec(vec(any::<u8>(), 0..40), 0..5), peer in any_address()) {
        let client = client_behind(peer, lines.iter().map(Vec::as_slice), &proxies());
        let mut named = lines.iter().flat_map(|line| line.split(|byte| *byte == b',')).filter_map(address);
        prop_assert!(client == peer || named.any(|address| address == client));
        prop_assert!(proxies().contains(peer) || client == peer);
    }

    #[test]
    fn an_address_is_read_as_it_is_written(address in any_address(), entry in any_address().prop_flat_map(written)) {
        prop_assert_eq!(super::address(address.to_string().as_bytes()), Some(address));
        prop_assert!(super::address(entry.as_bytes()).is_some());
    }
}

#[test]
fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
    for text in [
        "a", "app.example", "App.Example.", "my_app:3000", "xn--caf-dma.example:65535", "127.0.0.1:80", "[::1]",
        "[2001:db8::1]:8443", "a:", "a:0", "a~b", "[::1]:",
    ] {
        assert!(is_host(text), "{text:?}");
    }
}

#[test]
fn a_host_is_nothing_else() {
    for text in [
        "", ".", ":", ":80", "a:65536", "a:+80", "a:80:80", "a b", " a", "a,b", "a, b", "legit,for=127.0.0.1", "a;b",
        "a/b", "//a", "https://a", "a\\b", "a?b", "a#b", "user@a", "a%2eb", "a..b", ".a", "a..", "caf\u{e9}.example",
        "::1", "[::1", "::1]", "[]", "[::1]a", "[fe80::1%1]", "[127.0.0.1]", "[::1]:80:80", "a\r\nx: y", "\0",
    ] {
        assert!(!is_host(text), "{text:?}");
    }
}

fn seen(peer: [u8; 4]) -> Forwarded {
    let host = Some(HeaderValue::from_static("app.example"));
    let client = ClientInfo { address: Some(IpAddr::from(peer)), scheme: Some(Scheme::Http) };
    Forwarded { client, host, by_proxy: false }
}

fn told(peer: [u8; 4], lines: &[(&'static str, &str)]) -> (String, &'static str, String) {
    let trusted = TrustedProxies::from_iter([TrustedPeer::parse("10.0.0.0/8").unwrap()]);
    let line = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let origin = seen(peer).believing(&lines.iter().map(line).collect(), &trusted);
    let host = origin.host.unwrap().to_str().unwrap().to_owned();
    (origin.client.address.unwrap().to_string(), origin.client.scheme.unwrap().as_str(), host)
}

#[test]
fn a_trusted_proxy_says_where_a_request_came_from() {
    let lines = [
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example:8443"),
    ];
    let expected = ("1.2.3.4".to_owned(), "https", "shop.example:8443".to_owned());
    assert_eq!(told([10, 0, 0, 1], &lines), expected);
    let expected = ("192.0.2.1".to_owned(), "http", "app.example".to_owned());
    assert_eq!(told([192, 0, 2, 1], &lines), expected, "nobody else does");
}

#[test]
fn what_makes_no_sense_is_as_if_it_had_not_been_said() {
    let expected = ("10.0.0.1".to_owned(), "http", "app.example".to_owned());
    for lines in [
        &[][..],
        &[("x-forwarded-proto", "javascript")],
        &[("x-forwarded-proto", "HTTPS")],
        &[("x-forwarded-proto", "https, http")],
        &[("x-forwarded-proto", "https://")],
        &[("x-forwarded-proto", "wss")],
        &[("x-forwarded-proto", "")],
        &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "https")],
        &[("x-forwarded-host", "evil.example, shop.example")],
        &[("x-forwarded-host", "legit,for=127.0.0.1")],
        &[("x-forwarded-host", "user@evil.example")],
        &[("x-forwarded-host", "evil.example/path")],
        &[("x-forwarded-host", "caf\u{e9}.example")],
        &[("x-forwarded-host", "")],
        &[("x-forwarded-host", "a.example"), ("x-forwarded-host", "a.example")],
        &[("x-forwarded-for", "not-an-ip")],
        &[("x_forwarded_for", "1.2.3.4"), ("x_forwarded_proto", "https"), ("x.forwarded.host", "evil.example")],
        &[("forwarded", "for=1.2.3.4;proto=https;host=evil.example"), ("x-real-ip", "1.2.3.4")],
    ] {
        assert_eq!(told([10, 0, 0, 1], lines), expected, "{lines:?}");
    }
}

#[test]
fn a_peer_without_an_address_is_nobody_to_trust() {
    let client = ClientInfo { address: None, scheme: Some(Scheme::Http) };
    let origin = Forwarded { client, ..seen([10, 0, 0, 1]) };
    let headers = HeaderMap::from_iter([(PROTO.name().clone(), HeaderValue::from_static("https"))]);
    let trusted = TrustedProxies::from_iter([TrustedPeer::parse("10.0.0.0/8").unwrap()]);
    assert_eq!(origin.clone().believing(&headers, &trusted), origin);
}

#[test]
fn every_spelling_of_the_origin_is_the_clients_no_more() {
    for (name, origin) in [
        ("x-forwarded-for", true),
        ("x_forwarded_proto", true),
        ("x.forwarded-host", true),
        ("forwarded", true),
        ("x-forwarded-port", false),
        ("x-forwarded-format", false),
    ] {
        assert_eq!(says_origin(&HeaderName::from_static(name)), origin, "{name}");
    }
}
