//! The names of cookies: the app's own, and truegate's.

/// The start of the names of truegate's own cookies. Defaults to `truegate`.
///
/// Sites on one host share their cookies, even if their ports differ, so each site needs its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookieName(Box<str>);

impl SessionCookieName {
    /// Takes the name of a cookie.
    ///
    /// # Errors
    ///
    /// When it is longer than 64 bytes, begins with two underscores as the prefixes that browsers know do, or is not the
    /// name of a cookie.
    pub fn parse(text: &str) -> Result<Self, SessionCookieNameError> {
        let is_name = is_cookie_name(text) && text.len() <= 64 && !text.starts_with("__");
        is_name.then(|| Self(text.into())).ok_or(SessionCookieNameError)
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SessionCookieName {
    fn default() -> Self {
        Self("truegate".into())
    }
}

/// A text cannot name truegate's own cookies. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits and the like, and not begin with `__`")]
pub struct SessionCookieNameError;

/// Whether browsers take a name: it is a token of RFC 9110 §5.6.2 of at most 256 bytes.
pub(crate) fn is_cookie_name(text: &str) -> bool {
    let is_token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    (1..=256).contains(&text.len()) && is_token
}
