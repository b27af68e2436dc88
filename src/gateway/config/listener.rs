//! `listen`: where requests come in.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    ListenAddress, RedirectConfig, TlsConfig, TlsFiles, TrustedProxies,
    reader::Item,
    upstream::{ServerItems, UpstreamServer},
    value,
};

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

/// A listener, and the item of its address if the file has one.
///
/// If the TLS files are wrong, the address is still checked.
pub(super) type ListenerEntry<'a> = (ListenerConfig, Option<Item<'a>>);

/// Reads one listener or a list of them. `obtained` are the files of the section `acme`, if there is one.
pub(super) fn read<'a>(item: Option<Item<'a>>, obtained: Option<&[TlsFiles]>) -> Vec<ListenerEntry<'a>> {
    let Some(item) = item else {
        let address = ListenAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        return vec![(ListenerConfig { address, tls: None, proxy_protocol: false, redirect: None }, None)];
    };
    item.one_or_more("list an address, or remove the key", |item| read_one(item, obtained))
}

fn read_one<'a>(item: Item<'a>, obtained: Option<&[TlsFiles]>) -> Option<ListenerEntry<'a>> {
    if !item.is_mapping() {
        let address = ListenAddress::read(item, None)?;
        return Some((ListenerConfig { address, tls: None, proxy_protocol: false, redirect: None }, Some(item)));
    }
    item.section(|listener| {
        let item = listener.require("address", "write address: 0.0.0.0:8443");
        let mode = listener.take("mode");
        let address = item.and_then(|item| ListenAddress::read(item, mode));
        if let Some(ListenAddress::Unix { mode, .. }) = &address {
            listener.note_default("mode", &*format!("{mode:04o}"));
        }
        let tls = TlsConfig::read(listener, obtained);
        let proxy_protocol = listener.read_or("proxy_protocol", false, &value::boolean());
        let redirect = RedirectConfig::read(listener, tls.is_some());
        if tls.is_some() {
            listener.note_default("min_version", "1.2");
        }
        if redirect.is_some() {
            listener.note_default("redirect_port", 443);
        }
        Some((ListenerConfig { address: address?, tls, proxy_protocol, redirect }, item))
    })
}

/// Refuses a redirect that leads nowhere: where every listener redirects, or no host is known.
pub(super) fn refuse_idle_redirects(listeners: &[ListenerEntry<'_>], knows_hosts: bool) {
    let knows_hosts = knows_hosts || listeners.iter().any(|(listener, _)| listener.tls.is_some());
    let serves = listeners.iter().any(|(listener, _)| listener.redirect.is_none());
    for (_, item) in listeners.iter().filter(|(listener, _)| listener.redirect.is_some()) {
        let Some(item) = item else { continue };
        if !serves {
            item.complain("every listener redirects, so nothing serves the site (add a listener with a certificate)");
        } else if !knows_hosts {
            item.complain(
                "redirects, but no host of the site is known (name a certificate, or add `session.public_url`)",
            );
        }
    }
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
            && sockets[..index].iter().any(|(earlier, _)| earlier.clashes_with(address))
        {
            item.complain("already used by `listen` or `admin.listen` (choose another one)");
        }
    }
}

/// Refuses paths of Unix sockets that are too long. A second process first makes its socket beside the path, under a longer name.
pub(super) fn refuse_long_paths(listeners: &[ListenerEntry<'_>]) {
    for (listener, item) in listeners {
        if let (ListenAddress::Unix { path, .. }, Some(item)) = (&listener.address, item)
            && path.as_os_str().len() > LONGEST_REPLACED_PATH
        {
            item.complain(format!(
                "is longer than the {LONGEST_REPLACED_PATH} bytes that it may have with `server.reuse_port` (use a shorter folder)"
            ));
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

/// What Linux has room for, without the eight bytes that a second process appends.
const LONGEST_REPLACED_PATH: usize = 99;
