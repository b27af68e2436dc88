//! Where a request came from.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{TrustedProxies, client::client, host::is_host};
use crate::gate::{ClientInfo, Scheme};

/// Where a request came from: what an app would see if it were asked directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) struct Origin {
    /// Who asks; none over a socket without addresses.
    pub(super) client: Option<IpAddr>,
    pub(super) scheme: Scheme,
    /// The host that was asked for.
    pub(super) host: Option<HeaderValue>,
    /// Whether a trusted proxy asks, be it for itself or for somebody else.
    pub(super) by_proxy: bool,
}

impl Origin {
    /// Takes over what a trusted proxy says of the client it speaks for; what makes no sense leaves what was seen.
    ///
    /// Only `X-Forwarded-For`, `-Proto` and `-Host` by these very names are looked at.
    pub(super) fn believing(self, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let Some(peer) = self.client.filter(|peer| trusted.contains(*peer)) else { return self };
        let lines = headers.get_all(FOR).iter().map(HeaderValue::as_bytes);
        Self {
            client: Some(client(peer, lines, trusted)),
            scheme: only(headers, PROTO).and_then(scheme).unwrap_or(self.scheme),
            host: only(headers, HOST).filter(|host| host.to_str().is_ok_and(is_host)).cloned().or(self.host),
            by_proxy: true,
        }
    }

    /// Whether a trusted proxy asks, be it for itself or for somebody else.
    pub(in crate::gateway) fn is_by_proxy(&self) -> bool {
        self.by_proxy
    }

    /// What the gate needs to know of it.
    pub(in crate::gateway) fn client_info(&self) -> ClientInfo {
        ClientInfo { address: self.client, scheme: Some(self.scheme) }
    }

    /// The headers by which it is told.
    pub(super) fn lines(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let client =
            self.client.map(|client| HeaderValue::try_from(client.to_string()).expect("an address is visible ASCII"));
        let scheme = HeaderValue::from_static(self.scheme.as_str());
        let lines = [(FOR, client), (PROTO, Some(scheme)), (HOST, self.host.clone())];
        lines.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

fn scheme(value: &HeaderValue) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https].into_iter().find(|scheme| value == scheme.as_str())
}

/// The value of a header that came once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::forwarded::TrustedNetwork;

    fn seen(peer: [u8; 4]) -> Origin {
        let host = Some(HeaderValue::from_static("app.example"));
        Origin { client: Some(IpAddr::from(peer)), scheme: Scheme::Http, host, by_proxy: false }
    }

    fn told(peer: [u8; 4], lines: &[(&'static str, &str)]) -> (String, &'static str, String) {
        let trusted = TrustedProxies::from_iter([TrustedNetwork::parse("10.0.0.0/8").unwrap()]);
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        let origin = seen(peer).believing(&lines.iter().map(line).collect(), &trusted);
        let host = origin.host.unwrap().to_str().unwrap().to_owned();
        (origin.client.unwrap().to_string(), origin.scheme.as_str(), host)
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
        let origin = Origin { client: None, ..seen([10, 0, 0, 1]) };
        let headers = HeaderMap::from_iter([(PROTO, HeaderValue::from_static("https"))]);
        let trusted = TrustedProxies::from_iter([TrustedNetwork::parse("10.0.0.0/8").unwrap()]);
        assert_eq!(origin.clone().believing(&headers, &trusted), origin);
    }
}
