//! `listen`: where requests come in.

use std::net::{Ipv4Addr, SocketAddr};

use super::{TlsConfig, reader::Item, upstream::UpstreamConfig, value};

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerConfig {
    /// The address; port 0 lets the system choose one.
    pub(crate) address: SocketAddr,
    /// How it speaks TLS; plain HTTP without it.
    pub(crate) tls: Option<TlsConfig>,
}

/// A listener, and the item of its address if the file has one.
///
/// If the TLS files are wrong, the address is still checked.
pub(super) type ListenerEntry<'a> = (ListenerConfig, Option<Item<'a>>);

/// Reads one listener or a list of them.
pub(super) fn read(item: Option<Item<'_>>) -> Vec<ListenerEntry<'_>> {
    let Some(item) = item else {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        return vec![(ListenerConfig { address, tls: None }, None)];
    };
    item.one_or_more("list an address, or remove the key", read_one)
}

fn read_one(item: Item<'_>) -> Option<ListenerEntry<'_>> {
    if !item.is_mapping() {
        return Some((ListenerConfig { address: item.parse(value::address)?, tls: None }, Some(item)));
    }
    item.section(|listener| {
        let item = listener.require("address", "write address: 0.0.0.0:8443");
        let address = item.and_then(|item| item.parse(value::address));
        let tls = TlsConfig::read(listener);
        Some((ListenerConfig { address: address?, tls }, item))
    })
}

/// Refuses addresses that cannot be listened on together. The mistake is at the later one in the file.
pub(super) fn refuse_clashes(listeners: &[ListenerEntry<'_>], admin: SocketAddr, admin_item: Option<Item<'_>>) {
    let mut sockets: Vec<_> = listeners.iter().map(|(listener, item)| (listener.address, *item)).collect();
    sockets.push((admin, admin_item));
    sockets.sort_by_key(|(_, item)| item.map(Item::position));
    for (index, (address, item)) in sockets.iter().enumerate() {
        if let Some(item) = item
            && sockets[..index].iter().any(|(earlier, _)| clash(*earlier, *address))
        {
            item.complain("already used by `listen` or `admin.listen` (choose another port)");
        }
    }
}

/// Refuses an upstream that is truegate itself: each request would come back until no connection is left.
pub(super) fn refuse_loop(listeners: &[ListenerEntry<'_>], upstream: &UpstreamConfig, item: Item<'_>) {
    let Some(upstream) = upstream.address() else { return };
    let reaches = |own: SocketAddr| {
        let here = own.ip() == upstream.ip() || own.ip().is_unspecified() && upstream.ip().is_loopback();
        here && own.port() == upstream.port()
    };
    if listeners.iter().any(|(listener, _)| reaches(listener.address)) {
        item.complain("must not be an address of `listen`, because requests would loop (write the app's address)");
    }
}

fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = |one: SocketAddr, other: SocketAddr| one.ip().is_unspecified() && one.is_ipv4() == other.is_ipv4();
    let same = one.ip() == other.ip() || everywhere(one, other) || everywhere(other, one);
    same && one.port() == other.port() && one.port() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_listened_on_once() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("[::]:80", "[::1]:80", true),
            ("0.0.0.0:80", "[::]:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((clash(one, other), clash(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
