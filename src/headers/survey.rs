//! The survey of a head: one walk over its lines finds those that decide how it is read, and what might have to be stripped.

use http::{HeaderMap, HeaderValue};

use super::{HeaderNames, NameSet, namespace::tokens};

/// The lines that truegate looks at in every head.
///
/// A walk over all lines costs less than looking two names up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeaderSurvey<'a> {
    pub(crate) connection: Lines<'a>,
    pub(crate) content_length: Lines<'a>,
    pub(crate) host: Lines<'a>,
    pub(crate) transfer_encoding: Lines<'a>,
    pub(crate) suspects: Suspects,
}

/// The lines with one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Lines<'a> {
    #[default]
    None,
    One(&'a HeaderValue),
    Several,
}

/// What might have to be stripped of a head. By default there is nothing, as in nearly every head.
///
/// # Security
///
/// They count only for the head that was surveyed, without headers that were added afterwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Suspects {
    /// `Connection`, unless it lists no name of the namespace.
    pub(super) connection: bool,
    pub(super) proxy: bool,
    pub(super) proxy_connection: bool,
    /// A name of the namespace.
    pub(super) reserved: bool,
    pub(super) trailer: bool,
    pub(super) upgrade: bool,
}

impl HeaderNames {
    /// Walks over the lines of a head.
    pub(crate) fn survey<'a>(&self, headers: &'a HeaderMap) -> HeaderSurvey<'a> {
        let mut survey = HeaderSurvey::default();
        for (name, value) in headers {
            let name = name.as_str().as_bytes();
            if self.is_looked_at(name) {
                survey.note(name, value);
                survey.suspects.reserved |= self.is_reserved(name);
            }
        }
        if let Lines::One(line) = survey.connection {
            survey.suspects.connection = self.is_listed(line);
        }
        survey
    }

    /// Walks over the names alone.
    pub(crate) fn suspects(&self, headers: &HeaderMap) -> Suspects {
        let mut suspects = Suspects::default();
        for name in headers.keys() {
            let name = name.as_str().as_bytes();
            if self.is_looked_at(name) {
                suspects.note(name);
                suspects.reserved |= self.is_reserved(name);
            }
        }
        suspects
    }

    /// Whether a list has a name of the namespace.
    fn is_listed(&self, list: &HeaderValue) -> bool {
        let starts = self.closed.starts();
        let may_be = list.as_bytes().iter().any(|byte| starts[usize::from(*byte)]);
        may_be && tokens(list).any(|token| self.is_reserved(token.trim_ascii()))
    }

    /// Tells most names apart from those that a survey looks at.
    #[inline]
    fn is_looked_at(&self, name: &[u8]) -> bool {
        name.first().is_some_and(|first| self.first_bytes[usize::from(*first)])
    }
}

/// The bytes with which the names start that a survey looks at.
pub(super) fn first_bytes(closed: &NameSet) -> [bool; 256] {
    let mut first_bytes = *closed.starts();
    NOTED.iter().for_each(|name| first_bytes[usize::from(name.as_bytes()[0])] = true);
    first_bytes
}

const NOTED: [&str; 8] =
    ["connection", "content-length", "host", "proxy", "proxy-connection", "trailer", "transfer-encoding", "upgrade"];

impl<'a> HeaderSurvey<'a> {
    #[inline]
    fn note(&mut self, name: &[u8], value: &'a HeaderValue) {
        match name {
            b"connection" => self.connection.add(value),
            b"content-length" => self.content_length.add(value),
            b"host" => self.host.add(value),
            b"transfer-encoding" => self.transfer_encoding.add(value),
            _ => return self.suspects.note(name),
        }
        // Several lines are looked through when they are stripped.
        self.suspects.connection = matches!(self.connection, Lines::Several);
    }
}

impl Suspects {
    #[inline]
    fn note(&mut self, name: &[u8]) {
        match name {
            b"connection" => self.connection = true,
            b"proxy" => self.proxy = true,
            b"proxy-connection" => self.proxy_connection = true,
            b"trailer" => self.trailer = true,
            b"upgrade" => self.upgrade = true,
            _ => {}
        }
    }
}

impl<'a> Lines<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = if matches!(self, Self::None) { Self::One(value) } else { Self::Several };
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    const NAMES: [&str; 16] = [
        "connection", "content-length", "host", "proxy", "proxy-connection", "trailer", "transfer-encoding", "upgrade",
        "accept", "te", "proxy-authorization", "proxy_connection", "x-proxy", "trailers", "x-truecaller-phone",
        "x_truecaller",
    ];

    const VALUES: [&str; 4] = ["", "close", "a, X_Truecaller_Phone", "x-truecaller"];

    fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Lines<'a> {
        let mut lines = headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Lines::None,
            (Some(line), None) => Lines::One(line),
            (Some(_), Some(_)) => Lines::Several,
        }
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_looking_each_name_up_would_find(
            lines_in in vec((select(&NAMES[..]), select(&VALUES[..])), 0..9),
        ) {
            let names = HeaderNames::default();
            let mut headers = HeaderMap::new();
            for (name, value) in lines_in {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let connection = lines(&headers, "connection");
            let is_reserved_in = |line: &HeaderValue| line.to_str().unwrap().split(',').any(|token| names.is_reserved(token.trim()));
            let survey = names.survey(&headers);
            prop_assert_eq!(names.suspects(&headers), Suspects { connection: connection != Lines::None, ..survey.suspects });
            prop_assert_eq!(survey, HeaderSurvey {
                connection,
                content_length: lines(&headers, "content-length"),
                host: lines(&headers, "host"),
                transfer_encoding: lines(&headers, "transfer-encoding"),
                suspects: Suspects {
                    connection: match connection {
                        Lines::One(line) => is_reserved_in(line),
                        other => other == Lines::Several,
                    },
                    proxy: headers.contains_key("proxy"),
                    proxy_connection: headers.contains_key("proxy-connection"),
                    reserved: headers.contains_key("x-truecaller-phone"),
                    trailer: headers.contains_key("trailer"),
                    upgrade: headers.contains_key("upgrade"),
                },
            });
        }
    }
}
