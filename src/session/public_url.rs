//! The origin of the site, as browsers see it.

use url::{ParseError, Url};

use crate::loopback::is_loopback;

/// The origin of the site, as browsers see it: `https`, or `http` of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Box<str>);

impl PublicUrl {
    /// Takes an origin such as `https://shop.example:8443`. Letter case, the scheme's own port and one slash at the end
    /// make no difference.
    ///
    /// # Errors
    ///
    /// When the text is more than an origin, is not spelled as browsers spell it, or is neither `https` nor `http` to a
    /// loopback host. Names below `localhost` are loopback hosts, because browsers resolve them to this machine.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = Url::parse(text).map_err(PublicUrlError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) || is_below_localhost(&url) => {}
            _ => return Err(PublicUrlError::Scheme),
        }
        let origin = url.origin().ascii_serialization();
        if is_spelled(text, &origin) { Ok(Self(origin.into())) } else { Err(PublicUrlError::NotAnOrigin) }
    }

    /// The origin as browsers write it in `Origin`: lower case, without the scheme's own port.
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Host and port, as browsers write them in `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host, without the port.
    pub(crate) fn host_name(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    /// Whether a `Host` header names the site, in any letter case, with or without the default port.
    pub(crate) fn is_host(&self, host: &[u8]) -> bool {
        let default_port: &[u8] = if self.is_secure() { b":443" } else { b":80" };
        host.strip_suffix(default_port).unwrap_or(host).eq_ignore_ascii_case(self.authority().as_bytes())
    }

    /// Whether browsers use `https`, so that cookies can be `Secure`.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// The reason why a text cannot be the public URL. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// It is not an absolute URL.
    #[error("not an absolute URL")]
    NotAUrl(#[source] ParseError),
    /// It is neither `https` nor `http` to this machine.
    #[error("must be https, or http to a loopback host")]
    Scheme,
    /// It is more than an origin, or is not spelled as browsers spell it.
    #[error("must be scheme, host and port alone, spelled as browsers do")]
    NotAnOrigin,
}

/// Whether a host's name is below `localhost` (RFC 6761 §6.3).
fn is_below_localhost(url: &Url) -> bool {
    url.domain().is_some_and(|name| name.ends_with(".localhost"))
}

/// Whether nothing but an origin was written: a URL parser forgives more than it should.
fn is_spelled(text: &str, origin: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    let is_origin = |text: &str| text.eq_ignore_ascii_case(origin) && !origin.ends_with('.');
    is_origin(text) || text.strip_suffix(default_port).is_some_and(is_origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_the_origin_that_browsers_see() {
        for (text, origin, authority) in [
            ("https://shop.example", "https://shop.example", "shop.example"),
            ("https://shop.example/", "https://shop.example", "shop.example"),
            ("HTTPS://Shop.Example", "https://shop.example", "shop.example"),
            ("https://shop.example:443", "https://shop.example", "shop.example"),
            ("https://shop.example:8443", "https://shop.example:8443", "shop.example:8443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("https://192.0.2.1", "https://192.0.2.1", "192.0.2.1"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("http://localhost:8080", "http://localhost:8080", "localhost:8080"),
            ("http://wiki.localhost:8080", "http://wiki.localhost:8080", "wiki.localhost:8080"),
            ("http://127.0.0.1:80/", "http://127.0.0.1", "127.0.0.1"),
            ("http://127.1.2.3:8080", "http://127.1.2.3:8080", "127.1.2.3:8080"),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.origin(), url.authority()), (origin, authority), "{text}");
            assert_eq!(url.is_secure(), origin.starts_with("https"), "{text}");
        }
    }

    #[test]
    fn the_name_of_a_host_has_no_port() {
        for (text, name) in [
            ("https://shop.example", "shop.example"),
            ("https://shop.example:8443", "shop.example"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().host_name(), name);
        }
    }

    #[test]
    fn nothing_but_an_origin_can_be_public() {
        for (text, error) in [
            ("", PublicUrlError::NotAUrl(ParseError::RelativeUrlWithoutBase)),
            ("shop.example", PublicUrlError::NotAUrl(ParseError::RelativeUrlWithoutBase)),
            ("//shop.example", PublicUrlError::NotAUrl(ParseError::RelativeUrlWithoutBase)),
            ("https://", PublicUrlError::NotAUrl(ParseError::EmptyHost)),
            ("https://shop.example:99999", PublicUrlError::NotAUrl(ParseError::InvalidPort)),
            ("http://shop.example", PublicUrlError::Scheme),
            ("http://localhost.example", PublicUrlError::Scheme),
            ("http://evillocalhost", PublicUrlError::Scheme),
            ("http://127.0.0.1.example", PublicUrlError::Scheme),
            ("http://0.0.0.0:8080", PublicUrlError::Scheme),
            ("ftp://shop.example", PublicUrlError::Scheme),
            ("javascript:alert(1)", PublicUrlError::Scheme),
            ("https://shop.example/app", PublicUrlError::NotAnOrigin),
            ("https://shop.example//", PublicUrlError::NotAnOrigin),
            ("https://shop.example/.", PublicUrlError::NotAnOrigin),
            ("https://shop.example?", PublicUrlError::NotAnOrigin),
            ("https://shop.example#", PublicUrlError::NotAnOrigin),
            ("https://user@shop.example", PublicUrlError::NotAnOrigin),
            ("https://@shop.example", PublicUrlError::NotAnOrigin),
            ("https://shop.example.", PublicUrlError::NotAnOrigin),
            ("https://shop.example:", PublicUrlError::NotAnOrigin),
            ("https://shop.example:0443", PublicUrlError::NotAnOrigin),
            ("https:shop.example", PublicUrlError::NotAnOrigin),
            ("https:\\\\shop.example", PublicUrlError::NotAnOrigin),
            (" https://shop.example", PublicUrlError::NotAnOrigin),
            ("https://shop.example\n", PublicUrlError::NotAnOrigin),
            ("https://127.1", PublicUrlError::NotAnOrigin),
            ("https://b\u{fc}cher.example", PublicUrlError::NotAnOrigin),
            ("https://shop%2eexample", PublicUrlError::NotAnOrigin),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text:?}");
        }
    }
}
