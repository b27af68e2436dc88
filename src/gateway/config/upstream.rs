//! `upstream`: the app behind truegate.

use std::{fmt, net::SocketAddr};

use http::{HeaderName, HeaderValue};
use url::{Host, Url};

use super::{
    identity::explain,
    reader::{Item, Scalar},
    tls,
};
use crate::headers::HeaderNamesBuilder;

/// The app: where requests go, and the headers that each of them carries.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UpstreamConfig {
    /// Whether the app speaks HTTPS.
    pub(crate) tls: bool,
    /// The name or IP address to connect to; an IPv6 address has no brackets.
    pub(crate) host: String,
    /// The port to connect to.
    pub(crate) port: u16,
    /// The headers that every request to the app carries, each with its one value. The values may be secrets.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Certificates to trust besides Mozilla's roots, as PEM.
    pub(crate) ca_file: Option<Vec<u8>>,
}

/// Reads a URL, or a mapping with `url` and more, and returns the upstream with the place of its URL. Clients can no longer
/// send the headers that every request carries.
pub(super) fn read<'a>(item: Item<'a>, names: &mut HeaderNamesBuilder) -> Option<(UpstreamConfig, Item<'a>)> {
    let parse = |url: Item<'a>| url.parse(|text| UpstreamConfig::parse(text));
    if !item.is_mapping() {
        return Some((parse(item)?, item));
    }
    item.section(|section| {
        let url = section.require("url", "write url: http://127.0.0.1:3000, the app's address");
        let upstream = url.and_then(parse);
        let ca_file = match section.take("ca_file") {
            Some(item) if upstream.as_ref().is_some_and(|upstream| !upstream.tls) => {
                item.complain_of_key("only used with an https:// upstream (remove it, or write https)");
                None
            }
            item => item.and_then(tls::roots),
        };
        let mut headers = Vec::new();
        for (name, item) in section.members("headers") {
            let value = item.parse(header_value);
            match names.fix(name) {
                Ok(name) => headers.extend(value.map(|value| (name, value))),
                Err(error) => item.complain_of_key(explain(error)),
            }
        }
        Some((UpstreamConfig { ca_file, headers, ..upstream? }, url?))
    })
}

/// Takes a text that arrives at the app as it was written. The error does not repeat it.
fn header_value(text: &Scalar) -> Result<HeaderValue, &'static str> {
    if text.trim() != &**text {
        return Err("must not begin or end with white space, because HTTP drops it (remove it)");
    }
    if text.is_empty() {
        return Err("must not be empty (write a value, or remove the header)");
    }
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| "has a character that a header cannot carry, such as a line break (remove it)")?;
    value.set_sensitive(true);
    Ok(value)
}

impl UpstreamConfig {
    /// Takes `http://host`, `https://host:port` and the like.
    pub(super) fn parse(text: &str) -> Result<Self, UpstreamError> {
        let (tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(UpstreamError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(UpstreamError::UserInfo);
        }
        if authority.contains(['/', '\\', '?', '#']) {
            return Err(UpstreamError::Path);
        }
        // The URL parser drops white space and control characters that it does not like.
        if authority.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(UpstreamError::Authority);
        }
        let url = Url::parse(text).map_err(|_| UpstreamError::Authority)?;
        let host = match url.host() {
            Some(Host::Domain(name)) if is_name(name) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(UpstreamError::Authority),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(UpstreamError::Authority)?;
        Ok(Self { tls, host, port, headers: Vec::new(), ca_file: None })
    }

    /// Host and port, as a URL has them.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// The address to connect to, if the host is an address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let ip = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }
}

impl fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, host, port, headers: _, ca_file: _ } = self;
        f.debug_struct("Upstream").field("tls", tls).field("host", host).field("port", port).finish_non_exhaustive()
    }
}

/// The reason why a text cannot be the upstream. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error("must start with http:// or https:// (write http://127.0.0.1:3000)")]
    Scheme,
    #[error("must not have a user name or password (remove it: requests keep their own Authorization header)")]
    UserInfo,
    #[error("must not have a path, a query or a fragment (remove it: requests keep their own)")]
    Path,
    #[error("not a valid host and port (write http://127.0.0.1:3000)")]
    Authority,
}

/// Whether DNS could know a name: the URL parser accepts more than that.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_scheme_a_host_and_a_port() {
        for (text, tls, host, port, authority) in [
            ("http://127.0.0.1:3000", false, "127.0.0.1", 3000, "127.0.0.1:3000"),
            ("http://app", false, "app", 80, "app:80"),
            ("http://App:80/", false, "app", 80, "app:80"),
            ("https://app.example", true, "app.example", 443, "app.example:443"),
            ("https://[::1]:8443", true, "::1", 8443, "[::1]:8443"),
        ] {
            let upstream = UpstreamConfig::parse(text).unwrap();
            assert_eq!((upstream.tls, upstream.host.as_str(), upstream.port), (tls, host, port), "{text}");
            assert_eq!(upstream.authority(), authority);
        }
    }

    #[test]
    fn an_upstream_holds_nothing_else() {
        for (text, error) in [
            ("", UpstreamError::Scheme),
            ("127.0.0.1:3000", UpstreamError::Scheme),
            ("ftp://app", UpstreamError::Scheme),
            ("http:app", UpstreamError::Scheme),
            (" http://app", UpstreamError::Scheme),
            ("http://user:pass@app", UpstreamError::UserInfo),
            ("http://@app", UpstreamError::UserInfo),
            ("http://app/api", UpstreamError::Path),
            ("http://app//", UpstreamError::Path),
            ("http://app?x", UpstreamError::Path),
            ("http://app/#x", UpstreamError::Path),
            ("http://app\\x", UpstreamError::Path),
            ("http://", UpstreamError::Authority),
            ("http:///", UpstreamError::Authority),
            ("http://:3000", UpstreamError::Authority),
            ("http://app:0", UpstreamError::Authority),
            ("http://app:65536", UpstreamError::Authority),
            ("http://a\tpp", UpstreamError::Authority),
            ("http://app\n", UpstreamError::Authority),
            ("http://a b", UpstreamError::Authority),
            ("http://${APP}", UpstreamError::Authority),
        ] {
            assert_eq!(UpstreamConfig::parse(text), Err(error), "{text:?}");
        }
    }
}
