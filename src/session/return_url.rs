//! The page after a login or a logout: a path of this very host, or a page of another host of the site.

use super::{PublicUrl, PublicUrls, ReturnPath};

/// A page of the site, to send a browser to: a path of the host that the browser is on, or the URL of a page on any host of the
/// site.
///
/// ```
/// use truegate::session::{PublicUrl, PublicUrls, ReturnUrl};
///
/// let (login, wiki) = (PublicUrl::parse("https://login.example.com")?, PublicUrl::parse("https://wiki.example.com")?);
/// let site = PublicUrls::new(login, [wiki])?;
///
/// let page = ReturnUrl::parse("https://wiki.example.com/start", &site).expect("a page of the site");
/// assert_eq!(page.as_str(), "https://wiki.example.com/start");
/// assert!(ReturnUrl::parse("/cart", &site).is_some());
/// assert!(ReturnUrl::parse("https://wiki.example.com.evil.example/", &site).is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// Anyone can write a link to the login, and this goes into `Location`. A URL begins with the very text of one of the site's
/// origins, and a [`ReturnPath`] follows, so no browser can take it for a page of another site. The page may be private to one
/// user, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnUrl {
    text: Box<str>,
    /// Where the path starts.
    path_at: usize,
}

impl ReturnUrl {
    /// Takes a path by the rules of [`ReturnPath::parse`]. If the site has several origins, this takes a URL as well: one of
    /// the origins exactly as [`PublicUrl::origin`] has it, alone or with such a path.
    pub fn parse(text: &str, site: &PublicUrls) -> Option<Self> {
        if text.starts_with('/') {
            return ReturnPath::parse(text).map(Self::from);
        }
        let mut origins = site.iter().filter(|_| !site.is_single()).map(PublicUrl::origin);
        let (origin, rest) = origins.find_map(|origin| {
            let rest = text.strip_prefix(origin)?;
            // One origin can be the beginning of another one: `https://a.example` of `https://a.example:8443`.
            (rest.is_empty() || rest.starts_with('/')).then_some((origin, rest))
        })?;
        let path = if rest.is_empty() { ReturnPath::default() } else { ReturnPath::parse(rest)? };
        Some(Self { text: format!("{origin}{}", path.as_str()).into(), path_at: origin.len() })
    }

    /// The page, as a `Location` has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path alone, without query and fragment.
    pub(crate) fn path(&self) -> &str {
        self.text[self.path_at..].split(['?', '#']).next().unwrap_or_default()
    }

    /// The origin, if it is not simply the one that the browser is on.
    pub(crate) fn origin(&self) -> Option<&str> {
        Some(&self.text[..self.path_at]).filter(|origin| !origin.is_empty())
    }

    /// The same page, for a browser that is on any host: its URL, if it is a path of this host.
    pub(crate) fn seen_from(&self, here: &PublicUrl) -> Self {
        if self.path_at > 0 {
            return self.clone();
        }
        Self { text: format!("{}{}", here.origin(), self.text).into(), path_at: here.origin().len() }
    }
}

impl From<ReturnPath> for ReturnUrl {
    fn from(path: ReturnPath) -> Self {
        Self { text: path.as_str().into(), path_at: 0 }
    }
}

/// The root of the host that a browser is on.
impl Default for ReturnUrl {
    fn default() -> Self {
        ReturnPath::default().into()
    }
}

redacted!(ReturnUrl);

#[cfg(test)]
mod tests {
    use super::*;

    fn site(origins: &[&str]) -> PublicUrls {
        let mut urls = origins.iter().map(|origin| PublicUrl::parse(origin).unwrap());
        PublicUrls::new(urls.next().unwrap(), urls).unwrap()
    }

    #[test]
    fn a_page_of_any_host_of_the_site_is_taken_as_it_stands() {
        let site = site(&["https://shop.example", "https://wiki.example", "https://wiki.example:8443"]);
        for (text, written, origin, path) in [
            ("/a?b#c", "/a?b#c", None, "/a"),
            ("https://shop.example", "https://shop.example/", Some("https://shop.example"), "/"),
            ("https://wiki.example/a?b#c", "https://wiki.example/a?b#c", Some("https://wiki.example"), "/a"),
            ("https://wiki.example:8443/", "https://wiki.example:8443/", Some("https://wiki.example:8443"), "/"),
            (
                "https://wiki.example/caf\u{e9}?next=//evil.example",
                "https://wiki.example/caf%C3%A9?next=//evil.example",
                Some("https://wiki.example"),
                "/caf%C3%A9",
            ),
        ] {
            let url = ReturnUrl::parse(text, &site).unwrap();
            assert_eq!((url.as_str(), url.origin(), url.path()), (written, origin, path), "{text}");
        }
    }

    #[test]
    fn a_site_of_one_host_has_paths_only() {
        let site = site(&["https://shop.example"]);
        assert!(ReturnUrl::parse("/a", &site).is_some());
        assert!(ReturnUrl::parse("https://shop.example/a", &site).is_none());
    }

    #[test]
    fn a_path_becomes_a_url_for_other_hosts() {
        let site = site(&["https://shop.example", "https://wiki.example"]);
        for (text, url) in [("/a?b", "https://wiki.example/a?b"), ("https://shop.example/a", "https://shop.example/a")]
        {
            let here = PublicUrl::parse("https://wiki.example").unwrap();
            assert_eq!(ReturnUrl::parse(text, &site).unwrap().seen_from(&here).as_str(), url);
        }
    }
}
