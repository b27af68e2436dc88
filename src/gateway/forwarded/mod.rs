//! The origin of a request in `X-Forwarded-*`, which the gateway takes from its own connection or from a trusted proxy, never
//! from a client.
//!
//! This is our own code because each step is a decision about trust: which peer may speak for a client, which of its words
//! are read, and which headers nobody else may send. Libraries for these headers parse them, and believe the first entry.

#[cfg(any(test, fuzzing))]
#[path = "../../../fuzz/promises/forwarded.rs"]
mod promise;
mod proxies;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str,
    sync::LazyLock,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use pingora_core::protocols::http::ServerSession;
use pingora_http::RequestHeader;

#[cfg(any(test, fuzzing))]
pub use self::promise::forwarded as fuzz;
use super::{config::TrustedProxies, connections::memory::address_text};
use crate::{
    gate::{ClientInfo, Scheme},
    headers::{CasedName, HeaderTarget, NameSet, only, remove_where},
    host::Host,
    pingora::peer,
};

/// Where a request came from: what an app would see if the client asked it directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// The address of the client and the scheme that it used.
    pub(super) client: ClientInfo,
    /// The host that the client asked for.
    pub(super) host: Option<HeaderValue>,
    /// Whether the peer is a trusted proxy, which asks for itself or for a client.
    pub(super) by_proxy: bool,
}

impl Forwarded {
    /// Finds out where a request came from, by what is seen of it and what a trusted proxy says.
    pub(super) fn of(session: &ServerSession, trusted: &TrustedProxies) -> Self {
        let seen = Self { client: peer(session), host: asked_host(session.req_header()), by_proxy: false };
        let headers = &session.req_header().headers;
        let is_unix = || session.client_addr().is_some_and(|peer| peer.as_unix().is_some());
        if trusted.contain_unix() && is_unix() {
            seen.speaking_for_clients(headers, trusted)
        } else {
            seen.believing(headers, trusted)
        }
    }

    /// Takes over what a trusted proxy says of the client that it speaks for. What is malformed leaves what was seen.
    ///
    /// Only `X-Forwarded-For`, `-Proto` and `-Host` are read, and only in this spelling.
    fn believing(self, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let is_trusted = self.client.address.is_some_and(|peer| trusted.contains(peer));
        if is_trusted { self.speaking_for_clients(headers, trusted) } else { self }
    }

    /// The same, where the peer is certain to be trusted.
    fn speaking_for_clients(self, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let lines = headers.get_all(FOR.name()).iter().map(HeaderValue::as_bytes);
        Self {
            client: ClientInfo {
                address: client_address(self.client.address, lines, trusted),
                scheme: only(headers, PROTO.name()).and_then(scheme).or(self.client.scheme),
            },
            host: only(headers, HOST.name()).filter(|host| host.to_str().is_ok_and(is_host)).cloned().or(self.host),
            by_proxy: true,
        }
    }

    /// Removes what only a proxy may say from a request that did not come by a trusted one. Returns the scheme that such a
    /// request claimed in `X-Forwarded-Proto`.
    ///
    /// The identity is set afterwards: some of these names can be among its headers.
    pub(super) fn guard(&self, request: &mut impl HeaderTarget) -> Option<HeaderValue> {
        if self.by_proxy || !request.headers().keys().any(proxies::may_say) {
            return None;
        }
        let claimed = request.headers().get(PROTO.name()).cloned();
        remove_where(request, proxies::may_say);
        claimed
    }

    /// Replaces `X-Forwarded-For`, `-Proto` and `-Host` by one value each, and removes `Forwarded`. Call [`guard`](Self::guard)
    /// before.
    pub(super) fn tell(&self, request: &mut impl HeaderTarget) {
        // The guard has removed what others say.
        if self.by_proxy {
            remove_where(request, says_origin);
        }
        let client = self.client.address.map(address_text);
        let scheme = self.client.scheme.map(|scheme| HeaderValue::from_static(scheme.as_str()));
        for (name, value) in [(&FOR, client), (&PROTO, scheme), (&HOST, self.host.clone())] {
            if let Some(value) = value {
                request.insert(name, value);
            }
        }
    }
}

/// Finds the client of a request that came from `peer`, which has no address on a Unix socket, with these `X-Forwarded-For` lines.
///
/// Each address is believed only because the trusted one right of it wrote it down: the walk goes from the peer
/// leftwards. It ends at the first address that is not trusted, or before the first entry that is not an address.
fn client_address<'a>(
    peer: Option<IpAddr>,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &TrustedProxies,
) -> Option<IpAddr> {
    let mut client = peer.map(|peer| peer.to_canonical());
    let mut entries = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    while client.is_none_or(|client| trusted.contains(client))
        && let Some(address) = entries.next().and_then(address)
    {
        client = Some(address);
    }
    client
}

/// Reads `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
///
/// A zone (`fe80::1%eth0`) has a meaning on another machine only, so an address with a zone is refused.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry.trim_ascii()).ok().filter(|entry| !entry.contains('%'))?;
    let bare = || entry.parse::<IpAddr>().ok();
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

fn scheme(value: &HeaderValue) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https].into_iter().find(|scheme| value == scheme.as_str())
}

/// Whether a text is the host that rules are asked about, with an optional port: the app hears of the same host.
fn is_host(text: &str) -> bool {
    Host::parse(text.as_bytes()).is_some()
}

fn asked_host(request: &RequestHeader) -> Option<HeaderValue> {
    let named = request.headers.get(header::HOST).cloned();
    named.or_else(|| HeaderValue::from_str(request.uri.authority()?.as_str()).ok())
}

/// Whether a header says where a request came from, in any spelling that an app might read so.
fn says_origin(name: &HeaderName) -> bool {
    ORIGIN.contains(name.as_str().as_bytes())
}

static FOR: CasedName = CasedName::from_static("x-forwarded-for", "X-Forwarded-For");
static PROTO: CasedName = CasedName::from_static("x-forwarded-proto", "X-Forwarded-Proto");
static HOST: CasedName = CasedName::from_static("x-forwarded-host", "X-Forwarded-Host");
static ORIGIN: LazyLock<NameSet> =
    LazyLock::new(|| NameSet::from_iter(["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]));

#[cfg(test)]
mod tests;
