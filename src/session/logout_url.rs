//! The page to which a browser goes after a logout.

use url::Url;

use super::ReturnPath;

/// The page after a logout: a path of this site, or an `https` URL of another site, such as the logout page of an identity
/// provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutUrl(Target);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Path(ReturnPath),
    Elsewhere(Url),
}

impl LogoutUrl {
    /// Takes a path by the rules of [`ReturnPath::parse`], or an `https` URL without a user.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return ReturnPath::parse(text).map(|path| Self(Target::Path(path)));
        }
        let url = Url::parse(text).ok()?;
        let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        is_plain.then_some(Self(Target::Elsewhere(url)))
    }

    /// The path or the URL, as `Location` carries it.
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Target::Path(path) => path.as_str(),
            Target::Elsewhere(url) => url.as_str(),
        }
    }

    /// The origin, if it is another site.
    pub(crate) fn origin(&self) -> Option<String> {
        match &self.0 {
            Target::Path(_) => None,
            Target::Elsewhere(url) => Some(url.origin().ascii_serialization()),
        }
    }
}

impl Default for LogoutUrl {
    /// The root of this site.
    fn default() -> Self {
        Self(Target::Path(ReturnPath::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_leads_to_a_path_or_to_https() {
        for (text, target, origin) in [
            ("/", "/", None),
            ("/bye?a=b", "/bye?a=b", None),
            ("https://id.example/end?a", "https://id.example/end?a", Some("https://id.example")),
            ("https://id.example", "https://id.example/", Some("https://id.example")),
        ] {
            let url = LogoutUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.origin().as_deref()), (target, origin), "{text}");
        }
        for text in
            ["", "bye", "//evil.example", "http://id.example/", "https://user@id.example/", "javascript:alert(1)"]
        {
            assert_eq!(LogoutUrl::parse(text), None, "{text}");
        }
    }
}
