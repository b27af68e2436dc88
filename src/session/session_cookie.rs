//! The cookie of a session: which of a browser's cookies it is, and how it is set and cleared.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};

use super::{carrier::Carrier, handler::Handler};
use crate::session::{
    Session,
    cookies::{CookieLines, CookieValue, OwnCookie},
};

impl Handler<'_> {
    /// The cookie of a browser's session. Any host of a shared domain can set others of the same name, so the one that can be
    /// opened counts, if there is only one.
    pub(super) fn session_cookie<'c>(&self, cookies: CookieLines<'c>) -> CookieValue<'c> {
        let found = self.sessions.cookies.find(OwnCookie::Session, cookies);
        if found != CookieValue::Several || !self.shares_session() {
            return found;
        }
        let is_sealed_here = |sealed: &&[u8]| {
            self.opened_lately(sealed, Carrier::Cookie).is_some() || self.open(sealed, Carrier::Cookie).is_ok()
        };
        let mut own = self.sessions.cookies.session_values(cookies).filter(is_sealed_here);
        match (own.next(), own.next()) {
            (Some(sealed), None) => CookieValue::One(sealed),
            _ => CookieValue::Several,
        }
    }

    pub(super) fn shares_session(&self) -> bool {
        self.sessions.public_urls.domain().is_some()
    }

    /// Drops what is kept of a browser's sessions: they are over.
    pub(super) fn drop_opened(&self, headers: &HeaderMap) {
        self.sessions.cookies.session_values(headers.into()).for_each(|sealed| self.sessions.opened.forget(sealed));
    }

    /// The line that gives a browser its session, on a host that has sessions.
    pub(super) fn cookie(&self, session: &Session, now: SystemTime) -> Option<HeaderValue> {
        let sessions = self.sessions;
        let left = session.time_left(sessions.lifetime, sessions.idle, now).unwrap_or_default();
        let sealed = self.seal(session, Carrier::Cookie)?;
        Some(sessions.cookies.set(OwnCookie::Session, &sealed, left))
    }

    /// The lines that take a browser's session away, after a request for a path.
    pub(super) fn clear_session(&self, path: &str) -> Vec<HeaderValue> {
        self.sessions.cookies.clear_session(self.public_url().host_name(), path)
    }

    /// The lines that take a browser's session away, and what the app remembers of it, after a request for a path.
    pub(super) fn forget<'p>(&'p self, path: &'p str) -> impl Iterator<Item = HeaderValue> + 'p {
        self.clear_session(path).into_iter().chain(self.sessions.expire_cookies(path))
    }
}
