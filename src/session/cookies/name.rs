//! The names of cookies: the app's own, and truegate's.

use std::str::FromStr;

/// The name of a cookie of the app's own: a token of RFC 9110 §5.6.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieName(Box<str>);

/// The start of the names of truegate's own cookies. Defaults to `truegate`.
///
/// Sites on one host share their cookies, even if their ports differ, so each site needs its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookieName(CookieName);

impl CookieName {
    /// Takes a name that browsers take.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than 256 bytes, or holds a character that no token has.
    pub fn parse(text: &str) -> Result<Self, CookieNameError> {
        let token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if (1..=256).contains(&text.len()) && token { Ok(Self(text.into())) } else { Err(CookieNameError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SessionCookieName {
    /// Takes the name of a cookie.
    ///
    /// # Errors
    ///
    /// When it is longer than 64 bytes, begins with two underscores as the prefixes that browsers know do, or is not the
    /// name of a cookie.
    pub fn parse(text: &str) -> Result<Self, SessionCookieNameError> {
        let name = CookieName::parse(text).ok().filter(|_| text.len() <= 64 && !text.starts_with("__"));
        name.map(Self).ok_or(SessionCookieNameError)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Default for SessionCookieName {
    fn default() -> Self {
        Self(CookieName("truegate".into()))
    }
}

impl FromStr for CookieName {
    type Err = CookieNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl FromStr for SessionCookieName {
    type Err = SessionCookieNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A text is not the name of a cookie. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 256 letters, digits and the like, without spaces, `=`, `;` or `,`")]
pub struct CookieNameError;

/// A text cannot name truegate's own cookies. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits and the like, and not begin with `__`")]
pub struct SessionCookieNameError;
