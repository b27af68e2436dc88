//! `trusted_proxies`: the proxies in front of truegate whose headers are believed.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxies whose `X-Forwarded-*` and PROXY headers are believed; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies {
    networks: Vec<TrustedNetwork>,
    /// Whether everyone who may open a Unix socket of a listener is one.
    unix: bool,
}

impl TrustedProxies {
    /// Whether an address is that of a trusted proxy. An IPv4 address in IPv6 form (`::ffff:10.0.0.9`) is IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|TrustedNetwork(network)| network.contains(&address))
    }

    /// Whether the peers of Unix sockets are trusted.
    pub(crate) fn contain_unix(&self) -> bool {
        self.unix
    }

    /// Whether any address is trusted.
    pub(in crate::gateway) fn have_networks(&self) -> bool {
        !self.networks.is_empty()
    }
}

impl FromIterator<TrustedPeer> for TrustedProxies {
    fn from_iter<T: IntoIterator<Item = TrustedPeer>>(peers: T) -> Self {
        let mut trusted = Self::default();
        for peer in peers {
            match peer {
                TrustedPeer::Network(network) => trusted.networks.push(network),
                TrustedPeer::Unix => trusted.unix = true,
            }
        }
        trusted
    }
}

/// One entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum TrustedPeer {
    /// A proxy, or a network of them.
    Network(TrustedNetwork),
    /// Whoever may open a Unix socket of a listener.
    Unix,
}

impl TrustedPeer {
    /// Reads a network, or the word `unix`.
    pub(in crate::gateway) fn parse(text: &str) -> Result<Self, TrustedNetworkError> {
        if text == "unix" { Ok(Self::Unix) } else { TrustedNetwork::parse(text).map(Self::Network) }
    }
}

/// An address or a network, but never all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) struct TrustedNetwork(IpNet);

impl TrustedNetwork {
    /// Reads `10.0.0.9`, `10.0.0.0/8`, `::1`, `fd00::/8` and the like.
    pub(in crate::gateway) fn parse(text: &str) -> Result<Self, TrustedNetworkError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(parse_length(length)?)),
            None => (text, None),
        };
        // ipnet's own parser accepts 010.0.0.1, which some read as octal.
        let address: IpAddr = address.parse().map_err(|_| TrustedNetworkError::Form)?;
        if address.to_canonical() != address {
            return Err(TrustedNetworkError::Mapped);
        }
        let network = length.map_or(Ok(address.into()), |length| IpNet::new(address, length));
        let network = network.map_err(|_| TrustedNetworkError::Form)?;
        if network.prefix_len() == 0 {
            return Err(TrustedNetworkError::Everyone);
        }
        if network.network() != address {
            return Err(TrustedNetworkError::HostBits);
        }
        Ok(Self(network))
    }
}

/// The reason why a text cannot be a trusted proxy. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::gateway) enum TrustedNetworkError {
    #[error("is not an IP address or network (write 10.0.0.9, 10.0.0.0/8, fd00::/8 or unix)")]
    Form,
    #[error("is an IPv4 address in IPv6 form (write it as IPv4, such as 10.0.0.9)")]
    Mapped,
    #[error("trusts everyone, so any client could claim any address (list the addresses of the proxies)")]
    Everyone,
    #[error("has an address beyond its network (write the first address of the network, or the address alone)")]
    HostBits,
}

fn parse_length(text: &str) -> Result<u8, TrustedNetworkError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain).ok_or(TrustedNetworkError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for (text, inside, outside) in [
            ("10.0.0.9", &["10.0.0.9", "::ffff:10.0.0.9"][..], &["10.0.0.8", "::10.0.0.9", "::1"][..]),
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], &["9.255.255.255", "11.0.0.0"]),
            ("10.0.0.9/32", &["10.0.0.9"], &["10.0.0.10"]),
            ("128.0.0.0/1", &["255.255.255.255"], &["127.255.255.255", "8000::"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("fd00::/8", &["fd12:3456::1"], &["fe00::1", "253.0.0.1"]),
            ("::/1", &["::1"], &["::ffff:10.0.0.9", "10.0.0.9"]),
        ] {
            let trusted = TrustedProxies::from_iter([TrustedPeer::parse(text).unwrap()]);
            for address in inside {
                assert!(trusted.contains(address.parse().unwrap()), "{address} in {text}");
            }
            for address in outside {
                assert!(!trusted.contains(address.parse().unwrap()), "{address} in {text}");
            }
        }
        assert!(!TrustedProxies::default().contains(IpAddr::from([127, 0, 0, 1])));
        let unix = TrustedProxies::from_iter([TrustedPeer::parse("unix").unwrap()]);
        assert!(unix.contain_unix() && !unix.have_networks() && !unix.contains(IpAddr::from([127, 0, 0, 1])));
        assert!(!TrustedProxies::default().contain_unix());
    }

    #[test]
    fn nothing_else_is_a_proxy_and_nobody_trusts_everyone() {
        for text in [
            "", "/", "proxy", "unix:", "Unix", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
            "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "010.0.0.1", "10.0.0.1:80", "[::1]", "[::1]:80",
            "fe80::1%eth0", "::/129", "::/256", " ::1", "::1 ", "10.0.0.0 /8", "10.0.0.*",
        ] {
            assert_eq!(TrustedPeer::parse(text), Err(TrustedNetworkError::Form), "{text:?}");
        }
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::1/0"] {
            assert_eq!(TrustedPeer::parse(text), Err(TrustedNetworkError::Everyone), "{text}");
        }
        for text in ["10.0.0.9/8", "fd00::1/8", "::1/1"] {
            assert_eq!(TrustedPeer::parse(text), Err(TrustedNetworkError::HostBits), "{text}");
        }
        for text in ["::ffff:10.0.0.9", "::ffff:0:0/96", "::ffff:0:0/0"] {
            assert_eq!(TrustedPeer::parse(text), Err(TrustedNetworkError::Mapped), "{text}");
        }
    }
}
