//! The cookies: how a browser keeps sealed data, and how truegate keeps its cookies from the app.

mod loose;
mod name;
mod upstream;

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use memchr::memchr;

pub(crate) use self::name::is_cookie_name;
pub use self::{
    name::{SessionCookieName, SessionCookieNameError},
    upstream::{UpstreamCookie, UpstreamCookieError},
};

/// The names and attributes of truegate's cookies, as the public URL's scheme allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookies {
    session: Box<str>,
    browser: Box<str>,
    /// The start of the names of companions.
    companion: Box<str>,
    /// What all of these names contain.
    core: Box<str>,
    is_secure: bool,
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

/// The `Cookie` lines of a request as they came.
#[derive(Clone, Copy)]
pub(crate) struct CookieLines<'a> {
    headers: &'a HeaderMap,
    /// All lines, if an edge has taken some out of the headers; otherwise none.
    withheld: &'a [HeaderValue],
}

impl<'a> CookieLines<'a> {
    pub(crate) fn new(headers: &'a HeaderMap, withheld: &'a [HeaderValue]) -> Self {
        Self { headers, withheld }
    }

    fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.get_all(header::COOKIE).iter().filter(move |_| self.withheld.is_empty());
        headers.chain(self.withheld).map(HeaderValue::as_bytes)
    }
}

impl<'a> From<&'a HeaderMap> for CookieLines<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::new(headers, &[])
    }
}

redacted!(CookieLines<'_>);

impl Cookies {
    /// Over HTTPS, `__Host-truegate` and `__Host-truegate-login`, which only this very host can set; over plain HTTP, for
    /// development, `truegate` and `truegate-login`.
    pub(crate) fn new(name: &SessionCookieName, is_secure: bool) -> Self {
        let (host, secure) = if is_secure { ("__Host-", "__Secure-") } else { ("", "") };
        let name = name.as_str();
        Self {
            session: format!("{host}{name}").into(),
            browser: format!("{host}{name}-login").into(),
            companion: format!("{secure}{name}-of-").into(),
            core: name.into(),
            is_secure,
        }
    }

    /// The name of a cookie.
    pub(crate) fn name(&self, kind: OwnCookie) -> &str {
        match kind {
            OwnCookie::Session => &self.session,
            OwnCookie::Browser => &self.browser,
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&*self.session, &*self.browser].into_iter()
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

    /// The line that sets a cookie.
    pub(crate) fn set(&self, kind: OwnCookie, value: &str, lifetime: Duration) -> HeaderValue {
        let cookie = Cookie::build((self.name(kind), value))
            .path("/")
            .secure(self.is_secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(lifetime.try_into().unwrap_or(cookie::time::Duration::MAX));
        let mut line = HeaderValue::try_from(cookie.build().to_string()).expect("base64url makes a header value");
        line.set_sensitive(true);
        line
    }

    /// The line that clears a cookie: the same attributes, or a browser keeps it.
    pub(crate) fn clear(&self, kind: OwnCookie) -> HeaderValue {
        self.set(kind, "", Duration::ZERO)
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

    /// Whether an app could take a pair of a `Cookie` line for one of truegate's cookies, although truegate does not.
    pub(crate) fn are_read_in(&self, pair: &[u8]) -> bool {
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

/// The pairs of a name in any `Cookie` line.
pub(crate) fn named<'a>(lines: impl Into<CookieLines<'a>>, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    named_by(lines.into(), move |key| key == name)
}

/// The pairs in any `Cookie` line whose names are meant.
pub(crate) fn named_by<'a>(lines: CookieLines<'a>, is_meant: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = &'a [u8]> {
    lines.iter().flat_map(pairs).filter(move |pair| is_meant(key(pair)))
}

/// Returns a `Cookie` line without some of its pairs, and the others byte for byte. It is none if the line had none of them.
///
/// A cookie library would parse the pairs and write them anew: pairs that it cannot parse would be lost, and the others could
/// change. What the app gets must be what the browser sent, less truegate's own.
pub(crate) fn without(line: &[u8], is_dropped: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut rest: Option<Vec<u8>> = None;
    let mut start = 0;
    for pair in pairs(line) {
        match (is_dropped(pair), &mut rest) {
            // What came before it stays, with the semicolons in between.
            (true, None) => rest = Some(line[..start].to_vec()),
            (false, Some(rest)) => {
                rest.extend(pair);
                rest.push(b';');
            }
            (true, Some(_)) | (false, None) => {}
        }
        start += pair.len() + 1;
    }
    let mut rest = rest?;
    rest.truncate(rest.strip_suffix(b";").unwrap_or(&rest).trim_ascii_end().len());
    rest.drain(..rest.len() - rest.trim_ascii_start().len());
    Some(rest)
}

/// The pair of a `Set-Cookie` line: its name and its value.
pub(crate) fn set_pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = pairs(line).next()?;
    Some((key(pair), value(pair)?))
}

/// The pairs of a line. A sealed text is hundreds of bytes long, so they are not looked at one by one.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (pair, others) = match memchr(b';', line) {
            Some(end) => (&line[..end], Some(&line[end + 1..])),
            None => (line, None),
        };
        rest = others;
        Some(pair)
    })
}

/// The name in a pair.
pub(crate) fn key(pair: &[u8]) -> &[u8] {
    pair[..memchr(b'=', pair).unwrap_or(pair.len())].trim_ascii()
}

/// The value in a pair of this name. Most pairs have another, and are told apart by their first letters.
fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii_start().strip_prefix(name)?;
    Some(rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii())
}

/// The value in a pair; none where no `=` is.
pub(crate) fn value(pair: &[u8]) -> Option<&[u8]> {
    let at = memchr(b'=', pair)?;
    Some(pair[at + 1..].trim_ascii())
}

#[cfg(test)]
mod tests;
