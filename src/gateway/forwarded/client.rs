//! The address of the client, behind however many trusted proxies.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str,
};

use super::TrustedProxies;

/// Finds the client of a request that came from `peer` with these `X-Forwarded-For` lines.
///
/// Each address is believed only because the trusted one right of it wrote it down: the walk goes from the peer
/// leftwards and ends at the first address that is not trusted, or before the first entry that is no address. Each
/// entry is looked at once at most.
pub(super) fn client<'a>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut entries = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    while trusted.contains(client)
        && let Some(address) = entries.next().and_then(address)
    {
        client = address;
    }
    client
}

/// Reads `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
///
/// A zone (`fe80::1%eth0`) means something to another machine alone, so what has one is no address here.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry.trim_ascii()).ok().filter(|entry| !entry.contains('%'))?;
    let bare = || entry.parse::<IpAddr>().ok();
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
