//! Where a request came from, as the app is told: by what the gateway saw or a trusted proxy says, never by what a
//! client said.

mod client;
mod host;
mod origin;
mod proxies;
mod trusted;

use http::{HeaderName, HeaderValue, header};
use pingora_http::RequestHeader;
use pingora_proxy::Session;

pub use self::trusted::TrustedProxies;
pub(super) use self::{origin::Origin, trusted::TrustedNetwork};
use crate::{
    gate::Scheme,
    headers::{HeaderTarget, reads_as, remove_where},
};

/// Where a request came from, by what is seen of it and what a trusted proxy says.
pub(super) fn origin(session: &Session, trusted: &TrustedProxies) -> Origin {
    seen(session).believing(&session.req_header().headers, trusted)
}

impl Origin {
    /// Removes what only a proxy may say from a request that did not come by a trusted one.
    ///
    /// The identity is set afterwards: some of these names can be among its headers.
    pub(super) fn guard(&self, request: &mut impl HeaderTarget) {
        if !self.by_proxy {
            proxies::remove(request);
        }
    }

    /// Replaces `X-Forwarded-For`, `-Proto` and `-Host` by one value each, and removes `Forwarded`.
    pub(super) fn tell(&self, request: &mut impl HeaderTarget) {
        remove_where(request, says_origin);
        self.lines().for_each(|(name, value)| request.insert(&name, value));
    }
}

/// Where a request came from if its peer is the client.
fn seen(session: &Session) -> Origin {
    let peer = session.client_addr().and_then(|address| address.as_inet());
    let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    Origin {
        client: peer.map(|peer| peer.ip().to_canonical()),
        scheme: if tls { Scheme::Https } else { Scheme::Http },
        host: host(session.req_header()),
        by_proxy: false,
    }
}

/// Whether a header says where a request came from, in any spelling that an app might read so.
fn says_origin(name: &HeaderName) -> bool {
    ORIGIN.into_iter().any(|known| reads_as(name.as_str().as_bytes(), known))
}

fn host(request: &RequestHeader) -> Option<HeaderValue> {
    let named = request.headers.get(header::HOST).cloned();
    named.or_else(|| HeaderValue::from_str(request.uri.authority()?.as_str()).ok())
}

const ORIGIN: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_origin_is_the_clients_no_more() {
        for (name, origin) in [
            ("x-forwarded-for", true),
            ("x_forwarded_proto", true),
            ("x.forwarded-host", true),
            ("forwarded", true),
            ("x-forwarded-port", false),
            ("x-forwarded-format", false),
        ] {
            assert_eq!(says_origin(&HeaderName::from_static(name)), origin, "{name}");
        }
    }
}
