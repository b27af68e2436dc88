//! The app's own cookies that must not outlive the user for whom the app set them.

use std::str::FromStr;

use http::HeaderValue;

use super::{is_cookie_name, key, loose};
use crate::host::is_host_name;

/// One of the app's own cookies, with the path and the domain that the app sets.
///
/// A name that ends in `*` stands for every cookie whose name starts with the part before it, for apps that generate names:
/// `jupyterhub-user-*`.
///
/// ```
/// use truegate::session::UpstreamCookie;
///
/// let php: UpstreamCookie = "PHPSESSID".parse()?;
/// let hub = "jupyterhub-session-id".parse::<UpstreamCookie>()?.path("/hub/")?.domain("shop.example")?;
/// # drop((php, hub));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamCookie {
    name: Box<str>,
    path: Option<Box<str>>,
    domain: Option<Box<str>>,
}

impl UpstreamCookie {
    /// A cookie with a `Path` that the app sets. Without one, the cookie is expired on `/` and on every prefix of a
    /// request's path.
    ///
    /// # Errors
    ///
    /// When the path does not begin with a slash, or is not visible ASCII without `;`.
    pub fn path(self, path: &str) -> Result<Self, UpstreamCookieError> {
        let path = is_path(path).then(|| path.into()).ok_or(UpstreamCookieError::Path)?;
        Ok(Self { path: Some(path), ..self })
    }

    /// A cookie with a `Domain` that the app sets, so that other hosts of the domain get it too.
    ///
    /// # Errors
    ///
    /// When the text is not the name of a host.
    pub fn domain(self, domain: &str) -> Result<Self, UpstreamCookieError> {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        if !is_host_name(domain) {
            return Err(UpstreamCookieError::Domain);
        }
        Ok(Self { domain: Some(domain.to_ascii_lowercase().into()), ..self })
    }

    /// The name of the cookie, or the beginning of several names with a `*` after it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the app sets the cookie for a domain, so that the apps of other hosts use it too.
    pub(crate) fn is_shared(&self) -> bool {
        self.domain.is_some()
    }

    /// Whether a cookie of this name is meant.
    pub(crate) fn covers(&self, name: &[u8]) -> bool {
        match self.beginning() {
            Some(beginning) => name.starts_with(beginning.as_bytes()),
            None => name == self.name().as_bytes(),
        }
    }

    /// Whether an app could take a pair of a `Cookie` line for a cookie of this name, however loosely it reads.
    pub(crate) fn is_read_in(&self, pair: &[u8]) -> bool {
        let beginning = self.beginning();
        self.covers(key(pair)) || loose::is_read_in(pair, beginning.unwrap_or(self.name()), beginning.is_some())
    }

    /// Returns the lines that make a browser delete the cookie after a request for a path; none if the name is not known.
    pub(crate) fn expired(&self, request: &str) -> Vec<HeaderValue> {
        if self.beginning().is_some() { Vec::new() } else { self.expired_as(self.name(), request) }
    }

    /// As [`expired`](Self::expired), for a cookie that came with a request: its name is one that browsers take.
    pub(crate) fn expired_as(&self, name: &str, request: &str) -> Vec<HeaderValue> {
        let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let secure = if begins("__Secure-") || begins("__Host-") { "; Secure" } else { "" };
        if begins("__Host-") {
            return vec![line(format!("{name}={secure}; Path=/; Max-Age=0"))];
        }
        let paths = self.path.as_ref().map_or_else(|| prefixes(request, DEPTH), |path| vec![path.to_string()]);
        let domains = [String::new()].into_iter().chain(self.domain.iter().map(|domain| format!("; Domain={domain}")));
        let domains: Vec<_> = domains.collect();
        let lines = paths.iter().flat_map(|path| domains.iter().map(move |domain| (path, domain)));
        lines.map(|(path, domain)| line(format!("{name}={secure}; Path={path}{domain}; Max-Age=0"))).collect()
    }

    /// The start of the names, if the cookie stands for several.
    fn beginning(&self) -> Option<&str> {
        self.name().strip_suffix('*')
    }
}

impl FromStr for UpstreamCookie {
    type Err = UpstreamCookieError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let name = is_cookie_name(name).then(|| name.into()).ok_or(UpstreamCookieError::Name)?;
        Ok(Self { name, path: None, domain: None })
    }
}

/// The reason why a path or a domain cannot be that of a cookie. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamCookieError {
    /// The name is not one that a cookie can have.
    #[error("must be 1 to 256 letters, digits and the like, without spaces, `=`, `;` or `,`")]
    Name,
    /// The path is not one that a cookie can have.
    #[error("must begin with `/` and be visible ASCII without `;`")]
    Path,
    /// The domain is not the name of a host.
    #[error("must be the name of a host")]
    Domain,
}

/// The paths that a cookie of this request may have, down to a number of segments: `/hub` and `/hub/` are two.
pub(super) fn prefixes(request: &str, depth: usize) -> Vec<String> {
    let mut paths = vec!["/".to_owned()];
    let ends = request.char_indices().filter(|(at, character)| *at > 0 && *character == '/').map(|(at, _)| at);
    let end = (!request.ends_with('/')).then_some(request.len());
    for prefix in ends.chain(end).take(depth).map(|end| &request[..end]).take_while(|prefix| is_path(prefix)) {
        paths.extend([prefix.to_owned(), format!("{prefix}/")]);
    }
    paths
}

fn is_path(path: &str) -> bool {
    path.len() <= 1024 && path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}

fn line(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("a name, a path and a domain make a header value")
}

/// How many segments of a path are looked at. A cookie further down is not forgotten; but it does not reach the app either.
const DEPTH: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn expired(cookie: &UpstreamCookie, request: &str) -> Vec<String> {
        cookie.expired(request).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_plain_name_is_expired_on_every_prefix_of_the_path() {
        let cookie: UpstreamCookie = "sid".parse().unwrap();
        for (request, paths) in [
            ("/", &["/"][..]),
            ("/hub", &["/", "/hub", "/hub/"]),
            ("/hub/", &["/", "/hub", "/hub/"]),
            ("/hub/a", &["/", "/hub", "/hub/", "/hub/a", "/hub/a/"]),
            ("/h%75b/a", &["/", "/h%75b", "/h%75b/", "/h%75b/a", "/h%75b/a/"]),
            ("/hub/a;b/c", &["/", "/hub", "/hub/"]),
            ("/hub/\u{e9}", &["/", "/hub", "/hub/"]),
            ("*", &["/"]),
            ("", &["/"]),
        ] {
            let lines: Vec<_> = paths.iter().map(|path| format!("sid=; Path={path}; Max-Age=0")).collect();
            assert_eq!(expired(&cookie, request), lines, "{request}");
        }
        assert_eq!(cookie.expired(&"/a".repeat(1000)).len(), 1 + 2 * DEPTH);
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_name() {
        let (one, several) = ("sid".parse::<UpstreamCookie>().unwrap(), "sid-*".parse::<UpstreamCookie>().unwrap());
        for (name, is_one, is_of_several) in [
            ("sid", true, false),
            ("sid-", false, true),
            ("sid-a*", false, true),
            ("SID", false, false),
            ("", false, false),
        ] {
            let name = name.as_bytes();
            assert_eq!((one.covers(name), several.covers(name)), (is_one, is_of_several), "{name:?}");
        }
        assert_eq!(several.expired("/"), Vec::<HeaderValue>::new());
        assert_eq!(several.path("/a/").unwrap().expired_as("sid-b", "/"), ["sid-b=; Path=/a/; Max-Age=0"]);
    }

    #[test]
    fn a_path_and_a_domain_are_those_of_the_app() {
        let cookie: UpstreamCookie = "__Secure-sid".parse().unwrap();
        let cookie = cookie.path("/hub/").unwrap().domain(".Shop.example").unwrap();
        assert_eq!(
            expired(&cookie, "/user/a"),
            [
                "__Secure-sid=; Secure; Path=/hub/; Max-Age=0",
                "__Secure-sid=; Secure; Path=/hub/; Domain=shop.example; Max-Age=0"
            ]
        );
        let cookie: UpstreamCookie = "__Host-sid".parse().unwrap();
        assert_eq!(expired(&cookie, "/user/a"), ["__Host-sid=; Secure; Path=/; Max-Age=0"]);
        for path in ["", "hub/", "/a b", "/a;b", "/\u{e9}"] {
            assert_eq!(cookie.clone().path(path), Err(UpstreamCookieError::Path), "{path}");
        }
        for domain in ["", ".", "a..b", "a b", "a;b", "a/b", "caf\u{e9}.example"] {
            assert_eq!(cookie.clone().domain(domain), Err(UpstreamCookieError::Domain), "{domain}");
        }
    }
}
