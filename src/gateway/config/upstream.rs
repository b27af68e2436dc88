//! `upstream`: the app behind truegate.

use std::net::SocketAddr;

use http::HeaderValue;
use url::{Host, Url};

use super::{
    identity::explain,
    reader::{Item, Scalar},
    tls,
};
use crate::headers::{CasedName, HeaderNamesBuilder};

/// The app: where requests go, and the headers that each of them carries.
#[derive(Clone)]
pub(crate) struct UpstreamConfig {
    /// Whether the app speaks HTTPS.
    pub(crate) tls: bool,
    /// The name or IP address to connect to; an IPv6 address has no brackets.
    pub(crate) host: String,
    /// The port to connect to.
    pub(crate) port: u16,
    /// The headers that every request to the app carries, each with its one value. The values may be secrets.
    pub(crate) headers: Vec<(CasedName, HeaderValue)>,
    /// Certificates to trust besides Mozilla's roots, as PEM.
    pub(crate) ca_file: Option<Vec<u8>>,
}

/// Reads a URL, or a mapping with `url` and more, and returns the upstream with the item of its URL. Clients can no longer
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

/// Takes a text that reaches the app unchanged. The error does not repeat it.
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
    /// Takes `http://host`, `https://host:port` and the like. The error does not repeat the text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or(NO_SCHEME)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(USER_INFO);
        }
        if authority.contains(['/', '\\', '?', '#']) {
            return Err(PATH);
        }
        // The URL parser drops white space and control characters that it does not like.
        let is_dropped = |character: char| character.is_whitespace() || character.is_control();
        let url = Url::parse(text).ok().filter(|_| !authority.contains(is_dropped)).ok_or(NO_AUTHORITY)?;
        let host = match url.host() {
            Some(Host::Domain(name)) if is_name(name) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(NO_AUTHORITY),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(NO_AUTHORITY)?;
        Ok(Self { tls: url.scheme() == "https", host, port, headers: Vec::new(), ca_file: None })
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

/// Whether DNS could know a name: the URL parser accepts more than that.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

const NO_SCHEME: &str = "must start with http:// or https:// (write http://127.0.0.1:3000)";
const USER_INFO: &str =
    "must not have a user name or password (remove it: requests keep their own Authorization header)";
const PATH: &str = "must not have a path, a query or a fragment (remove it: requests keep their own)";
const NO_AUTHORITY: &str = "not a valid host and port (write http://127.0.0.1:3000)";

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
            ("", NO_SCHEME),
            ("127.0.0.1:3000", NO_SCHEME),
            ("ftp://app", NO_SCHEME),
            ("http:app", NO_SCHEME),
            (" http://app", NO_SCHEME),
            ("http://user:pass@app", USER_INFO),
            ("http://@app", USER_INFO),
            ("http://app/api", PATH),
            ("http://app//", PATH),
            ("http://app?x", PATH),
            ("http://app/#x", PATH),
            ("http://app\\x", PATH),
            ("http://", NO_AUTHORITY),
            ("http:///", NO_AUTHORITY),
            ("http://:3000", NO_AUTHORITY),
            ("http://app:0", NO_AUTHORITY),
            ("http://app:65536", NO_AUTHORITY),
            ("http://a\tpp", NO_AUTHORITY),
            ("http://app\n", NO_AUTHORITY),
            ("http://a b", NO_AUTHORITY),
            ("http://${APP}", NO_AUTHORITY),
        ] {
            assert_eq!(UpstreamConfig::parse(text).err(), Some(error), "{text:?}");
        }
    }
}
