//! The check of a request's host, for a site that knows all of its hosts.

use http::{HeaderValue, request::Parts};

use super::Rejection;
use crate::host::{Host, NamedHosts};

/// Refuses a request for a host that the site does not have, as one that came to the wrong server (RFC 9110 §15.5.20). Browsers may
/// send it again over another connection: they share one among the hosts of a certificate (RFC 9113 §9.1.1).
///
/// A request that names no host is for none that the site has: the rules of a host must not miss it. What a trusted proxy says in
/// `X-Forwarded-Host` counts. It has to be one host, and the `Host` beside it must not be another host of the site: the app might
/// take the request for either.
pub(crate) fn check_host(head: &Parts, is_known: impl Fn(&Host<'_>) -> bool) -> Result<(), Rejection> {
    let named = NamedHosts::of(head).ok_or(Rejection::MalformedRequest)?;
    let beside = named.forwarded.and(named.own);
    agree(named.forwarded.or(named.own).and_then(Host::parse), beside, is_known).map(drop)
}

/// Returns the host that a proxy asks about, which it may name in several ways, or refuses a host that the site does not have.
///
/// # Security
///
/// The `Host` of the proxy's own request must not be another host of the site. A proxy that passes on `Host` names the host by it,
/// and may pass on what a client says in other headers as well.
pub(crate) fn check_asked_host<'a>(
    asked: &'a [HeaderValue],
    head: &Parts,
    is_known: impl Fn(&Host<'_>) -> bool,
) -> Result<Host<'a>, Rejection> {
    let named = NamedHosts::of(head).ok_or(Rejection::MalformedRequest)?;
    let mut hosts = asked.iter().map(|host| Host::parse(host.as_bytes()));
    let first = hosts.next().flatten();
    if hosts.any(|other| other != first) {
        return Err(Rejection::MalformedRequest);
    }
    agree(first, named.own, is_known)
}

/// Returns the host that a request is for. The site must have this host, and the request's own `Host` must not name another host of
/// the site.
fn agree<'a>(
    host: Option<Host<'a>>,
    own: Option<&[u8]>,
    is_known: impl Fn(&Host<'_>) -> bool,
) -> Result<Host<'a>, Rejection> {
    let host = host.filter(|host| is_known(host)).ok_or(Rejection::MisdirectedRequest)?;
    let is_other = |own: &Host<'_>| *own != host && is_known(own);
    if own.and_then(Host::parse).is_some_and(|own| is_other(&own)) {
        Err(Rejection::MalformedRequest)
    } else {
        Ok(host)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::host::TrustedProxy;

    fn is_known(host: &Host<'_>) -> bool {
        ["shop.example", "wiki.example"].contains(&host.as_str())
    }

    fn check(uri: &str, is_trusted: bool, lines: &[(&str, &str)]) -> Result<(), Rejection> {
        let request = lines.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let request = if is_trusted { request.extension(TrustedProxy) } else { request };
        check_host(&request.body(()).unwrap().into_parts().0, is_known)
    }

    #[test]
    fn a_request_for_an_unknown_host_is_misdirected() {
        for (uri, host, passes) in [
            ("/", Some("shop.example"), true),
            ("/", Some("Wiki.EXAMPLE.:8443"), true),
            ("http://shop.example/", None, true),
            ("/", None, false),
            ("/", Some("other.example"), false),
            ("/", Some("shop%2eexample"), false),
            ("/", Some("shop.example.evil"), false),
            ("https://evilshop.example/", None, false),
        ] {
            let host = host.map(|host| ("host", host));
            let expected = if passes { Ok(()) } else { Err(Rejection::MisdirectedRequest) };
            assert_eq!(check(uri, false, host.as_slice()), expected, "{uri} {host:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_names_one_host_of_the_site_and_no_other_is_beside_it() {
        let forwarded = |host| ("x-forwarded-host", host);
        let (shop, internal) = (("host", "shop.example"), ("host", "10.0.0.7:8080"));
        for (lines, expected) in [
            (&[internal, forwarded("wiki.example")][..], Ok(())),
            (&[shop, forwarded("Shop.example.:443")], Ok(())),
            (&[forwarded("wiki.example")], Ok(())),
            (&[shop, forwarded("wiki.example")], Err(Rejection::MalformedRequest)),
            (&[shop, forwarded("other.example")], Err(Rejection::MisdirectedRequest)),
            (&[internal], Err(Rejection::MisdirectedRequest)),
            (&[internal, forwarded("wiki.example, shop.example")], Err(Rejection::MalformedRequest)),
            (&[shop, forwarded("")], Err(Rejection::MalformedRequest)),
            (&[shop, forwarded("shop.example"), forwarded("shop.example")], Err(Rejection::MalformedRequest)),
        ] {
            assert_eq!(check("/", true, lines), expected, "{lines:?}");
        }
        assert_eq!(check("/", false, &[shop, forwarded("wiki.example")]), Ok(()), "nobody believes a client");
    }

    #[test]
    fn a_proxy_asks_about_one_host_of_the_site() {
        let asked = |own: &str, hosts: &[&'static str]| {
            let hosts: Vec<_> = hosts.iter().map(|host| HeaderValue::from_static(host)).collect();
            let (head, ()) = Request::get("/").header("host", own).body(()).unwrap().into_parts();
            check_asked_host(&hosts, &head, is_known).map(|host| host.as_str().to_owned())
        };
        for (own, hosts, expected) in [
            ("truegate:8080", &["Shop.example:443"][..], Ok("shop.example")),
            ("truegate:8080", &["shop.example", "SHOP.example."], Ok("shop.example")),
            ("SHOP.example.", &["shop.example:443"], Ok("shop.example")),
            ("wiki.example", &["shop.example"], Err(Rejection::MalformedRequest)),
            ("truegate:8080", &["shop.example", "wiki.example"], Err(Rejection::MalformedRequest)),
            ("truegate:8080", &["shop.example", "other.example"], Err(Rejection::MalformedRequest)),
            ("truegate:8080", &["other.example"], Err(Rejection::MisdirectedRequest)),
            ("shop.example", &["other.example"], Err(Rejection::MisdirectedRequest)),
            ("truegate:8080", &["a, b"], Err(Rejection::MisdirectedRequest)),
        ] {
            assert_eq!(asked(own, hosts), expected.map(str::to_owned), "{own} {hosts:?}");
        }
    }
}
