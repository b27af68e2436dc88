//! The cookies of the app's own that are to go when a browser's identity changes.

use std::str::FromStr;

use cookie::Cookie;
use http::HeaderValue;

/// The name of a cookie of the app's own: a token of RFC 9110 §5.6.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieName(Box<str>);

impl CookieName {
    /// Takes a name that browsers take.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than 256 bytes, or holds what is no token's.
    pub fn parse(text: &str) -> Result<Self, CookieNameError> {
        let token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if (1..=256).contains(&text.len()) && token { Ok(Self(text.into())) } else { Err(CookieNameError) }
    }

    /// The line that makes a browser forget the cookie. `__Secure-` and `__Host-` ones it forgets over HTTPS alone.
    pub fn expired(&self) -> HeaderValue {
        let prefixed = ["__secure-", "__host-"].iter().any(|prefix| self.0.to_ascii_lowercase().starts_with(prefix));
        let cookie = Cookie::build((&*self.0, "")).path("/").secure(prefixed).max_age(cookie::time::Duration::ZERO);
        HeaderValue::try_from(cookie.build().to_string()).expect("a cookie's name makes a header value")
    }
}

impl FromStr for CookieName {
    type Err = CookieNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A text is no cookie's name. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 256 letters, digits and the like, without spaces, `=`, `;` or `,`")]
pub struct CookieNameError;
