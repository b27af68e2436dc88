//! The cookies: how a browser is told to keep what was sealed, and how it is kept from everyone else.

use std::{str::FromStr, time::Duration};

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// The names and attributes of truegate's cookies, as the public URL's scheme allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// `__Host-truegate` and `__Host-truegate-login`: only this very host can set them, over HTTPS.
    Secure,
    /// `truegate` and `truegate-login`, for development over plain HTTP.
    Plain,
}

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holds a session.
    Session,
    /// Names a browser that logs in.
    Browser,
}

/// What a request says by one of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Absent,
    /// One value, which is still to be opened.
    One(&'a [u8]),
    /// More than one, and nobody can tell which is the browser's own.
    Several,
}

impl Cookies {
    /// The name of a cookie.
    pub fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Secure, Kind::Session) => "__Host-truegate",
            (Self::Secure, Kind::Browser) => "__Host-truegate-login",
            (Self::Plain, Kind::Session) => "truegate",
            (Self::Plain, Kind::Browser) => "truegate-login",
        }
    }

    /// What a request says by a cookie.
    pub fn find(self, kind: Kind, headers: &HeaderMap) -> Value<'_> {
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
    pub fn set(self, kind: Kind, sealed: &str, lifetime: Duration) -> HeaderValue {
        self.line(kind, sealed, lifetime)
    }

    /// The line that clears a cookie: the same attributes, or a browser keeps it.
    pub fn clear(self, kind: Kind) -> HeaderValue {
        self.line(kind, "", Duration::ZERO)
    }

    /// Whether a pair of a `Cookie` line, or a `Set-Cookie` line, names one of the cookies.
    fn claims(self, pair: &[u8]) -> bool {
        [Kind::Session, Kind::Browser].iter().any(|kind| key(pair).eq_ignore_ascii_case(self.name(*kind).as_bytes()))
    }

    /// A `Cookie` line without truegate's own pairs, the others byte for byte; none if it had none of them.
    pub fn without_ours(self, line: &[u8]) -> Option<Vec<u8>> {
        if !pairs(line).any(|pair| self.claims(pair)) {
            return None;
        }
        let others: Vec<_> = pairs(line).filter(|pair| !self.claims(pair)).collect();
        Some(others.join(&b';').trim_ascii().to_vec())
    }

    /// Whether a `Set-Cookie` line would set one of the cookies.
    pub fn is_set_by(self, line: &[u8]) -> bool {
        self.claims(pairs(line).next().unwrap_or_default())
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
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_in_any_line_and_only_once() {
        for (lines, found) in [
            (&[][..], Value::Absent),
            (&["a=1"], Value::Absent),
            (&["__host-truegate=x"], Value::Absent),
            (&["truegate=x; __Host-truegate-login=y"], Value::Absent),
            (&["__Host-truegate"], Value::Absent),
            (&["__Host-truegate=x"], Value::One(b"x")),
            (&["a=1;__Host-truegate=x"], Value::One(b"x")),
            (&["a=1", "b=2;\t__Host-truegate = x ;c=3"], Value::One(b"x")),
            (&["__Host-truegate=a=b"], Value::One(b"a=b")),
            (&["__Host-truegate=\"x\""], Value::One(b"\"x\"")),
            (&["__Host-truegate="], Value::One(b"")),
            (&["__Host-truegate=x; __Host-truegate=x"], Value::Several),
            (&["__Host-truegate=x", "__Host-truegate=y"], Value::Several),
        ] {
            assert_eq!(Cookies::Secure.find(Kind::Session, &headers(lines)), found, "{lines:?}");
        }
    }

    #[test]
    fn ours_are_taken_out_and_the_others_stay_byte_for_byte() {
        for (line, rest) in [
            ("a=1; b=2", None),
            ("", None),
            ("truegate=x", None),
            ("__Host-truegate=x", Some("")),
            ("__Host-truegate=x;", Some("")),
            ("a=1;__Host-truegate=x", Some("a=1")),
            ("__Host-truegate=x; a=1", Some("a=1")),
            ("a=1; __Host-truegate=x; b=\"2 3\";c", Some("a=1; b=\"2 3\";c")),
            ("a=1;__Host-truegate-login=x ;\tb=2", Some("a=1;\tb=2")),
            ("a=1; __HOST-Truegate=x", Some("a=1")),
            ("a=1; __Host-truegate", Some("a=1")),
            ("a=\"1; __Host-truegate=x; 2\"", Some("a=\"1; 2\"")),
        ] {
            let stripped = Cookies::Secure.without_ours(line.as_bytes());
            assert_eq!(stripped.as_deref(), rest.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn what_sets_ours_is_known_by_its_name() {
        for (line, ours) in [
            ("__Host-truegate=evil; Path=/; Secure", true),
            ("\t__host-TRUEGATE-login =; Secure", true),
            ("__Host-truegate", true),
            ("a=__Host-truegate=x", false),
            ("truegate2=x", false),
            ("", false),
        ] {
            assert_eq!(Cookies::Secure.is_set_by(line.as_bytes()), ours, "{line}");
        }
    }

    #[test]
    fn clearing_says_what_setting_said() {
        let set = Cookies::Secure.set(Kind::Session, "sealed", Duration::from_hours(2));
        assert!(set.is_sensitive());
        assert_eq!(set, "__Host-truegate=sealed; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7200");
        assert_eq!(
            Cookies::Secure.clear(Kind::Session),
            "__Host-truegate=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
        let plain = Cookies::Plain.set(Kind::Browser, "sealed", Duration::from_mins(3));
        assert_eq!(plain, "truegate-login=sealed; HttpOnly; SameSite=Lax; Path=/; Max-Age=180");
    }

    #[test]
    fn an_apps_cookie_is_forgotten_by_its_name() {
        let expired = |name: &str| CookieName::parse(name).map(|name| name.expired());
        assert_eq!(expired("PHPSESSID").unwrap(), "PHPSESSID=; Path=/; Max-Age=0");
        assert_eq!(expired("__Secure-app").unwrap(), "__Secure-app=; Secure; Path=/; Max-Age=0");
        for name in ["", "a b", "a=b", "a;b", "a\r\nb", "नाम", &"a".repeat(257)] {
            assert!(expired(name).is_err(), "{name}");
        }
    }
}
