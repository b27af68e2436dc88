//! The headers that decide how a head is read, found in one walk over the names that came.

use http::HeaderMap;

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
        headers.keys().for_each(|name| present.note(name.as_str()));
        present
    }

    /// Takes note of a name. The first letter of most names is none of these.
    #[inline]
    pub(super) fn note(&mut self, name: &str) {
        if !matches!(name.as_bytes(), [b'c' | b'h' | b'p' | b't' | b'u', ..]) {
            return;
        }
        match name {
            "connection" => self.connection = true,
            "content-length" => self.content_length = true,
            "host" => self.host = true,
            "proxy" => self.proxy = true,
            "proxy-connection" => self.proxy_connection = true,
            "trailer" => self.trailer = true,
            "transfer-encoding" => self.transfer_encoding = true,
            "upgrade" => self.upgrade = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
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
