//! The link that opens Truecaller's dialog on a phone.
//!
//! ```
//! use std::time::Duration;
//! use truegate::{callback::RequestId, session::{DeepLinks, LinkBase, Partner}};
//!
//! # fn show(nonce: &RequestId) -> Result<(), truegate::session::PartnerError> {
//! let links = DeepLinks::new(LinkBase::default(), &Partner::new("a-key", "A Shop")?, Duration::from_secs(180));
//! assert!(links.deep(nonce).starts_with("truecallersdk://truesdk/web_verify?type=btmsheet&requestNonce="));
//! # Ok(())
//! # }
//! ```

mod base;

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use self::base::{LinkBase, LinkBaseError};
use super::Partner;
use crate::callback::RequestId;

/// Makes the links of a site's logins.
#[derive(Debug, Clone)]
pub struct DeepLinks {
    base: LinkBase,
    /// The parameters behind the nonce, encoded.
    tail: Box<str>,
}

impl DeepLinks {
    /// Links for a partner; the dialog waits for as long as a login lives.
    ///
    /// The app takes no time to live under 8 seconds: a shorter one is raised to that.
    pub fn new(base: LinkBase, partner: &Partner, login_timeout: Duration) -> Self {
        let ttl = login_timeout.max(SHORTEST_TTL).as_millis().to_string();
        let mut tail = String::new();
        for (name, value) in partner.parameters().chain([("ttl", &*ttl)]) {
            append(&mut tail, name, value);
        }
        Self { base, tail: tail.into() }
    }

    /// The link of a login, which opens the dialog: every parameter percent-encoded once, and `&` before each but the
    /// first.
    pub fn deep(&self, nonce: &RequestId) -> String {
        format!("{}?{}", self.base.as_str(), self.query(nonce))
    }

    /// The same as an Android intent, which names the app's package, so that no other app can take it.
    ///
    /// Over `http` and `https` there is no intent: it is the deep link, so that whoever uses one can use the other.
    pub fn intent(&self, nonce: &RequestId) -> String {
        match self.base.custom_scheme() {
            Some((scheme, rest)) => {
                format!("intent:{rest}?{}#Intent;scheme={scheme};package=com.truecaller;end", self.query(nonce))
            }
            None => self.deep(nonce),
        }
    }

    /// Whether the links open Truecaller's app, and not a page.
    pub(crate) fn open_app(&self) -> bool {
        self.base.custom_scheme().is_some()
    }

    fn query(&self, nonce: &RequestId) -> String {
        let mut query = "type=btmsheet".to_owned();
        append(&mut query, "requestNonce", nonce.expose());
        query + &self.tail
    }
}

fn append(query: &mut String, name: &str, value: &str) {
    query.extend(["&", name, "="].into_iter().chain(utf8_percent_encode(value, ENCODED)));
}

/// All but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SHORTEST_TTL: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests;
