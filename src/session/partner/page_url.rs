//! The site's own pages.

use std::str::FromStr;

use url::Url;

use super::PartnerError;

/// The `http://` or `https://` URL of a page that the dialog links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl(Url);

impl PageUrl {
    /// The URL as the parser writes it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for PageUrl {
    type Err = PartnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| PartnerError::Url)?;
        let is_page =
            ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none();
        is_page.then_some(Self(url)).ok_or(PartnerError::Url)
    }
}
