//! The headers that decide how a head is read, found in one walk over the names that came.

use http::{HeaderMap, HeaderName, header};

use super::cased;

/// Which of the headers that truegate looks at in every head are there.
///
/// Most heads have one or two of them. A walk over all names costs less than looking up a single name that is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) connection: bool,
    pub(crate) content_length: bool,
    pub(crate) host: bool,
    pub(crate) proxy: bool,
    pub(crate) proxy_connection: bool,
    pub(crate) trailer: bool,
    pub(crate) transfer_encoding: bool,
    pub(crate) upgrade: bool,
}

impl Present {
    /// Walks over the names of a head.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut present = Self::default();
        headers.keys().for_each(|name| present.note(name));
        present
    }

    /// Takes note of a name.
    #[inline]
    pub(super) fn note(&mut self, name: &HeaderName) {
        match *name {
            header::CONNECTION => self.connection = true,
            header::CONTENT_LENGTH => self.content_length = true,
            header::HOST => self.host = true,
            header::TRAILER => self.trailer = true,
            header::TRANSFER_ENCODING => self.transfer_encoding = true,
            header::UPGRADE => self.upgrade = true,
            _ if *name == PROXY => self.proxy = true,
            _ if name == cased::PROXY_CONNECTION.name() => self.proxy_connection = true,
            _ => {}
        }
    }
}

/// CGI turns it into the variable `HTTP_PROXY`, so that a client could choose the app's proxy.
pub(super) static PROXY: HeaderName = HeaderName::from_static("proxy");

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    const NAMES: [&str; 14] = [
        "connection", "content-length", "host", "proxy", "proxy-connection", "trailer", "transfer-encoding", "upgrade",
        "accept", "te", "proxy-authorization", "proxy_connection", "x-proxy", "trailers",
    ];

    proptest! {
        #[test]
        fn a_walk_finds_what_looking_each_name_up_would_find(names in vec(select(&NAMES[..]), 0..9)) {
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(""));
            }
            prop_assert_eq!(Present::of(&headers), Present {
                connection: headers.contains_key("connection"),
                content_length: headers.contains_key("content-length"),
                host: headers.contains_key("host"),
                proxy: headers.contains_key("proxy"),
                proxy_connection: headers.contains_key("proxy-connection"),
                trailer: headers.contains_key("trailer"),
                transfer_encoding: headers.contains_key("transfer-encoding"),
                upgrade: headers.contains_key("upgrade"),
            });
        }
    }
}
