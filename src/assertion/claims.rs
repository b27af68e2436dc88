//! The claims of an assertion (RFC 7519 §4.1, and the names of OpenID Connect Core §5.1 for the user).

use serde::Serialize;

use crate::{identity::Identity, profile::Profile};

/// The claims of one assertion; what the profile lacks is left out.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    phone_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
}

/// What an assertion says of itself; times are in seconds since the Unix epoch.
pub(super) struct Frame<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) issued: u64,
    pub(super) expires: u64,
    pub(super) id: &'a str,
}

impl<'a> Claims<'a> {
    pub(super) fn of(identity: &'a Identity, frame: &Frame<'a>) -> Self {
        let profile = identity.profile();
        Self {
            iss: frame.issuer,
            aud: frame.audience,
            sub: subject(profile),
            iat: frame.issued,
            exp: frame.expires,
            jti: frame.id,
            phone_number: profile.phone.as_str(),
            name: profile.name().map(|name| cut(&name).to_owned()),
            given_name: profile.given_name.as_deref().map(cut),
            family_name: profile.family_name.as_deref().map(cut),
        }
    }
}

/// The name of an issuer or of an audience: a URL, or any other text that both sides agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Box<str>);

impl Principal {
    /// Takes a name as it will be compared: byte for byte.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than 1024 bytes, has white space at an end or holds a control character.
    pub fn parse(text: &str) -> Result<Self, PrincipalError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(PrincipalError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(PrincipalError::Character);
        }
        Ok(Self(text.into()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The reason why a text is not a valid issuer or audience. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalError {
    /// It is empty, or longer than 1024 bytes.
    #[error("must have at least one character and at most 1024 bytes")]
    Length,
    /// It holds what nobody sees, and so compares wrong.
    #[error("must have no control character, and no white space at its ends")]
    Character,
}

/// The user id; the phone where there is none, or one that no verifier must take (OpenID Connect Core §2).
fn subject(profile: &Profile) -> &str {
    let user_id = profile.user_id.as_deref().filter(|id| id.len() <= SUBJECT_LIMIT);
    user_id.unwrap_or(profile.phone.as_str())
}

/// Servers refuse large headers, and a user chooses how long a name is.
fn cut(name: &str) -> &str {
    name[..name.floor_char_boundary(NAME_LIMIT)].trim_end()
}

const MAX_LENGTH: usize = 1024;
const SUBJECT_LIMIT: usize = 255;
const NAME_LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_text_that_people_can_compare() {
        for text in ["https://shop.example", "shop-backend", "urn:shop:1", "दुकान", "a shop"] {
            assert_eq!(Principal::parse(text).unwrap().as_str(), text);
        }
        for (text, error) in [
            ("", PrincipalError::Length),
            (&"a".repeat(1025), PrincipalError::Length),
            ("a\nb", PrincipalError::Character),
            ("a\0", PrincipalError::Character),
            ("a\u{85}b", PrincipalError::Character),
            (" a", PrincipalError::Character),
            ("a\n", PrincipalError::Character),
        ] {
            assert_eq!(Principal::parse(text), Err(error), "{text:?}");
        }
    }
}
