//! The hosts that a rule covers.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::host::is_host_name;

/// The hosts that a rule covers: one host, or every sub-domain of a name.
///
/// `wiki.example` covers this host alone. `*.wiki.example` covers `a.wiki.example` and `a.b.wiki.example`, but not `wiki.example`
/// itself. A host is a name, an IPv4 address, or an IPv6 address in brackets. Letter case makes no difference, and neither does the
/// port or the last dot of the host that a request names. International names are written in punycode: `xn--bcher-kva.example`.
///
/// ```
/// use truegate::access::{Access, HostPattern, Rule, Rules};
///
/// let rules = Rules::from_iter([
///     Rule::new("/".parse()?, Access::Public).host("shop.example".parse()?),
///     Rule::new("/".parse()?, Access::Optional).host("*.shop.example".parse()?),
/// ]);
/// assert_eq!("*.Shop.Example".parse::<HostPattern>()?.to_string(), "*.shop.example");
/// assert!("shop.example:8443".parse::<HostPattern>().is_err());
/// # drop(rules);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case, without the star of a wildcard.
    name: Box<str>,
    scope: HostScope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostScope {
    Exact,
    SubDomains,
}

impl HostPattern {
    /// The host, or the name whose sub-domains are meant.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn scope(&self) -> HostScope {
        self.scope
    }

    /// Whether it covers a host. Requests are looked up in the index, which has to say the same.
    #[cfg(test)]
    pub(super) fn matches(&self, host: &crate::host::Host<'_>) -> bool {
        match self.scope {
            HostScope::Exact => host.as_str() == &*self.name,
            HostScope::SubDomains => is_below(host.as_str(), &self.name),
        }
    }

    /// Whether this pattern covers every host that another pattern covers.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        *self == *other || self.scope == HostScope::SubDomains && is_below(&other.name, &self.name)
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.is_ascii() {
            return Err(HostPatternError::NotAscii);
        }
        if text.contains(['/', '?', '#', '@']) {
            return Err(HostPatternError::Url);
        }
        if text == "*" {
            return Err(HostPatternError::EveryHost);
        }
        let (name, scope) = match text.strip_prefix("*.") {
            Some(name) => (name, HostScope::SubDomains),
            None => (text, HostScope::Exact),
        };
        if name.contains('*') {
            return Err(HostPatternError::Wildcard);
        }
        if let Some(address) = name.strip_prefix('[') {
            return Self::of_address(address, scope);
        }
        if name.contains(':') {
            let is_address = name.parse::<Ipv6Addr>().is_ok();
            return Err(if is_address { HostPatternError::Malformed } else { HostPatternError::Port });
        }
        // A name that ends in a number is an IPv4 address, or none that browsers know (URL Standard §3.5).
        let is_numeric = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        let is_address = scope == HostScope::Exact && name.parse::<Ipv4Addr>().is_ok();
        if !is_host_name(name) || is_numeric && !is_address {
            return Err(HostPatternError::Malformed);
        }
        Ok(Self { name: name.to_ascii_lowercase().into(), scope })
    }
}

impl HostPattern {
    /// Takes an IPv6 address behind its first bracket, in the spelling of browsers.
    fn of_address(text: &str, scope: HostScope) -> Result<Self, HostPatternError> {
        let (address, rest) = text.split_once(']').ok_or(HostPatternError::Malformed)?;
        if rest.starts_with(':') {
            return Err(HostPatternError::Port);
        }
        match address.parse::<Ipv6Addr>() {
            Ok(address) if rest.is_empty() && scope == HostScope::Exact => {
                Ok(Self { name: format!("[{address}]").into(), scope })
            }
            _ => Err(HostPatternError::Malformed),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.scope == HostScope::SubDomains { "*." } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

/// The reason why a text cannot be a pattern. The error does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostPatternError {
    /// It is a URL, or a part of one.
    #[error("must be a host alone, without `https://`, path and user")]
    Url,
    /// It names a port.
    #[error("must not name a port: a rule is for all ports of its host")]
    Port,
    /// It is `*`, which a rule without a host is for.
    #[error("must not be `*`: leave out the host, and the rule is for every host")]
    EveryHost,
    /// It holds a star that is not the first of its labels.
    #[error("must hold `*` only as its first label, as in `*.example.com`")]
    Wildcard,
    /// It holds characters beyond ASCII.
    #[error("must be ASCII: international names are written in punycode, as `xn--bcher-kva.example`")]
    NotAscii,
    /// It is not a name, an IPv4 address or an IPv6 address in brackets, or it ends in a dot.
    #[error("not a host: a name or an address, with IPv6 in brackets and without a dot at its end")]
    Malformed,
}

/// Whether a host is a sub-domain of a name, at any depth.
fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_covers_one_host_or_the_sub_domains_of_a_name() {
        for (text, host, covered) in [
            ("wiki.example", "wiki.example", true),
            ("Wiki.EXAMPLE", "wiki.example", true),
            ("wiki.example", "WIKI.example.:8443", true),
            ("wiki.example", "a.wiki.example", false),
            ("wiki.example", "wiki.example.evil", false),
            ("wiki.example", "evilwiki.example", false),
            ("*.wiki.example", "a.wiki.example", true),
            ("*.wiki.example", "A.b.Wiki.example", true),
            ("*.wiki.example", "wiki.example", false),
            ("*.wiki.example", "evilwiki.example", false),
            ("*.wiki.example", "a.wiki.example.evil", false),
            ("*.wiki.example", "awiki.example", false),
            ("*.localhost", "a.localhost:80", true),
            ("127.0.0.1", "127.0.0.1:8080", true),
            ("[::1]", "[::1]:8080", true),
            ("[0:0::1]", "[::1]", true),
            ("[2001:DB8::A]", "[2001:db8::a]", true),
        ] {
            let host = Host::parse(host.as_bytes()).unwrap();
            assert_eq!(pattern(text).matches(&host), covered, "{text} {host:?}");
        }
    }

    #[test]
    fn a_wildcard_covers_the_patterns_below_it() {
        for (one, other, covered) in [
            ("wiki.example", "WIKI.example", true),
            ("wiki.example", "*.wiki.example", false),
            ("*.wiki.example", "wiki.example", false),
            ("*.wiki.example", "*.wiki.example", true),
            ("*.wiki.example", "*.a.wiki.example", true),
            ("*.wiki.example", "a.wiki.example", true),
            ("*.a.wiki.example", "*.wiki.example", false),
            ("*.wiki.example", "evilwiki.example", false),
        ] {
            assert_eq!(pattern(one).covers(&pattern(other)), covered, "{one} {other}");
        }
    }

    #[test]
    fn what_is_not_a_host_cannot_be_a_pattern() {
        let (long_label, long_name) = ("a".repeat(64), "a.".repeat(127) + "b");
        for (text, error) in [
            ("", HostPatternError::Malformed),
            ("*", HostPatternError::EveryHost),
            ("*.", HostPatternError::Malformed),
            ("*.*", HostPatternError::Wildcard),
            ("**.example", HostPatternError::Wildcard),
            ("*wiki.example", HostPatternError::Wildcard),
            ("a.*.example", HostPatternError::Wildcard),
            ("a.*", HostPatternError::Wildcard),
            ("wiki.example:443", HostPatternError::Port),
            ("*.wiki.example:443", HostPatternError::Port),
            ("[::1]:443", HostPatternError::Port),
            ("https://wiki.example", HostPatternError::Url),
            ("wiki.example/", HostPatternError::Url),
            ("me@wiki.example", HostPatternError::Url),
            ("wiki.example.", HostPatternError::Malformed),
            (".wiki.example", HostPatternError::Malformed),
            ("wiki..example", HostPatternError::Malformed),
            ("wiki example", HostPatternError::Malformed),
            ("wiki%2eexample", HostPatternError::Malformed),
            ("b\u{fc}cher.example", HostPatternError::NotAscii),
            ("::1", HostPatternError::Malformed),
            ("[::1", HostPatternError::Malformed),
            ("[wiki]", HostPatternError::Malformed),
            ("*.[::1]", HostPatternError::Malformed),
            ("127.1", HostPatternError::Malformed),
            ("256.0.0.1", HostPatternError::Malformed),
            ("*.0.0.1", HostPatternError::Malformed),
            (&long_label, HostPatternError::Malformed),
            (&long_name, HostPatternError::Malformed),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(error), "{text}");
        }
    }
}
