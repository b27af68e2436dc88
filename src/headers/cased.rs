//! Header names with the letter case in which they are sent.

use bytes::Bytes;
use http::HeaderName;

/// The name of a header that truegate sets, and its spelling on HTTP/1.1: `X-Truecaller-Phone`, which apps that compare names
/// by letter case expect.
///
/// A name is made once, because its spelling costs more than setting the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CasedName {
    name: HeaderName,
    title_case: Bytes,
}

impl CasedName {
    /// A name that the program knows.
    pub(crate) const fn from_static(lower_case: &'static str, title_case: &'static str) -> Self {
        assert!(lower_case.as_bytes().eq_ignore_ascii_case(title_case.as_bytes()), "both spell one name");
        Self { name: HeaderName::from_static(lower_case), title_case: Bytes::from_static(title_case.as_bytes()) }
    }

    /// The name as HTTP compares it.
    pub(crate) fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The name in lower case.
    pub(crate) fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// The name with a capital letter behind each hyphen.
    pub(crate) fn title_case(&self) -> &Bytes {
        &self.title_case
    }
}

impl From<HeaderName> for CasedName {
    fn from(name: HeaderName) -> Self {
        let mut after_hyphen = true;
        let title = |byte: u8| {
            let titled = if after_hyphen { byte.to_ascii_uppercase() } else { byte };
            after_hyphen = byte == b'-';
            titled
        };
        let title_case = name.as_str().bytes().map(title).collect();
        Self { name, title_case }
    }
}

pub(crate) static AUTHORIZATION: CasedName = CasedName::from_static("authorization", "Authorization");
pub(crate) static CACHE_CONTROL: CasedName = CasedName::from_static("cache-control", "Cache-Control");
pub(crate) static COOKIE: CasedName = CasedName::from_static("cookie", "Cookie");
pub(crate) static SET_COOKIE: CasedName = CasedName::from_static("set-cookie", "Set-Cookie");
pub(crate) static VARY: CasedName = CasedName::from_static("vary", "Vary");
/// The headers that list names, which are set again when a name was taken out of them.
pub(super) static CONNECTION: CasedName = CasedName::from_static("connection", "Connection");
pub(super) static PROXY_CONNECTION: CasedName = CasedName::from_static("proxy-connection", "Proxy-Connection");
pub(super) static TRAILER: CasedName = CasedName::from_static("trailer", "Trailer");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_people_write_them() {
        for (name, titled) in [
            ("x-truecaller-user-id", "X-Truecaller-User-Id"),
            ("remote-user", "Remote-User"),
            ("x--a.b-1c-", "X--A.b-1c-"),
        ] {
            let cased = CasedName::from(HeaderName::from_static(name));
            assert_eq!((cased.name().as_str(), &cased.title_case()[..]), (name, titled.as_bytes()));
        }
    }

    #[test]
    fn the_names_that_the_program_knows_are_written_so_too() {
        for known in
            [&AUTHORIZATION, &CACHE_CONTROL, &COOKIE, &SET_COOKIE, &VARY, &CONNECTION, &PROXY_CONNECTION, &TRAILER]
        {
            assert_eq!(CasedName::from(known.name().clone()).title_case(), known.title_case());
        }
    }
}
