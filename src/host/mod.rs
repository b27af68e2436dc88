//! The host that a request is for: as it is written, and in the one spelling in which hosts are compared.

mod authority;
mod name;

use std::{borrow::Cow, str};

use http::{HeaderName, HeaderValue, header, request::Parts};

pub(crate) use self::{authority::Authority, name::is_host_name};
use crate::headers::only;

/// Marks a request that comes from one of your own proxies. Insert it into the request's extensions.
///
/// Without this mark, truegate ignores the headers in which a proxy names the host that the client asked for, and the request that
/// it asks about.
///
/// # Security
///
/// Never mark a request that comes from a client directly: the client could then choose the rule for its own request.
#[derive(Debug, Clone, Copy)]
pub struct TrustedProxy;

/// The name or address of a host: in lower case, without a port and without a dot at its end. An IPv6 address is in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host<'a>(Cow<'a, str>);

impl<'a> Host<'a> {
    /// The host that a request is for, if the request names one.
    pub(crate) fn of(head: &'a Parts) -> Option<Self> {
        Self::parse(named_host(head)?)
    }

    /// Takes a host with an optional port, as `Host`, `:authority` and `X-Forwarded-Host` write it. A host in lower case costs no
    /// allocation.
    ///
    /// Returns `None` for a name with an escape, which some server would decode, and for what is not a host.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let host = Authority::parse(text)?.host();
        let host = str::from_utf8(host.strip_suffix(b".").unwrap_or(host)).ok().filter(|host| !host.contains('%'))?;
        let has_capitals = host.bytes().any(|byte| byte.is_ascii_uppercase());
        Some(Self(if has_capitals { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) }))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host that a request names, as it is written, which may be with a port.
///
/// That is what a trusted proxy says in `X-Forwarded-Host`; otherwise `Host`, or the host of the target.
pub(crate) fn named_host(head: &Parts) -> Option<&[u8]> {
    forwarded_host(head).flatten().or_else(|| own_host(head))
}

/// Whether an `Origin` names the very host and port that a request is for, by whichever scheme.
pub(crate) fn is_own_origin(origin: &HeaderValue, head: &Parts) -> bool {
    let strip = |scheme: &[u8]| origin.as_bytes().strip_prefix(scheme);
    let page = strip(b"https://").or_else(|| strip(b"http://"));
    page.zip(named_host(head)).is_some_and(|(page, host)| page.eq_ignore_ascii_case(host))
}

/// The hosts that a request names, as they are written.
pub(crate) struct NamedHosts<'a> {
    /// What a trusted proxy says in `X-Forwarded-Host`.
    pub(crate) forwarded: Option<&'a [u8]>,
    /// `Host`, or the host of the target.
    pub(crate) own: Option<&'a [u8]>,
}

impl<'a> NamedHosts<'a> {
    /// Returns `None` if a trusted proxy says anything but one host.
    pub(crate) fn of(head: &'a Parts) -> Option<Self> {
        let forwarded = match forwarded_host(head) {
            Some(line) => Some(line.filter(|host| Authority::parse(host).is_some())?),
            None => None,
        };
        Some(Self { forwarded, own: own_host(head) })
    }
}

/// What a trusted proxy says in `X-Forwarded-Host`, if it says anything: no host if it says so several times.
fn forwarded_host(head: &Parts) -> Option<Option<&[u8]>> {
    head.extensions.get::<TrustedProxy>().filter(|_| head.headers.contains_key(FORWARDED_HOST))?;
    Some(only(&head.headers, FORWARDED_HOST).map(HeaderValue::as_bytes))
}

fn own_host(head: &Parts) -> Option<&[u8]> {
    let named = head.headers.get(header::HOST).map(HeaderValue::as_bytes);
    named.or_else(|| head.uri.authority().map(|authority| authority.as_str().as_bytes()))
}

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host(uri: &str, is_trusted: bool, lines: &[(&str, &str)]) -> Option<String> {
        let request = lines.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let request = if is_trusted { request.extension(TrustedProxy) } else { request };
        let (head, ()) = request.body(()).unwrap().into_parts();
        Host::of(&head).map(|host| host.as_str().to_owned())
    }

    #[test]
    fn a_host_has_one_spelling() {
        for (text, host) in [
            ("wiki.example", Some("wiki.example")),
            ("WIKI.Example", Some("wiki.example")),
            ("wiki.example:8443", Some("wiki.example")),
            ("wiki.example:", Some("wiki.example")),
            ("wiki.example.", Some("wiki.example")),
            ("Wiki.Example.:80", Some("wiki.example")),
            ("my_app", Some("my_app")),
            ("127.0.0.1:80", Some("127.0.0.1")),
            ("[2001:DB8::1]:443", Some("[2001:db8::1]")),
            ("[::1]", Some("[::1]")),
            ("wiki.example..", None),
            ("wiki%2Eexample", None),
            ("wiki%2eexample", None),
            ("*.example", None),
            ("wiki.example, evil.example", None),
            ("user@wiki.example", None),
            ("https://wiki.example", None),
            ("::1", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(Host::parse(text.as_bytes()).as_ref().map(Host::as_str), host, "{text:?}");
        }
    }

    #[test]
    fn a_host_in_lower_case_is_borrowed() {
        assert!(matches!(Host::parse(b"wiki.example.:80").unwrap().0, Cow::Borrowed("wiki.example")));
        assert!(matches!(Host::parse(b"[::a]").unwrap().0, Cow::Borrowed("[::a]")));
    }

    #[test]
    fn only_a_trusted_proxy_names_another_host_than_the_request() {
        let (named, forwarded) = (("host", "Shop.example:80"), ("x-forwarded-host", "wiki.example"));
        for (uri, is_trusted, lines, expected) in [
            ("/", false, &[named][..], Some("shop.example")),
            ("/", false, &[named, forwarded], Some("shop.example")),
            ("/", true, &[named, forwarded], Some("wiki.example")),
            ("/", true, &[forwarded], Some("wiki.example")),
            ("/", false, &[forwarded], None),
            ("/", true, &[named], Some("shop.example")),
            ("/", true, &[named, forwarded, ("x-forwarded-host", "other.example")], Some("shop.example")),
            ("https://shop.example:8443/", false, &[], Some("shop.example")),
            ("https://shop.example:8443/", true, &[forwarded], Some("wiki.example")),
            ("/", false, &[], None),
        ] {
            assert_eq!(host(uri, is_trusted, lines).as_deref(), expected, "{uri} {is_trusted} {lines:?}");
        }
    }
}
