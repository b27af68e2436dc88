//! `listen`: where requests come in.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
};

use super::{
    TlsConfig,
    reader::{Item, Scalar, Section},
    upstream::{ServerItems, UpstreamServer},
    value,
};
use crate::gateway::forwarded::TrustedProxies;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerConfig {
    /// The address.
    pub(crate) address: ListenAddress,
    /// How it speaks TLS; plain HTTP without it.
    pub(crate) tls: Option<TlsConfig>,
    /// Whether connections come from proxies that begin with a PROXY header.
    pub(crate) proxy_protocol: bool,
    /// How every request is redirected to https; none if the listener serves the site.
    pub(crate) redirect: Option<RedirectConfig>,
}

/// A redirect to https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedirectConfig {
    /// The port of https.
    pub(crate) port: u16,
    /// The folder into which an ACME client writes its challenges, if it does.
    pub(crate) acme_webroot: Option<PathBuf>,
}

/// Where a listener is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// An IP address and a port; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket in the file system, with the permissions of its file.
    Unix { path: PathBuf, mode: u32 },
}

impl ListenAddress {
    /// The IP address and the port, if it has them.
    pub(crate) fn tcp(&self) -> Option<SocketAddr> {
        if let Self::Tcp(address) = self { Some(*address) } else { None }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, .. } => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl fmt::Debug for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A listener, and the item of its address if the file has one.
///
/// If the TLS files are wrong, the address is still checked.
pub(super) type ListenerEntry<'a> = (ListenerConfig, Option<Item<'a>>);

/// Reads one listener or a list of them.
pub(super) fn read(item: Option<Item<'_>>) -> Vec<ListenerEntry<'_>> {
    let Some(item) = item else {
        let address = ListenAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        return vec![(ListenerConfig { address, tls: None, proxy_protocol: false, redirect: None }, None)];
    };
    item.one_or_more("list an address, or remove the key", read_one)
}

fn read_one(item: Item<'_>) -> Option<ListenerEntry<'_>> {
    if !item.is_mapping() {
        let address = read_address(item, DEFAULT_MODE)?;
        return Some((ListenerConfig { address, tls: None, proxy_protocol: false, redirect: None }, Some(item)));
    }
    item.section(|listener| {
        let item = listener.require("address", "write address: 0.0.0.0:8443");
        let mode_item = listener.take("mode");
        let mode = mode_item.map_or(Some(DEFAULT_MODE), |item| item.parse(parse_mode));
        let address = item.and_then(|item| read_address(item, mode.unwrap_or(DEFAULT_MODE)));
        if let (Some(ListenAddress::Tcp(_)), Some(mode)) = (&address, mode_item) {
            mode.complain_of_key(
                "only used with a Unix socket (write address: unix:/run/truegate.sock, or remove the key)",
            );
        }
        let tls = TlsConfig::read(listener);
        let proxy_protocol = listener.read_or("proxy_protocol", false, value::boolean);
        let redirect = read_redirect(listener, tls.is_some());
        Some((ListenerConfig { address: address?, tls, proxy_protocol, redirect }, item))
    })
}

fn read_redirect(listener: &mut Section<'_>, speaks_tls: bool) -> Option<RedirectConfig> {
    let redirect = listener.take("redirect");
    let (port, acme_webroot) = (listener.take("redirect_port"), listener.take("acme_webroot"));
    let Some(item) = redirect else {
        for item in [port, acme_webroot].into_iter().flatten() {
            item.complain_of_key("only used with `redirect: https` (add it, or remove the key)");
        }
        return None;
    };
    item.parse(value::choice([("https", ())]))?;
    if speaks_tls {
        item.complain_of_key(
            "must not come with a certificate, because it redirects from http (give it a listener of its own)",
        );
    }
    let folder = |item: Item<'_>| {
        let path = item.path()?;
        if !path.is_dir() {
            item.complain("is not a folder (make it, and let the ACME client write its challenges there)");
        }
        Some(path)
    };
    Some(RedirectConfig {
        port: port.map_or(Some(HTTPS), |item| item.parse(parse_port))?,
        acme_webroot: acme_webroot.and_then(folder),
    })
}

fn parse_port(text: &Scalar) -> Result<u16, &'static str> {
    let number = text.plain().and_then(|text| text.parse::<NonZero<u16>>().ok());
    number.map(NonZero::get).ok_or("must be a port from 1 to 65535 (write 8443, without quotes)")
}

/// Refuses a redirect that leads nowhere: where every listener redirects, or no host is known.
pub(super) fn refuse_idle_redirects(listeners: &[ListenerEntry<'_>], knows_hosts: bool) {
    let knows_hosts = knows_hosts || listeners.iter().any(|(listener, _)| listener.tls.is_some());
    let serves = listeners.iter().any(|(listener, _)| listener.redirect.is_none());
    for (_, item) in listeners.iter().filter(|(listener, _)| listener.redirect.is_some()) {
        let Some(item) = item else { continue };
        if !serves {
            item.complain("redirects, and so does every other listener (add a listener for the site)");
        } else if !knows_hosts {
            item.complain(
                "redirects, but no host of the site is known (name a certificate, or add `session.public_url`)",
            );
        }
    }
}

fn read_address(item: Item<'_>, mode: u32) -> Option<ListenAddress> {
    let is_unix = item.parse(|text| Ok::<_, &str>(text.starts_with(UNIX)))?;
    if !is_unix {
        return item.parse(value::address).map(ListenAddress::Tcp);
    }
    let path = item.path_after(UNIX)?;
    let length = path.as_os_str().len();
    if path.file_name().is_none() {
        item.complain("must name a file (write unix:/run/truegate.sock)");
        return None;
    }
    if length > LONGEST_PATH {
        item.complain(format!(
            "is longer than the {LONGEST_PATH} bytes of a Unix socket's path (use a shorter folder)"
        ));
        return None;
    }
    Some(ListenAddress::Unix { path, mode })
}

/// The permissions of a file, in octal digits.
fn parse_mode(text: &Scalar) -> Result<u32, &'static str> {
    let digits = text.strip_prefix('0').unwrap_or(text);
    let is_octal = digits.len() == 3 && digits.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    let mode = is_octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
    mode.ok_or("not valid permissions (write three octal digits, such as 0660)")
}

/// Refuses a PROXY header that nobody may send, and a trusted peer that no listener has.
pub(super) fn refuse_unused_trust(
    listeners: &[ListenerEntry<'_>],
    trusted: &TrustedProxies,
    trusted_item: Option<Item<'_>>,
) {
    let is_unix = |listener: &ListenerConfig| listener.address.tcp().is_none();
    for (listener, item) in listeners.iter().filter(|(listener, _)| listener.proxy_protocol) {
        let (nobody, advice) = match is_unix(listener) {
            true => (!trusted.contain_unix(), "add `unix` to trusted_proxies"),
            false => (!trusted.have_networks(), "add the addresses of the proxies to trusted_proxies"),
        };
        if let (true, Some(item)) = (nobody, item) {
            item.complain(format!("has `proxy_protocol`, but no proxy of it is trusted ({advice})"));
        }
    }
    let has_unix = listeners.iter().any(|(listener, _)| is_unix(listener));
    if let (true, false, Some(item)) = (trusted.contain_unix(), has_unix, trusted_item) {
        item.complain("has `unix`, but no listener is a Unix socket (remove it, or listen on unix:/run/truegate.sock)");
    }
}

/// Refuses addresses that cannot be listened on together. The mistake is at the later one in the file.
pub(super) fn refuse_clashes(listeners: &[ListenerEntry<'_>], admin: SocketAddr, admin_item: Option<Item<'_>>) {
    let mut sockets: Vec<_> = listeners.iter().map(|(listener, item)| (listener.address.clone(), *item)).collect();
    sockets.push((ListenAddress::Tcp(admin), admin_item));
    sockets.sort_by_key(|(_, item)| item.map(Item::position));
    for (index, (address, item)) in sockets.iter().enumerate() {
        if let Some(item) = item
            && sockets[..index].iter().any(|(earlier, _)| clash(earlier, address))
        {
            item.complain("already used by `listen` or `admin.listen` (choose another one)");
        }
    }
}

/// Refuses servers that are truegate itself: each request would come back until no connection is left.
pub(super) fn refuse_loops(listeners: &[ListenerEntry<'_>], servers: &ServerItems<'_>) {
    for (server, item) in servers {
        let is_own = |own: &ListenAddress| match (own, server) {
            (ListenAddress::Unix { path: own, .. }, UpstreamServer::Unix(path)) => own == path,
            _ => own.tcp().zip(server.address()).is_some_and(|(own, server)| {
                let here = own.ip() == server.ip() || own.ip().is_unspecified() && server.ip().is_loopback();
                here && own.port() == server.port()
            }),
        };
        if listeners.iter().any(|(listener, _)| is_own(&listener.address)) {
            item.complain("must not be an address of `listen`, because requests would loop (write the app's address)");
        }
    }
}

fn clash(one: &ListenAddress, other: &ListenAddress) -> bool {
    match (one, other) {
        (ListenAddress::Tcp(one), ListenAddress::Tcp(other)) => clash_of_ports(*one, *other),
        (ListenAddress::Unix { path: one, .. }, ListenAddress::Unix { path: other, .. }) => one == other,
        _ => false,
    }
}

fn clash_of_ports(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = |one: SocketAddr, other: SocketAddr| one.ip().is_unspecified() && one.is_ipv4() == other.is_ipv4();
    let same = one.ip() == other.ip() || everywhere(one, other) || everywhere(other, one);
    same && one.port() == other.port() && one.port() != 0
}

/// How the address of a Unix socket starts.
const UNIX: &str = "unix:";
/// For the user of the gateway and its group.
const DEFAULT_MODE: u32 = 0o660;
/// The port that a URL with https need not name.
const HTTPS: u16 = 443;
/// What Linux has room for, with a zero at the end.
const LONGEST_PATH: usize = 107;

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
            assert_eq!((clash_of_ports(one, other), clash_of_ports(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
