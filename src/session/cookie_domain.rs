//! The domain for which a site sets the cookie of a session, so that its hosts share it.

use std::str::FromStr;

use crate::host::is_host_name;

/// The domain of cookies that several hosts share, such as `example.com`.
///
/// Browsers refuse cookies for a public suffix such as `co.uk` or `github.io`, under which anyone can get a name. This type
/// does not know the list of public suffixes: with one of them, no login succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieDomain(Box<str>);

impl CookieDomain {
    /// The name in lower case, without a dot at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host has this name or is below it, so that browsers send it the cookies of the domain.
    pub(super) fn covers(&self, host: &str) -> bool {
        host.strip_suffix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Takes the name of a domain, with at least two labels. Letter case makes no difference. It is an error if the text has only one
/// label, is an IP address, or is not the name of a host as browsers write it.
impl FromStr for CookieDomain {
    type Err = CookieDomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let last = text.rsplit('.').next().unwrap_or_default();
        if !is_host_name(text) || is_number(last) {
            return Err(CookieDomainError::NotADomain);
        }
        if last == text { Err(CookieDomainError::OneLabel) } else { Ok(Self(text.to_ascii_lowercase().into())) }
    }
}

/// The reason why a text cannot be the domain of cookies. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieDomainError {
    /// The text is not the name of a domain.
    #[error("must be the name of a domain alone, without a scheme, a port or a dot at either end")]
    NotADomain,
    /// The text has only one label, so it is a public suffix.
    #[error("must have two labels at least, because browsers keep no cookies for a whole top-level domain")]
    OneLabel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_domain_is_the_name_of_a_domain() {
        for (text, error) in [
            ("", CookieDomainError::NotADomain),
            (".example.com", CookieDomainError::NotADomain),
            ("example.com.", CookieDomainError::NotADomain),
            ("https://example.com", CookieDomainError::NotADomain),
            ("example.com:443", CookieDomainError::NotADomain),
            ("*.example.com", CookieDomainError::NotADomain),
            ("example.com; Secure", CookieDomainError::NotADomain),
            ("b\u{fc}cher.example", CookieDomainError::NotADomain),
            ("192.0.2.1", CookieDomainError::NotADomain),
            ("[::1]", CookieDomainError::NotADomain),
            ("com", CookieDomainError::OneLabel),
            ("localhost", CookieDomainError::OneLabel),
        ] {
            assert_eq!(text.parse::<CookieDomain>(), Err(error), "{text}");
        }
        assert_eq!("Example.COM".parse::<CookieDomain>().unwrap().as_str(), "example.com");
    }
}
