//! The cookies: how a browser is told to keep what was sealed, and how it is kept from everyone else.

mod name;

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

pub use self::name::{CookieName, CookieNameError};

/// The names and attributes of truegate's cookies, as the public URL's scheme allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// `__Host-truegate` and `__Host-truegate-login`: only this very host can set them, over HTTPS.
    Secure,
    /// `truegate` and `truegate-login`, for development over plain HTTP.
    Plain,
}

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Holds a session.
    Session,
    /// Names a browser that logs in.
    Browser,
}

/// What a request says by one of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Absent,
    /// One value, which is still to be opened.
    One(&'a [u8]),
    /// More than one, and nobody can tell which is the browser's own.
    Several,
}

impl Cookies {
    /// The name of a cookie.
    pub(crate) fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Secure, Kind::Session) => "__Host-truegate",
            (Self::Secure, Kind::Browser) => "__Host-truegate-login",
            (Self::Plain, Kind::Session) => "truegate",
            (Self::Plain, Kind::Browser) => "truegate-login",
        }
    }

    /// What a request says by a cookie.
    pub(crate) fn find(self, kind: Kind, headers: &HeaderMap) -> Value<'_> {
        let name = self.name(kind).as_bytes();
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let mut values = lines.flat_map(pairs).filter_map(|pair| Some((key(pair), value(pair)?)));
        let mut ours = values.by_ref().filter(|(key, _)| *key == name).map(|(_, value)| value);
        match (ours.next(), ours.next()) {
            (None, _) => Value::Absent,
            (Some(value), None) => Value::One(value),
            (Some(_), Some(_)) => Value::Several,
        }
    }

    /// The line that sets a cookie.
    pub(crate) fn set(self, kind: Kind, sealed: &str, lifetime: Duration) -> HeaderValue {
        self.line(kind, sealed, lifetime)
    }

    /// The line that clears a cookie: the same attributes, or a browser keeps it.
    pub(crate) fn clear(self, kind: Kind) -> HeaderValue {
        self.line(kind, "", Duration::ZERO)
    }

    /// Whether a pair of a `Cookie` line, or a `Set-Cookie` line, names one of the cookies.
    fn claims(self, pair: &[u8]) -> bool {
        [Kind::Session, Kind::Browser].iter().any(|kind| key(pair).eq_ignore_ascii_case(self.name(*kind).as_bytes()))
    }

    /// A `Cookie` line without truegate's own pairs, the others byte for byte; none if it had none of them.
    pub(crate) fn without_ours(self, line: &[u8]) -> Option<Vec<u8>> {
        if !pairs(line).any(|pair| self.claims(pair)) {
            return None;
        }
        let others: Vec<_> = pairs(line).filter(|pair| !self.claims(pair)).collect();
        Some(others.join(&b';').trim_ascii().to_vec())
    }

    /// Whether a `Set-Cookie` line would set one of the cookies.
    pub(crate) fn is_set_by(self, line: &[u8]) -> bool {
        let pair = pairs(line).next().unwrap_or_default();
        // A browser sends a cookie without a name as its value alone, which would then read as one with a name.
        let nameless = pair.trim_ascii().strip_prefix(b"=");
        self.claims(pair) || nameless.is_some_and(|value| self.claims(value))
    }

    fn line(self, kind: Kind, value: &str, lifetime: Duration) -> HeaderValue {
        let cookie = Cookie::build((self.name(kind), value))
            .path("/")
            .secure(self == Self::Secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(lifetime.try_into().unwrap_or(cookie::time::Duration::MAX));
        let mut line = HeaderValue::try_from(cookie.build().to_string()).expect("base64url makes a header value");
        line.set_sensitive(true);
        line
    }
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
}

fn key(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

fn value(pair: &[u8]) -> Option<&[u8]> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    Some(pair[at + 1..].trim_ascii())
}

#[cfg(test)]
mod tests;
