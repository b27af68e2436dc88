//! The origins of a site: each has its own login and sessions, or all of them share their sessions.

use super::{CookieDomain, PublicUrl};
use crate::host::Host;

/// The origins of a site. There is at least one; the first is the default.
///
/// Each origin has its own login page. A session is valid only on the host on which it began, unless the hosts
/// [share](Self::share_sessions) their sessions. Two origins on one host that differ only in their ports share their sessions in
/// any case, because browsers send the cookies of a host to all its ports.
///
/// ```
/// use truegate::session::{PublicUrl, PublicUrls};
///
/// let (wiki, login) = (PublicUrl::parse("https://wiki.example.com")?, PublicUrl::parse("https://login.example.com")?);
/// let site = PublicUrls::new(login, [wiki])?;
/// assert_eq!(site.default_url().origin(), "https://login.example.com");
///
/// let site = site.share_sessions("example.com".parse()?)?;
/// # drop(site);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrls {
    urls: Box<[PublicUrl]>,
    domain: Option<CookieDomain>,
}

/// One of the origins of a site. The default is the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OriginIndex {
    number: usize,
    /// Whether it is the origin for a host that only rules name, on which no session is valid.
    is_for_outside: bool,
}

/// The hosts on which a session is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Realm<'a> {
    /// The number, which no other realm of the site has.
    pub(crate) number: usize,
    /// The name to which sessions are sealed. It is empty if the site has only one realm and does not share it by a domain.
    pub(crate) name: &'a str,
}

impl PublicUrls {
    /// Takes the default origin and the other origins.
    ///
    /// # Errors
    ///
    /// When an origin is listed twice, or when `https` and `http` are mixed: the scheme decides the names of cookies.
    pub fn new(default: PublicUrl, others: impl IntoIterator<Item = PublicUrl>) -> Result<Self, PublicUrlsError> {
        let urls: Box<[_]> = std::iter::once(default).chain(others).collect();
        let is_repeated = |(at, url): (usize, &PublicUrl)| urls[..at].contains(url);
        if urls.iter().enumerate().any(is_repeated) {
            return Err(PublicUrlsError::Repeated);
        }
        if urls.iter().any(|url| url.is_secure() != urls[0].is_secure()) {
            return Err(PublicUrlsError::MixedSchemes);
        }
        Ok(Self { urls, domain: None })
    }

    /// Lets all hosts share one session by cookies for a domain. By default each host has its own sessions.
    ///
    /// # Errors
    ///
    /// When an origin is outside the domain.
    ///
    /// # Security
    ///
    /// Browsers then send the session to every host of the domain, also to those that are not behind truegate, and every host of
    /// the domain can replace the session by another one, such as that of an attacker.
    pub fn share_sessions(self, domain: CookieDomain) -> Result<Self, PublicUrlsError> {
        if !self.urls.iter().all(|url| domain.covers(url.host_name())) {
            return Err(PublicUrlsError::OutsideDomain);
        }
        Ok(Self { domain: Some(domain), ..self })
    }

    /// The default origin, for links that are made without a request.
    pub fn default_url(&self) -> &PublicUrl {
        &self.urls[0]
    }

    /// The origins, beginning with the default.
    pub fn iter(&self) -> impl Iterator<Item = &PublicUrl> {
        self.urls.iter()
    }

    /// Returns the domain by which the hosts share their sessions, if they do.
    pub(crate) fn domain(&self) -> Option<&CookieDomain> {
        self.domain.as_ref()
    }

    /// Whether there is only one origin.
    pub(crate) fn is_single(&self) -> bool {
        self.urls.len() == 1
    }

    /// Whether requests for other hosts are refused, as far as rules do not name them.
    pub(crate) fn exclude_others(&self) -> bool {
        !self.is_single() || self.domain.is_some()
    }

    /// Whether browsers use `https`, so that cookies can be `Secure`.
    pub(crate) fn is_secure(&self) -> bool {
        self.urls[0].is_secure()
    }

    /// Returns one of the origins.
    pub(crate) fn get(&self, index: OriginIndex) -> &PublicUrl {
        &self.urls[index.number]
    }

    /// Finds the origin that a `Host` header names exactly, in any letter case, with or without the default port.
    pub(crate) fn find(&self, host: &[u8]) -> Option<OriginIndex> {
        self.urls.iter().position(|url| url.is_host(host)).map(OriginIndex::of)
    }

    /// Finds the origin to which a `Host` header leads: the one that it names, else one on the same host with another port or
    /// without a dot at the end, else the default.
    pub(crate) fn nearest(&self, host: Option<&[u8]>) -> OriginIndex {
        let Some(host) = host.filter(|_| self.exclude_others()) else { return OriginIndex::default() };
        self.find(host).unwrap_or_else(|| {
            let host = Host::parse(host);
            let name = host.as_ref().map(Host::as_str);
            let is_shared = || name.zip(self.domain.as_ref()).is_some_and(|(name, domain)| domain.covers(name));
            name.and_then(|name| self.on_host(name))
                .unwrap_or_else(|| OriginIndex { is_for_outside: !is_shared(), ..OriginIndex::default() })
        })
    }

    /// The hosts on which the sessions of an origin are valid; none for a host outside the site, which has no sessions.
    pub(crate) fn realm(&self, index: OriginIndex) -> Option<Realm<'_>> {
        if index.is_for_outside {
            return None;
        }
        Some(match &self.domain {
            Some(domain) => Realm { number: 0, name: domain.as_str() },
            None if self.is_single() => Realm { number: 0, name: "" },
            None => {
                let name = self.get(index).host_name();
                let OriginIndex { number, .. } = self.on_host(name).unwrap_or(index);
                Realm { number, name }
            }
        })
    }

    /// The name for what only one host may use, even if the hosts share their sessions. It is empty if there is only one origin.
    pub(crate) fn host_realm(&self, index: OriginIndex) -> &str {
        if self.is_single() { "" } else { self.get(index).host_name() }
    }

    fn on_host(&self, name: &str) -> Option<OriginIndex> {
        self.urls.iter().position(|url| url.host_name() == name).map(OriginIndex::of)
    }
}

impl OriginIndex {
    fn of(number: usize) -> Self {
        Self { number, is_for_outside: false }
    }
}

/// A site with one origin.
impl From<PublicUrl> for PublicUrls {
    fn from(url: PublicUrl) -> Self {
        Self { urls: Box::new([url]), domain: None }
    }
}

/// The reason why several origins cannot be those of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlsError {
    /// An origin is listed twice.
    #[error("an origin is listed twice")]
    Repeated,
    /// Some origins are `https` and others are `http`.
    #[error("https and http cannot be mixed, because the names of cookies depend on the scheme")]
    MixedSchemes,
    /// An origin is outside the domain of the cookies.
    #[error("an origin is outside the domain of the cookies")]
    OutsideDomain,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(origins: &[&str]) -> Result<PublicUrls, PublicUrlsError> {
        let mut urls = origins.iter().map(|origin| PublicUrl::parse(origin).unwrap());
        PublicUrls::new(urls.next().unwrap(), urls)
    }

    #[test]
    fn a_request_is_for_the_origin_that_its_host_names() {
        let site = urls(&["https://shop.example", "https://wiki.example:8443", "https://[2001:db8::1]"]).unwrap();
        let nearest = |host: &str| site.get(site.nearest(Some(host.as_bytes()))).origin().to_owned();
        for (host, known, origin) in [
            ("shop.example", true, "https://shop.example"),
            ("SHOP.example:443", true, "https://shop.example"),
            ("wiki.example:8443", true, "https://wiki.example:8443"),
            ("Wiki.Example", false, "https://wiki.example:8443"),
            ("wiki.example.:8443", false, "https://wiki.example:8443"),
            ("wiki.example.", false, "https://wiki.example:8443"),
            ("[2001:DB8::1]", true, "https://[2001:db8::1]"),
            ("[2001:db8::1]:9", false, "https://[2001:db8::1]"),
            ("www.wiki.example:8443", false, "https://shop.example"),
            ("wiki.example:8443.evil", false, "https://shop.example"),
            ("wiki.example:x", false, "https://shop.example"),
            ("evil@wiki.example:8443", false, "https://shop.example"),
            ("", false, "https://shop.example"),
        ] {
            assert_eq!((site.find(host.as_bytes()).is_some(), &*nearest(host)), (known, origin), "{host}");
        }
        assert_eq!(site.nearest(None), OriginIndex::default());
    }

    #[test]
    fn a_session_is_valid_on_one_host_or_in_one_domain() {
        let realm = |site: &PublicUrls, host: &str| {
            let realm = site.realm(site.find(host.as_bytes()).unwrap()).unwrap();
            (realm.number, realm.name.to_owned())
        };
        let site = urls(&["https://a.shop.example", "https://b.shop.example", "https://a.shop.example:8443"]).unwrap();
        assert_eq!(realm(&site, "a.shop.example"), (0, "a.shop.example".to_owned()));
        assert_eq!(realm(&site, "b.shop.example"), (1, "b.shop.example".to_owned()));
        assert_eq!(realm(&site, "a.shop.example:8443"), (0, "a.shop.example".to_owned()), "ports share cookies");
        let shared = site.share_sessions("shop.example".parse::<CookieDomain>().unwrap()).unwrap();
        for host in ["a.shop.example", "b.shop.example"] {
            assert_eq!(realm(&shared, host), (0, "shop.example".to_owned()));
            assert_eq!(shared.host_realm(shared.find(host.as_bytes()).unwrap()), host);
        }
        assert_eq!(realm(&urls(&["https://shop.example"]).unwrap(), "shop.example"), (0, String::new()));
    }

    #[test]
    fn a_host_outside_the_site_has_no_sessions() {
        let has_sessions = |site: &PublicUrls, host: &str| site.realm(site.nearest(Some(host.as_bytes()))).is_some();
        let apart = urls(&["https://a.shop.example", "https://b.shop.example"]).unwrap();
        let shared = apart.clone().share_sessions("shop.example".parse::<CookieDomain>().unwrap()).unwrap();
        let single = urls(&["https://a.shop.example"]).unwrap();
        let single_shared = single.clone().share_sessions("shop.example".parse::<CookieDomain>().unwrap()).unwrap();
        for (host, expected) in [
            ("a.shop.example", [true, true, true, true]),
            ("B.shop.example.:8443", [true, true, true, true]),
            ("c.shop.example", [false, true, true, true]),
            ("other.example", [false, false, true, false]),
            ("evilshop.example", [false, false, true, false]),
            ("a b", [false, false, true, false]),
        ] {
            let sites = [&apart, &shared, &single, &single_shared];
            assert_eq!(sites.map(|site| has_sessions(site, host)), expected, "{host}");
        }
    }

    #[test]
    fn the_origins_of_a_site_differ_and_have_one_scheme() {
        for (origins, error) in [
            (&["https://a.example", "https://A.example:443"][..], PublicUrlsError::Repeated),
            (&["https://a.example", "http://localhost"], PublicUrlsError::MixedSchemes),
        ] {
            assert_eq!(urls(origins), Err(error), "{origins:?}");
        }
    }

    #[test]
    fn a_domain_shares_only_what_is_below_it() {
        for (origin, domain, is_within) in [
            ("https://shop.example", "shop.example", true),
            ("https://wiki.shop.example:8443", "Shop.Example", true),
            ("https://a.b.shop.example", "shop.example", true),
            ("http://wiki.shop.localhost:8080", "shop.localhost", true),
            ("https://evilshop.example", "shop.example", false),
            ("https://shop.example", "wiki.shop.example", false),
            ("https://shop.example.evil", "shop.example", false),
        ] {
            let shared = urls(&[origin]).unwrap().share_sessions(domain.parse::<CookieDomain>().unwrap());
            assert_eq!(shared.is_ok(), is_within, "{origin} {domain}");
        }
    }
}
