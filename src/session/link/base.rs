//! What a deep link begins with.

use std::str::FromStr;

use url::{Host, Url};

/// What a deep link begins with: Truecaller's app by default, a page of the simulator in development.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase(Url);

impl LinkBase {
    /// Takes a URL with a path and without a query: `truecallersdk://…`, `https://…`, or `http://` of this machine.
    ///
    /// # Errors
    ///
    /// When it is another one, or none.
    pub fn parse(text: &str) -> Result<Self, LinkBaseError> {
        let url: Url = text.parse().map_err(|_| LinkBaseError::Url)?;
        match url.scheme() {
            APP | "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(LinkBaseError::Insecure),
            _ => return Err(LinkBaseError::Scheme),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_base =
            url.has_host() && url.path().starts_with('/') && url.query().is_none() && url.fragment().is_none();
        (is_base && !has_user).then_some(Self(url)).ok_or(LinkBaseError::Shape)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme and rest of a link that an app opens.
    pub(super) fn custom_scheme(&self) -> Option<(&str, &str)> {
        self.as_str().split_once(':').filter(|(scheme, _)| *scheme == APP)
    }
}

impl FromStr for LinkBase {
    type Err = LinkBaseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Default for LinkBase {
    /// Truecaller's app.
    fn default() -> Self {
        Self::parse("truecallersdk://truesdk/web_verify").expect("a table of the tests has it")
    }
}

/// Why a text is no base of deep links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkBaseError {
    /// It is not a URL.
    #[error("the link base is not a URL")]
    Url,
    /// It is opened by neither Truecaller's app nor a browser.
    #[error("the link base begins with neither truecallersdk:// nor https:// nor http://")]
    Scheme,
    /// It is `http` of another machine.
    #[error("the link base is http:// of another machine; only a loopback host may have it")]
    Insecure,
    /// It has no host or no path, or more than these.
    #[error("the link base is not just scheme, host and path")]
    Shape,
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

const APP: &str = "truecallersdk";
