//! Deep links, read as the app does.

use super::html::pairs;

/// What the page needs of a deep link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) nonce: String,
    pub(super) partner: String,
    pub(super) lang: String,
}

/// Why the app would lose a login.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkError {
    #[error("The link has no requestNonce, so nobody could tell whose login this is. Is the & before it missing?")]
    Nonce,
    #[error("The link has no type=btmsheet, so the app would not know what to show.")]
    Type,
    #[error("The link has no partnerKey, so Truecaller would not know the site.")]
    Partner,
}

impl Link {
    pub(super) fn parse(query: &str) -> Result<Self, LinkError> {
        let parameters = pairs(query);
        let given = |name: &str| {
            parameters.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.clone())
        };
        let nonce = given("requestNonce").ok_or(LinkError::Nonce)?;
        given("type").filter(|kind| kind == "btmsheet").ok_or(LinkError::Type)?;
        let key = given("partnerKey").ok_or(LinkError::Partner)?;
        Ok(Self { nonce, partner: given("partnerName").unwrap_or(key), lang: given("lang").unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_the_app_reads_it() {
        let link = Link::parse(
            "type=btmsheet&requestNonce=n%2Bn%3D&partnerKey=k&partnerName=A%26B%20%231%20%E0%A4%A6%E0%A5%81&lang=hi",
        );
        assert_eq!(link, Ok(Link { nonce: "n+n=".to_owned(), partner: "A&B #1 दु".to_owned(), lang: "hi".to_owned() }));
    }

    #[test]
    fn a_link_that_the_app_would_lose_is_an_error() {
        for (query, error) in [
            ("", LinkError::Nonce),
            ("type=btmsheetrequestNonce=abcdefgh&partnerKey=k&partnerName=A", LinkError::Nonce),
            ("type=btmsheet&requestNonce=&partnerKey=k", LinkError::Nonce),
            ("type=btmsheet&requestnonce=abcdefgh&partnerKey=k", LinkError::Nonce),
            ("type=btmsheet&amp;requestNonce=abcdefgh&partnerKey=k", LinkError::Nonce),
            ("requestNonce=abcdefgh&partnerKey=k", LinkError::Type),
            ("type=btmsheet&requestNonce=abcdefgh&partnerName=A", LinkError::Partner),
        ] {
            assert_eq!(Link::parse(query), Err(error), "{query}");
        }
    }
}
