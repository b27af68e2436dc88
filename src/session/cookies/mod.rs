//! The cookies: how a browser keeps sealed data, and how truegate keeps its cookies from the app.

mod lines;
mod loose;
mod name;
mod same_site;
mod upstream;

use std::time::Duration;

use cookie::Cookie;
use http::HeaderValue;

use self::lines::{pairs, value_of};
pub(crate) use self::{
    lines::{CookieLines, key, named, named_by, set_pair, value, without},
    name::is_cookie_name,
};
pub use self::{
    name::{SessionCookieName, SessionCookieNameError},
    same_site::SameSite,
    upstream::{UpstreamCookie, UpstreamCookieError},
};
use crate::session::PublicUrls;

/// The names and attributes of truegate's cookies, as the scheme of the public URLs allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookies {
    session: Box<str>,
    browser: Box<str>,
    /// The name of the session's cookie if the hosts shared their sessions, or if they did not. It is truegate's as well: a
    /// browser may still have the cookie from before the setting was changed.
    other_session: Box<str>,
    /// The start of the names of companions.
    companion: Box<str>,
    /// What all of these names contain.
    core: Box<str>,
    is_secure: bool,
    /// The domain of the session's cookie, if the hosts share their sessions.
    domain: Option<Box<str>>,
    same_site: SameSite,
}

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCookie {
    /// Holds a session.
    Session,
    /// Names a browser that logs in.
    Browser,
}

/// The values that a request has for one of the cookies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieValue<'a> {
    /// No value.
    Absent,
    /// One value, which is still to be opened.
    One(&'a [u8]),
    /// More than one value. It is unknown which is the browser's own.
    Several,
}

redacted!(CookieValue<'_>);

impl Cookies {
    /// Over HTTPS, `__Host-truegate` and `__Host-truegate-login`, which only this very host can set; over plain HTTP, for
    /// development, `truegate` and `truegate-login`. If the hosts share their sessions, `__Secure-truegate` is for the domain; the
    /// cookie of a login is for its own host even then.
    pub(crate) fn new(name: &SessionCookieName, urls: &PublicUrls) -> Self {
        let is_secure = urls.is_secure();
        let (host, secure) = if is_secure { ("__Host-", "__Secure-") } else { ("", "") };
        let name = name.as_str();
        let (session, other) = if urls.domain().is_some() { (secure, host) } else { (host, secure) };
        Self {
            session: format!("{session}{name}").into(),
            browser: format!("{host}{name}-login").into(),
            other_session: format!("{other}{name}").into(),
            companion: format!("{secure}{name}-of-").into(),
            core: name.into(),
            is_secure,
            domain: urls.domain().map(|domain| domain.as_str().into()),
            same_site: SameSite::default(),
        }
    }

    /// The same cookies with another `SameSite`.
    pub(crate) fn same_site(self, same_site: SameSite) -> Self {
        Self { same_site, ..self }
    }

    /// The name of a cookie.
    pub(crate) fn name(&self, kind: OwnCookie) -> &str {
        match kind {
            OwnCookie::Session => &self.session,
            OwnCookie::Browser => &self.browser,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&*self.session, &*self.browser, &*self.other_session].into_iter()
    }

    /// Returns the values that a request has for a cookie.
    pub(crate) fn find<'a>(&self, kind: OwnCookie, lines: impl Into<CookieLines<'a>>) -> CookieValue<'a> {
        let name = self.name(kind).as_bytes();
        let mut found = CookieValue::Absent;
        for line in lines.into().iter() {
            for value in pairs(line).filter_map(|pair| value_of(pair, name)) {
                if found != CookieValue::Absent {
                    return CookieValue::Several;
                }
                found = CookieValue::One(value);
            }
        }
        found
    }

    /// Returns the values that a request has for the session's cookie, as far as it is worth looking at them.
    pub(crate) fn session_values<'a>(&self, lines: CookieLines<'a>) -> impl Iterator<Item = &'a [u8]> {
        named(lines, self.session.as_bytes()).filter_map(value).take(SESSION_VALUES)
    }

    /// The line that sets a cookie.
    pub(crate) fn set(&self, kind: OwnCookie, value: &str, lifetime: Duration) -> HeaderValue {
        let mut cookie = Cookie::build((self.name(kind), value))
            .path("/")
            .secure(self.is_secure)
            .http_only(true)
            .same_site(self.same_site.of(kind, self.is_secure))
            .max_age(lifetime.try_into().unwrap_or(cookie::time::Duration::MAX));
        if let (OwnCookie::Session, Some(domain)) = (kind, &self.domain) {
            cookie = cookie.domain(&**domain);
        }
        let mut line = HeaderValue::try_from(cookie.build().to_string()).expect("base64url makes a header value");
        line.set_sensitive(true);
        line
    }

    /// The line that clears a cookie: the same attributes, or a browser keeps it.
    pub(crate) fn clear(&self, kind: OwnCookie) -> HeaderValue {
        self.set(kind, "", Duration::ZERO)
    }

    /// The lines that clear the session's cookie after a request for a path of a host.
    ///
    /// Any host of a shared domain can set cookies of the same name beside truegate's: for the domain or a part of it, or for a
    /// path. They would hide the session from then on, so those that the request could have brought are cleared too.
    pub(crate) fn clear_session(&self, host: &str, path: &str) -> Vec<HeaderValue> {
        let mut lines = vec![self.clear(OwnCookie::Session)];
        let Some(shared) = &self.domain else { return lines };
        if self.is_secure {
            let before = format!("{}=; Secure; Path=/; Max-Age=0", self.other_session);
            lines.push(HeaderValue::try_from(before).expect("the name of a cookie makes a header value"));
        }
        let domains = domains(host, shared);
        for path in upstream::prefixes(path, CLEARED_DEPTH) {
            let domains = domains.iter().filter(|domain| path != "/" || **domain != Some(shared));
            lines.extend(domains.map(|domain| {
                let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
                let secure = if self.is_secure { "; Secure" } else { "" };
                let line = format!("{}={secure}; Path={path}{domain}; Max-Age=0", self.session);
                HeaderValue::try_from(line).expect("a name, a path and a domain make a header value")
            }));
        }
        lines
    }

    /// The sealed texts that say whose a cookie of the app's own is.
    pub(crate) fn companions<'a>(&self, name: &str, lines: CookieLines<'a>) -> impl Iterator<Item = &'a [u8]> {
        let name = format!("{}{name}", self.companion);
        named_by(lines, move |key| key == name.as_bytes()).filter_map(value)
    }

    /// The line that sets the companion of a cookie beside the app's own line, with the same attributes, so that a browser
    /// keeps, sends, replaces and forgets both together.
    pub(crate) fn companion(&self, name: &str, sealed: &str, line: &[u8]) -> HeaderValue {
        let attributes = line.iter().position(|byte| *byte == b';').map_or(&[][..], |at| &line[at..]);
        let ours = if self.is_secure { "; HttpOnly; Secure" } else { "; HttpOnly" };
        let pair = format!("{}{name}={sealed}", self.companion);
        let line = [pair.as_bytes(), attributes, ours.as_bytes()].concat();
        let mut line = HeaderValue::from_bytes(&line).expect("the attributes are a part of a header value");
        line.set_sensitive(true);
        line
    }

    /// Whether a pair of a `Cookie` line, or a `Set-Cookie` line, names one of truegate's cookies.
    pub(crate) fn claims(&self, pair: &[u8]) -> bool {
        let key = key(pair);
        let companion = key.get(..self.companion.len());
        self.names().any(|name| key == name.as_bytes() || key.eq_ignore_ascii_case(name.as_bytes()))
            || companion.is_some_and(|start| start.eq_ignore_ascii_case(self.companion.as_bytes()))
    }

    /// Whether truegate, or an app that reads names more loosely, could take a pair of a `Cookie` line for one of truegate's cookies.
    pub(crate) fn are_read_in(&self, pair: &[u8]) -> bool {
        // The session's own cookie has hundreds of bytes, which the looser readings would all look at.
        value_of(pair, self.session.as_bytes()).is_some() || self.are_read_loosely_in(pair)
    }

    fn are_read_loosely_in(&self, pair: &[u8]) -> bool {
        loose::could_be_read_in(pair, self.core.as_bytes())
            && (self.claims(pair)
                || self.names().any(|name| loose::is_read_in(pair, name, false))
                || loose::is_read_in(pair, &self.companion, true))
    }

    /// Whether a `Set-Cookie` line would set one of the cookies.
    pub(crate) fn is_set_by(&self, line: &[u8]) -> bool {
        let pair = pairs(line).next().unwrap_or_default();
        // A browser sends a cookie without a name as its value alone, which would then read as one with a name.
        let nameless = pair.trim_ascii().strip_prefix(b"=");
        self.claims(pair) || nameless.is_some_and(|value| self.claims(value))
    }
}

/// The domains for which a host can set cookies, as far as they are within another one; `None` stands for the host alone.
fn domains<'a>(host: &'a str, within: &str) -> Vec<Option<&'a str>> {
    let ends = host.char_indices().filter(|(_, character)| *character == '.').map(|(at, _)| &host[at + 1..]);
    let parents = std::iter::once(host).chain(ends).filter(|domain| domain.len() >= within.len());
    std::iter::once(None).chain(parents.map(Some)).collect()
}

/// How many cookies of the session's name are looked at.
const SESSION_VALUES: usize = 4;
/// How many segments of a path are looked at when the session's cookie is cleared.
const CLEARED_DEPTH: usize = 3;

#[cfg(test)]
mod tests;
