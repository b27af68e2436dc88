//! The allow-list of profile endpoints. A callback can only name an endpoint of this list.

use std::sync::Arc;

use url::Url;

use crate::loopback::is_loopback;

/// A profile URL that may be fetched. The endpoints of a native client are checked in the same way.
///
/// # Security
///
/// An endpoint exists only if you list it. A callback cannot create one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProfileEndpoint(Arc<Url>);

impl ProfileEndpoint {
    /// Reads a URL for the allow-list, in the one spelling that a URL parser writes.
    ///
    /// # Errors
    ///
    /// When the URL is not absolute and canonical, has user info, a query or a fragment, or is neither `https`
    /// nor `http` to a loopback host.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text)?;
        if url.as_str() != text {
            return Err(EndpointError::NotCanonical);
        }
        let plain =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if !plain {
            return Err(EndpointError::NotPlain);
        }
        match url.scheme() {
            "https" if !ends_in_dot(&url) => Ok(Self(Arc::new(url))),
            "http" if is_loopback(&url) => Ok(Self(Arc::new(url))),
            _ => Err(EndpointError::Scheme),
        }
    }

    /// Returns the URL to fetch.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// The reason why a URL cannot be an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is not an absolute URL.
    #[error("not an absolute URL")]
    NotAUrl(#[from] url::ParseError),
    /// It is not written as a URL parser would write it.
    #[error("not in canonical form (lower-case host, no default port, no dot segments, a path)")]
    NotCanonical,
    /// It holds more than scheme, host, port and path.
    #[error("user info, a query or a fragment does not belong in an endpoint")]
    NotPlain,
    /// It is neither `https` nor `http` to this machine.
    #[error("must be https, or http to a loopback host")]
    Scheme,
}

/// The endpoints that a callback may name.
#[derive(Debug, Clone)]
pub struct Endpoints(Arc<[ProfileEndpoint]>);

impl Endpoints {
    /// Returns the listed endpoint whose URL equals `text` byte for byte.
    pub(crate) fn admit(&self, text: &str) -> Option<ProfileEndpoint> {
        self.0.iter().find(|listed| listed.0.as_str() == text).cloned()
    }

    /// Returns the listed endpoints.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ProfileEndpoint> {
        self.0.iter()
    }
}

impl FromIterator<ProfileEndpoint> for Endpoints {
    fn from_iter<I: IntoIterator<Item = ProfileEndpoint>>(listed: I) -> Self {
        Self(listed.into_iter().collect())
    }
}

/// The profile URLs of Truecaller's documentation.
impl Default for Endpoints {
    fn default() -> Self {
        let listed = DOCUMENTED.iter().map(|url| ProfileEndpoint::parse(url));
        listed.collect::<Result<_, _>>().expect("the documented endpoints are canonical https URLs")
    }
}

fn ends_in_dot(url: &Url) -> bool {
    url.host_str().is_none_or(|host| host.ends_with('.'))
}

const DOCUMENTED: [&str; 3] = [
    "https://profile4-noneu.truecaller.com/v1/default",
    "https://profile4-eu.truecaller.com/v1/default",
    "https://profile4.truecaller.com/v1/default",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_endpoint_is_admitted_in_its_one_spelling() {
        let endpoints = Endpoints::default();
        for listed in DOCUMENTED {
            assert_eq!(endpoints.admit(listed).unwrap().url().as_str(), listed);
        }
        for other in [
            "",
            "http://profile4-noneu.truecaller.com/v1/default",
            "HTTPS://profile4-noneu.truecaller.com/v1/default",
            "https://PROFILE4-noneu.truecaller.com/v1/default",
            "https://profile4-noneu.truecaller.com:443/v1/default",
            "https://profile4-noneu.truecaller.com./v1/default",
            "https://profile4-noneu.truecaller.com/v1/default/",
            "https://profile4-noneu.truecaller.com/v1/default?",
            "https://profile4-noneu.truecaller.com/v1/default#",
            "https://profile4-noneu.truecaller.com/v1/./default",
            "https://profile4-noneu.truecaller.com/v1/%64efault",
            "https://profile4-noneu.truecaller.com@evil.example/v1/default",
            "https://profile4-noneu.truecaller.com\\.evil.example/v1/default",
            " https://profile4-noneu.truecaller.com/v1/default",
            "https://profile4-noneu.truecaller.com/v1/default\n",
            "https:profile4-noneu.truecaller.com/v1/default",
            "//profile4-noneu.truecaller.com/v1/default",
        ] {
            assert_eq!(endpoints.admit(other), None, "{other:?}");
        }
    }

    #[test]
    fn only_a_canonical_https_or_loopback_url_can_be_listed() {
        for (text, outcome) in [
            ("https://profiles.example/v1", Ok(())),
            ("https://profiles.example:8443/v1", Ok(())),
            ("http://127.0.0.1:9999/v1/default", Ok(())),
            ("http://localhost:9999/v1/default", Ok(())),
            ("http://[::1]/v1", Ok(())),
            ("profiles.example/v1", Err(EndpointError::NotAUrl(url::ParseError::RelativeUrlWithoutBase))),
            ("https://profiles.example", Err(EndpointError::NotCanonical)),
            ("https://Profiles.example/v1", Err(EndpointError::NotCanonical)),
            ("https://127.1/v1", Err(EndpointError::NotCanonical)),
            ("https://user@profiles.example/v1", Err(EndpointError::NotPlain)),
            ("https://profiles.example/v1?a=b", Err(EndpointError::NotPlain)),
            ("http://profiles.example/v1", Err(EndpointError::Scheme)),
            ("https://profiles.example./v1", Err(EndpointError::Scheme)),
            ("ftp://profiles.example/v1", Err(EndpointError::Scheme)),
        ] {
            assert_eq!(ProfileEndpoint::parse(text).map(drop), outcome, "{text}");
        }
    }
}
