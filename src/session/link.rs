//! The link that opens Truecaller's dialog on a phone.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::Partner;
use crate::{callback::RequestId, loopback::is_loopback};

/// Creates the links of a site's logins.
#[derive(Debug, Clone)]
pub(super) struct DeepLinks {
    base: LinkBase,
    /// The parameters behind the request id, encoded.
    tail: Box<str>,
}

impl DeepLinks {
    /// Creates links for a partner. The dialog waits as long as the login lives.
    ///
    /// Truecaller's app does not accept a time under 8 seconds, so a shorter time is raised to 8 seconds.
    pub(super) fn new(base: LinkBase, partner: &Partner, login_timeout: Duration) -> Self {
        let ttl = login_timeout.max(SHORTEST_TTL).as_millis().to_string();
        let mut tail = String::new();
        for (name, value) in partner.parameters().chain([("ttl", &*ttl)]) {
            append(&mut tail, name, value);
        }
        Self { base, tail: tail.into() }
    }

    /// The link of a login, which opens the dialog: every parameter percent-encoded once, and `&` before each but the
    /// first.
    pub(super) fn deep(&self, request_id: &RequestId) -> String {
        format!("{}?{}", self.base.as_str(), self.query(request_id))
    }

    /// The same as an Android intent, which names the app's package, so that no other app can take it.
    ///
    /// For a base of `http` or `https`, this is the deep link itself, because a browser opens it without an intent.
    pub(super) fn intent(&self, request_id: &RequestId) -> String {
        match self.base.custom_scheme() {
            Some((scheme, rest)) => {
                format!("intent:{rest}?{}#Intent;scheme={scheme};package=com.truecaller;end", self.query(request_id))
            }
            None => self.deep(request_id),
        }
    }

    /// Whether the links open Truecaller's app, and not a page.
    pub(super) fn open_app(&self) -> bool {
        self.base.custom_scheme().is_some()
    }

    fn query(&self, request_id: &RequestId) -> String {
        let mut query = "type=btmsheet".to_owned();
        append(&mut query, "requestNonce", request_id.expose());
        query + &self.tail
    }
}

/// The start of a deep link. Defaults to Truecaller's app; in development, it is a page of the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase(Url);

impl LinkBase {
    /// Takes a URL with a path and without a query: `truecallersdk://…`, `https://…`, or `http://` of this machine.
    ///
    /// # Errors
    ///
    /// When the text is not such a URL.
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
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme and rest of a link that an app opens.
    fn custom_scheme(&self) -> Option<(&str, &str)> {
        self.as_str().split_once(':').filter(|(scheme, _)| *scheme == APP)
    }
}

impl Default for LinkBase {
    /// Truecaller's app.
    fn default() -> Self {
        Self::parse("truecallersdk://truesdk/web_verify").expect("a table of the tests has it")
    }
}

/// The reason why a text is not a valid base of deep links.
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

fn append(query: &mut String, name: &str, value: &str) {
    query.extend(["&", name, "="].into_iter().chain(utf8_percent_encode(value, ENCODED)));
}

const APP: &str = "truecallersdk";
/// All but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SHORTEST_TTL: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests;
