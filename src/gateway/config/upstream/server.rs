//! One server of an app: a host and a port, or a Unix socket.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use url::{Host, Url};

use crate::{gate::Scheme, host::is_host_name};

/// A server of an app, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamServer {
    /// A host and a port.
    Tcp {
        /// The name or IP address to connect to; an IPv6 address has no brackets.
        host: String,
        /// The port to connect to.
        port: u16,
    },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl UpstreamServer {
    /// Takes `http://host`, `https://host:port`, `unix:/path` and the like. A socket is spoken to without TLS. The error does
    /// not repeat the text.
    pub(super) fn parse(text: &str) -> Result<(Self, Scheme), &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Path::new(path);
            let fits = path.is_absolute() && path.as_os_str().len() < LONGEST_PATH && !text.contains('\0');
            return if fits { Ok((Self::Unix(path.to_owned()), Scheme::Http)) } else { Err(NO_SOCKET) };
        }
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
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        Ok((Self::Tcp { host, port }, scheme))
    }

    /// Whether a text is meant to name a server, and not an entry of `upstreams`.
    pub(super) fn is_meant(text: &str) -> bool {
        text.contains([':', '/', '.'])
    }

    /// The name of the server in a request to it: host and port, or `localhost` for a Unix socket.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }

    /// The server as the configuration may name it.
    pub(crate) fn url(&self, scheme: Scheme) -> String {
        match self {
            Self::Tcp { .. } => format!("{}://{}", scheme.as_str(), self.authority()),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// The name by which the certificate of the server is checked.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Unix(_) => "localhost",
        }
    }

    /// The address to connect to, if the host is an address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let Self::Tcp { host, port } = self else { return None };
        Some(SocketAddr::new(host.parse().ok()?, *port))
    }
}

/// Whether DNS could know a name: the URL parser accepts more than that.
pub(super) fn is_name(name: &str) -> bool {
    is_host_name(name.strip_suffix('.').unwrap_or(name))
}

const NO_SCHEME: &str =
    "must start with http:// or https://, or with unix: and the path of a socket (write http://127.0.0.1:3000)";
const USER_INFO: &str =
    "must not have a user name or password (remove it: requests keep their own Authorization header)";
const PATH: &str = "must not have a path, a query or a fragment (remove it: requests keep their own)";
const NO_AUTHORITY: &str = "not a valid host and port (write http://127.0.0.1:3000)";
const NO_SOCKET: &str = "not an absolute path of at most 100 bytes (write unix:/run/app.sock)";
/// The longest path of a socket on common systems is 103 bytes.
const LONGEST_PATH: usize = 101;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_a_host_and_a_port() {
        for (text, scheme, host, port, authority) in [
            ("http://127.0.0.1:3000", Scheme::Http, "127.0.0.1", 3000, "127.0.0.1:3000"),
            ("http://app", Scheme::Http, "app", 80, "app:80"),
            ("http://App:80/", Scheme::Http, "app", 80, "app:80"),
            ("https://app.example", Scheme::Https, "app.example", 443, "app.example:443"),
            ("https://[::1]:8443", Scheme::Https, "::1", 8443, "[::1]:8443"),
        ] {
            let (server, found) = UpstreamServer::parse(text).unwrap();
            assert_eq!((&server, found), (&UpstreamServer::Tcp { host: host.to_owned(), port }, scheme), "{text}");
            assert_eq!((server.authority().as_str(), server.host()), (authority, host));
        }
    }

    #[test]
    fn a_server_may_be_a_unix_socket() {
        let (server, scheme) = UpstreamServer::parse("unix:/run/app.sock").unwrap();
        assert_eq!((&server, scheme), (&UpstreamServer::Unix("/run/app.sock".into()), Scheme::Http));
        assert_eq!((server.authority().as_str(), server.address()), ("localhost", None));
        for text in ["unix:", "unix:app.sock", "unix:/a\0b", &format!("unix:/{}", "a".repeat(100))] {
            assert_eq!(UpstreamServer::parse(text), Err(NO_SOCKET), "{text}");
        }
        assert!(UpstreamServer::parse(&format!("unix:/{}", "a".repeat(99))).is_ok());
    }

    #[test]
    fn a_server_holds_nothing_else() {
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
            ("http://a..b", NO_AUTHORITY),
            ("http://${APP}", NO_AUTHORITY),
        ] {
            assert_eq!(UpstreamServer::parse(text), Err(error), "{text:?}");
        }
    }
}
