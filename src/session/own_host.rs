//! The host that a request is for, which may be an alias of the public one, such as `www`, or a trailing dot.

use http::{HeaderName, StatusCode, header, request::Parts, uri::PathAndQuery};

use super::{
    SharedSessions,
    fetch_metadata::{SEC_FETCH_SITE, is_navigation},
    handler::Handler,
    login::query,
    reply,
};
use crate::{
    gate::{ClientInfo, ConnectionReuse, Reply, Scheme},
    headers::only,
    host::{is_own_origin, named_host},
    session::{
        PublicUrl,
        cookies::{CookieValue, OwnCookie},
        public_urls::OriginIndex,
    },
};

impl Handler<'_> {
    /// Leads a person who came by an alias to the same page of a public host, since cookies are for one host alone. That is the
    /// host of the same name, if only the port or a dot at the end differs, and the default otherwise.
    ///
    /// A proxy in front that renames the host does so each time: a browser is led once.
    pub(super) fn lead_to_public_host(&self, head: &Parts) -> Option<Reply> {
        let is_alias = named_host(head).is_some_and(|host| self.sessions.public_urls.find(host).is_none());
        let has = |cookie| !matches!(self.sessions.cookies.find(cookie, &head.headers), CookieValue::Absent);
        // A login that was started on an alias goes on there.
        let is_known = || has(OwnCookie::Session) || has(OwnCookie::Browser);
        if !is_alias || !is_navigation(&head.method, &head.headers) || query(head, LED).is_some() || is_known() {
            return None;
        }
        let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let separator = if head.uri.query().is_some() { '&' } else { '?' };
        let led =
            reply::redirect(StatusCode::FOUND, &format!("{}{target}{separator}{LED}=1", self.public_url().origin()));
        Some(Reply { connection: ConnectionReuse::after(head), ..led })
    }
}

impl SharedSessions {
    /// The origin that a request is for. With a single one that shares no sessions, this looks at nothing.
    pub(super) fn origin_of(&self, head: &Parts) -> OriginIndex {
        let urls = &self.public_urls;
        if urls.exclude_others() { urls.nearest(named_host(head)) } else { OriginIndex::default() }
    }

    /// The same page over https, if a browser came over http although the site is https; empty otherwise.
    pub(super) fn secure_url(&self, head: &Parts, here: &PublicUrl) -> String {
        let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        if self.is_insecure(head) { format!("{}{target}", here.origin()) } else { String::new() }
    }

    /// Whether a browser came over http although the site is https, so that it drops every cookie.
    ///
    /// Behind a proxy that is not trusted, what comes over http may have been https before. Browsers send `Sec-Fetch-Site` over
    /// https alone, or to this machine.
    pub(super) fn is_insecure(&self, head: &Parts) -> bool {
        let scheme = head.extensions.get::<ClientInfo>().and_then(|client| client.scheme);
        let was_secure = only(&head.headers, PROTO).is_some_and(|scheme| scheme == Scheme::Https.as_str());
        let is_http = scheme == Some(Scheme::Http) && !was_secure && !head.headers.contains_key(SEC_FETCH_SITE);
        self.public_urls.is_secure() && is_http
    }
}

/// Whether a browser says that a page of the very host that a request is for has sent it, whichever host that is.
pub(super) fn comes_from_its_own_host(head: &Parts) -> bool {
    let same_origin = only(&head.headers, SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
    same_origin && only(&head.headers, header::ORIGIN).is_some_and(|origin| is_own_origin(origin, head))
}

/// The parameter that says that a browser was led here before.
const LED: &str = "alias";
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_a_page_of_the_same_host_is_the_hosts_own() {
        let same = ("sec-fetch-site", "same-origin");
        for (lines, own) in [
            (&[("host", "www.shop.example"), ("origin", "https://www.shop.example"), same][..], true),
            (&[("host", "www.shop.example"), ("origin", "http://WWW.shop.example"), same], true),
            (&[("host", "localhost:8080"), ("origin", "http://localhost:8080"), same], true),
            (&[("host", "www.shop.example"), ("origin", "https://www.shop.example")], false),
            (&[("host", "www.shop.example"), same], false),
            (&[("host", "www.shop.example"), ("origin", "null"), same], false),
            (&[("host", "www.shop.example"), ("origin", "https://www.shop.example:8443"), same], false),
            (&[("host", "www.shop.example"), ("origin", "https://evil.example"), same], false),
            (&[("host", "www.shop.example"), ("origin", "www.shop.example"), same], false),
            (&[("host", "a"), ("origin", "https://a"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "a"), ("origin", "https://a"), same, ("sec-fetch-site", "cross-site")], false),
            (&[("host", "a"), ("origin", "https://a"), ("origin", "https://evil.example"), same], false),
            // Only a trusted proxy may name another host.
            (&[("host", "a"), ("x-forwarded-host", "b"), ("origin", "https://b"), same], false),
        ] {
            let request = lines.iter().fold(Request::post("/"), |request, (name, value)| request.header(*name, *value));
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(comes_from_its_own_host(&head), own, "{lines:?}");
        }
    }
}
