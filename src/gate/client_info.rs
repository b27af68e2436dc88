//! The address and the scheme of a client, as an edge knows them.

use std::net::IpAddr;

/// The address and the scheme of the client of a request, in the request's extensions.
///
/// The gateway and the pingora module insert it themselves. In a tower stack, let a layer in front of
/// [`TruegateLayer`](crate::TruegateLayer) insert it, from the server's connection information or from the headers of a trusted
/// proxy. Without it, limits by client address do not apply.
///
/// # Security
///
/// Never take the values from headers that a client could have sent itself.
///
/// ```
/// use truegate::gate::{ClientInfo, Scheme};
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(ClientInfo { address: Some([192, 0, 2, 7].into()), scheme: Some(Scheme::Https) });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address of the client; `None` if the connection has none, as a Unix socket.
    pub address: Option<IpAddr>,
    /// The scheme that the client used; `None` if it is not known.
    pub scheme: Option<Scheme>,
}

/// The scheme of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme as URLs write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
