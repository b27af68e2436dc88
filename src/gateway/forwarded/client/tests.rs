use proptest::{collection::vec, prelude::*};

use super::*;
use crate::gateway::forwarded::TrustedNetwork;

const PROXY: &str = "10.0.0.1";

fn proxies() -> TrustedProxies {
    ["10.0.0.0/8", "fd00::/8"].map(|text| TrustedNetwork::parse(text).unwrap()).into_iter().collect()
}

fn found(peer: &str, lines: &[&str]) -> String {
    client(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &proxies()).to_string()
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_says() {
    for lines in [&[][..], &["127.0.0.1"], &["1.2.3.4, 10.0.0.9"], &["10.0.0.9"], &[""]] {
        assert_eq!(found("192.0.2.1", lines), "192.0.2.1", "{lines:?}");
        assert_eq!(found("::ffff:192.0.2.1", lines), "192.0.2.1", "{lines:?}");
        let nobody = TrustedProxies::default();
        let peer = client(PROXY.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &nobody);
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
fn what_is_no_address_ends_the_walk_before_it() {
    for junk in [
        "",
        " ",
        "not-an-ip",
        "unknown",
        "_hidden",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "0x1.2.3.4",
        "16909060",
        "1.2.3.4/32",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "1.2.3.4 10.0.0.9",
        "[1.2.3.4]",
        "[1.2.3.4]:80",
        "2001:db8::1::",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[[::1]]",
        "fe80::1%eth0",
        "fe80::1%1",
        "[fe80::1%eth0]:80",
        "[fe80::1%1]:80",
        "for=1.2.3.4",
        "\"1.2.3.4\"",
        "\u{661}",
    ] {
        assert_eq!(found(PROXY, &[junk]), PROXY, "{junk:?}");
        assert_eq!(found(PROXY, &[&format!("1.2.3.4, {junk}, 10.0.0.9")]), "10.0.0.9", "{junk:?}");
        assert_eq!(found(PROXY, &["1.2.3.4", junk, "10.0.0.9"]), "10.0.0.9", "{junk:?}");
        assert_eq!(found(PROXY, &[&format!("{junk}, 1.2.3.4")]), "1.2.3.4", "{junk:?}");
    }
    let bytes: [&[u8]; 2] = [b"1.2.3.4", b"\xff\xfe"];
    assert_eq!(client(PROXY.parse().unwrap(), bytes.into_iter(), &proxies()).to_string(), PROXY);
}

#[test]
fn thousands_of_entries_are_walked_through_once() {
    let line = "10.0.0.9,".repeat(10_000) + "10.0.0.8";
    let mut looked_at = 0;
    let lines = [line.as_bytes(); 10];
    let counted = lines.into_iter().inspect(|_| looked_at += 1);
    assert_eq!(client(PROXY.parse().unwrap(), counted, &proxies()).to_string(), "10.0.0.9");
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
        let client = client(peer, lines.iter().map(Vec::as_slice), &proxies());
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
