//! The names that truegate can set or strip.

use http::HeaderName;

/// The reason why a name cannot be that of an identity header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderNameError {
    /// The prefix cannot be that of a namespace.
    #[error("a prefix ends in `-` and must not begin the name of any header that HTTP or proxies use")]
    Prefix,
    /// It is not a token of RFC 9110 §5.6.2, or one that servers confuse with another.
    #[error("a header name has letters, digits and hyphens, and no underscore")]
    NotAName,
    /// HTTP, proxies or sessions depend on it.
    #[error("this header may not be injected: HTTP, proxies or sessions depend on it")]
    Essential,
    /// It is where signed assertions go.
    #[error("this header may not be injected: signed assertions go there")]
    Assertion,
    /// It is where login tickets go.
    #[error("this header may not be injected: login tickets go there")]
    Login,
    /// It is where session tokens are renewed.
    #[error("this header may not be injected: session tokens are renewed there")]
    Token,
    /// It, or another spelling of it, is injected already.
    #[error("the same header is injected twice, or in two spellings")]
    Twice,
    /// It is not a family of headers to strip.
    #[error("a family of headers is the start of their names, a hyphen and `*`")]
    Family,
    /// It cannot be stripped: HTTP, proxies or sessions depend on it.
    #[error("this header may not be stripped: HTTP, proxies or sessions depend on it")]
    Needed,
    /// The family cannot be stripped: HTTP, proxies or sessions depend on a header in it.
    #[error("this family may not be stripped: HTTP, proxies or sessions depend on a header in it")]
    NeededFamily,
}

/// Takes a name that every server reads alike.
pub(super) fn parse(name: &str) -> Result<HeaderName, HeaderNameError> {
    if name.contains('_') {
        return Err(HeaderNameError::NotAName);
    }
    name.parse().map_err(|_| HeaderNameError::NotAName)
}

/// Whether the names with this prefix are a family of their own.
pub(super) fn is_family(start: &str) -> bool {
    start.ends_with('-') && !start.starts_with('-')
}
