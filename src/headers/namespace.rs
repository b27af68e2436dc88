//! The namespace: every spelling of the names that only truegate sets, and how they are stripped.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, AsHeaderName},
};

use super::{CasedName, HeaderNames, HeaderTarget, Suspects, cased, remove_where};

/// The channels by which a client claimed an identity that was stripped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "a spoofed identity that is not counted stays unseen"]
pub(crate) struct Spoofs {
    /// A header of the namespace.
    pub(crate) header: bool,
    /// A name of the namespace in `Connection` or `Proxy-Connection`, which asks the next hop to drop it.
    pub(crate) connection: bool,
    /// A name of the namespace in `Trailer`, or in the trailers themselves.
    pub(crate) trailer: bool,
}

impl HeaderNames {
    /// Returns whether only truegate may set a header of this name.
    ///
    /// Servers read `X_Truecaller_Phone` or `X.Truecaller.Phone` as one with `X-Truecaller-Phone` (CGI, WSGI, PHP),
    /// so every character except letters and digits is read as `-`, and letter case is ignored.
    pub fn is_reserved(&self, name: impl AsRef<[u8]>) -> bool {
        self.closed.contains(name.as_ref())
    }

    /// Strips the namespace from a request, with the headers by which a client could smuggle further requests or choose
    /// the app's proxy.
    pub(crate) fn strip_request(&self, suspects: Suspects, target: &mut impl HeaderTarget) -> Spoofs {
        if suspects.proxy {
            target.remove(&PROXY);
        }
        if suspects.upgrade && upgrades_to_http(target) {
            target.remove(&header::UPGRADE);
            target.remove(&HTTP2_SETTINGS);
        }
        self.strip_suspects(suspects, target)
    }

    /// Strips every header and list entry of the namespace.
    pub(crate) fn strip(&self, target: &mut impl HeaderTarget) -> Spoofs {
        self.strip_suspects(self.suspects(target.headers()), target)
    }

    fn strip_suspects(&self, suspects: Suspects, target: &mut impl HeaderTarget) -> Spoofs {
        let connection = suspects.connection && self.strip_named(target, &cased::CONNECTION);
        let proxy_connection = suspects.proxy_connection && self.strip_named(target, &cased::PROXY_CONNECTION);
        Spoofs {
            header: suspects.reserved && self.strip_reserved(target),
            connection: connection || proxy_connection,
            trailer: suspects.trailer && self.strip_named(target, &cased::TRAILER),
        }
    }

    /// Strips every trailer of the namespace.
    pub(crate) fn strip_trailers(&self, trailers: &mut HeaderMap) -> Spoofs {
        Spoofs { trailer: self.strip_reserved(trailers), ..Spoofs::default() }
    }

    fn strip_reserved(&self, target: &mut impl HeaderTarget) -> bool {
        remove_where(target, |name| self.is_reserved(name))
    }

    /// Removes the names of the namespace from a header that lists names, and keeps the others.
    fn strip_named(&self, target: &mut impl HeaderTarget, list: &CasedName) -> bool {
        let ours = |token: &&[u8]| self.is_reserved(token.trim_ascii());
        if !target.headers().get_all(list.name()).iter().any(|value| tokens(value).any(|token| ours(&token))) {
            return false;
        }
        let kept: Vec<_> =
            target.headers().get_all(list.name()).iter().flat_map(tokens).filter(|token| !ours(token)).collect();
        let kept = kept.join(&b","[..]);
        target.remove(list.name());
        if !kept.trim_ascii().is_empty() {
            let value = HeaderValue::from_bytes(kept.trim_ascii()).expect("parts of header values make a header value");
            target.insert(list, value);
        }
        true
    }
}

/// Whether an upgrade would carry further requests that the gate cannot inspect: `h2c`, `TLS` or another `HTTP`.
///
/// A server may ignore any upgrade (RFC 9110 §7.8).
fn upgrades_to_http(target: &impl HeaderTarget) -> bool {
    let carries = |protocol: &[u8]| {
        let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default().trim_ascii();
        HTTP_CARRIERS.iter().any(|carrier| name.eq_ignore_ascii_case(carrier))
    };
    target.headers().get_all(header::UPGRADE).iter().any(|value| tokens(value).any(carries))
}

/// The value of a header that came once.
#[cfg_attr(
    not(any(feature = "gateway", feature = "session")),
    allow(dead_code, reason = "only these believe a header")
)]
pub(crate) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

/// The entries of a header that is a list, with the white space around them.
pub(crate) fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',')
}

const HTTP_CARRIERS: [&[u8]; 4] = [b"h2c", b"h2", b"http", b"tls"];
/// CGI turns it into the variable `HTTP_PROXY`, so that a client could choose the app's proxy.
const PROXY: HeaderName = HeaderName::from_static("proxy");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
