//! Cookies: how those of HTTP/2 become one line, and what an edge carries about the app's own from a request to its response.

use std::sync::Arc;

use http::{HeaderValue, header};

use super::{HeaderTarget, cased};

/// Joins the `Cookie` fields of a request of HTTP/2 to the one line that everything but HTTP/2 expects (RFC 9113 §8.2.3).
pub(crate) fn join_cookies(target: &mut impl HeaderTarget) {
    let crumbs = target.headers().get_all(header::COOKIE);
    if crumbs.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<_> = crumbs.iter().map(HeaderValue::as_bytes).filter(|crumb| !crumb.is_empty()).collect();
    let mut line = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).expect("header values make a header value");
    line.set_sensitive(true);
    target.insert(&cased::COOKIE, line);
}

/// The pairs of a `Cookie` header, as `name=value`, that may go on to the app though they are listed.
///
/// # Security
///
/// They hold the app's sessions, so `Debug` does not show them.
#[derive(Clone, Default)]
pub(crate) struct KeptCookies(Vec<Box<[u8]>>);

/// The user that the cookies of a response belong to.
///
/// # Security
///
/// It names a user, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CookieOwner(Arc<[u8]>);

/// The edits to the app's listed cookies in a request and its response.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamCookieEdits {
    /// Those of the request that go on to the app.
    pub(crate) kept: KeptCookies,
    /// Whom the cookies belong to that the app sets.
    pub(crate) owner: CookieOwner,
    /// The lines that remove the cookies of another user from the browser. The app's own lines come after them.
    pub(crate) expired: Vec<HeaderValue>,
}

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

impl CookieOwner {
    /// A user, by bytes that no other user has. They are empty for a browser without a session.
    pub(crate) fn new(user: impl Into<Arc<[u8]>>) -> Self {
        Self(user.into())
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

redacted!(KeptCookies, CookieOwner);

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn crumbs_become_one_line() {
        for (crumbs, line) in [
            (&[][..], None),
            (&["a=1; b=2"], Some("a=1; b=2")),
            (&["a=1", "b=2", "c=\"3; 4\""], Some("a=1; b=2; c=\"3; 4\"")),
            (&["a=1; b=2", "", "c=3"], Some("a=1; b=2; c=3")),
        ] {
            let mut headers = HeaderMap::new();
            for crumb in crumbs {
                headers.append(header::COOKIE, HeaderValue::from_str(crumb).unwrap());
            }
            join_cookies(&mut headers);
            let lines: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
            assert_eq!(lines, line.into_iter().collect::<Vec<_>>(), "{crumbs:?}");
        }
    }
}
