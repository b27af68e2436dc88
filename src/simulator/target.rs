//! Where callbacks may be posted to.

use std::net::IpAddr;

use http::Uri;

use super::CallError;

/// How far callbacks go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reach {
    /// To this machine.
    #[default]
    Loopback,
    /// To any host.
    Anywhere,
}

/// An `http://` URL within reach. It is sent as it was written.
#[derive(Debug)]
pub(super) struct Target {
    uri: Uri,
    host: String,
    port: u16,
}

impl Target {
    pub(super) fn parse(url: &str, reach: Reach) -> Result<Self, CallError> {
        let uri = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http")).ok_or(CallError::Scheme)?;
        let host = uri.host().ok_or(CallError::Scheme)?.trim_matches(['[', ']']).to_owned();
        if reach == Reach::Loopback && !is_loopback(&host) {
            return Err(CallError::NotLoopback);
        }
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self { uri, host, port })
    }

    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The value of `Host`.
    pub(super) fn authority(&self) -> &str {
        let authority = self.uri.authority().map_or("", http::uri::Authority::as_str);
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    pub(super) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_stay_on_this_machine_unless_told_otherwise() {
        for (url, here, anywhere) in [
            ("http://127.0.0.1:8080/callback?a=b", true, true),
            ("http://localhost/callback", true, true),
            ("http://[::1]:8080/", true, true),
            ("http://user@127.0.0.1/", true, true),
            ("http://127.0.0.1@gateway.example/", false, true),
            ("http://gateway.example/", false, true),
            ("http://192.0.2.1/", false, true),
            ("https://127.0.0.1/", false, false),
            ("127.0.0.1:8080", false, false),
            ("/callback", false, false),
            ("", false, false),
        ] {
            assert_eq!(Target::parse(url, Reach::Loopback).is_ok(), here, "{url}");
            assert_eq!(Target::parse(url, Reach::Anywhere).is_ok(), anywhere, "{url}");
        }
    }

    #[test]
    fn the_path_is_sent_as_it_was_written() {
        let target = Target::parse("http://user@[::1]:8080//a/%2e%2E/b?c", Reach::Loopback).unwrap();
        assert_eq!(
            (target.address(), target.authority(), target.path_and_query()),
            (("::1", 8080), "[::1]:8080", "//a/%2e%2E/b?c")
        );
    }
}
