//! The headers by which a proxy says where a request came from. This is a module of `gateway::forwarded`, whose parts are private.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Forwarded, is_host, proxies::may_say};
use crate::{
    gate::{ClientInfo, Scheme},
    gateway::config::{TrustedPeer, TrustedProxies},
};

/// Lines of headers, as `name: value`: a client that is no trusted proxy changes nothing of what the app is told, and a trusted
/// proxy can only name one address, one scheme and one host.
pub fn forwarded(lines: &[u8]) -> bool {
    let headers: HeaderMap = lines.split(|byte| *byte == b'\n').filter_map(header).collect();
    let trusted =
        TrustedProxies::from_iter(["10.0.0.0/8"].map(|network| TrustedPeer::parse(network).expect("a network")));
    let seen = |peer: [u8; 4]| Forwarded {
        client: ClientInfo { address: Some(IpAddr::V4(Ipv4Addr::from(peer))), scheme: Some(Scheme::Http) },
        host: Some(HeaderValue::from_static("shop.example")),
        by_proxy: false,
    };

    let stranger = seen([192, 0, 2, 1]).believing(&headers, &trusted);
    assert_eq!(stranger, seen([192, 0, 2, 1]));
    let mut told = headers.clone();
    stranger.guard(&mut told);
    stranger.tell(&mut told);
    let origin = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
    assert_eq!(origin.map(|name| &told[name]), ["192.0.2.1", "http", "shop.example"]);
    assert!(origin.iter().all(|name| told.get_all(*name).iter().count() == 1));
    assert!(!told.keys().any(|name| may_say(name) && !origin.contains(&name.as_str())));

    let proxied = seen([10, 0, 0, 1]).believing(&headers, &trusted);
    let mut told = headers;
    proxied.guard(&mut told);
    proxied.tell(&mut told);
    assert!(origin.iter().all(|name| told.get_all(*name).iter().count() == 1) && !told.contains_key("forwarded"));
    let [client, scheme, host] = origin.map(|name| told[name].to_str().expect("visible ASCII"));
    assert!(client.parse::<IpAddr>().is_ok() && ["http", "https"].contains(&scheme) && is_host(host));
    assert!(!host.contains([',', ' ', '@', '/', '\\']));
    proxied != Forwarded { by_proxy: true, ..seen([10, 0, 0, 1]) }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?;
    Some((HeaderName::from_bytes(&line[..at]).ok()?, value))
}
