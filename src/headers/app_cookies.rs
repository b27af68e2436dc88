//! What an edge carries about the app's own cookies, from the request to its response.

use std::{fmt, sync::Arc};

use http::HeaderValue;

/// The pairs of a `Cookie` header, as `name=value`, that may go on to the app though they are listed.
///
/// # Security
///
/// They hold the app's sessions, so `Debug` does not show them.
#[derive(Clone, Default)]
pub(crate) struct KeptCookies(Vec<Box<[u8]>>);

/// Whose the cookies are that the app sets in a response.
///
/// # Security
///
/// It names a user, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know users"))]
pub(crate) struct CookieOwner(Arc<[u8]>);

/// What is done to the app's cookies in a response.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know users"))]
pub(crate) struct AppCookies {
    /// Who gets what the app sets.
    pub(crate) owner: CookieOwner,
    /// The lines that make the browser forget what was somebody else's; the app's own lines come after them.
    pub(crate) expired: Vec<HeaderValue>,
}

#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know users"))]
impl KeptCookies {
    /// Adds a pair.
    pub(crate) fn keep(&mut self, pair: &[u8]) {
        self.0.push(pair.trim_ascii().into());
    }

    /// Whether a pair is one of them.
    pub(crate) fn has(&self, pair: &[u8]) -> bool {
        self.0.iter().any(|kept| **kept == *pair.trim_ascii())
    }
}

#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions know users"))]
impl CookieOwner {
    /// A user, by bytes that no other user has; none for browsers that nobody knows.
    pub(crate) fn new(user: impl Into<Arc<[u8]>>) -> Self {
        Self(user.into())
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeptCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptCookies(redacted)")
    }
}

impl fmt::Debug for CookieOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieOwner(redacted)")
    }
}
