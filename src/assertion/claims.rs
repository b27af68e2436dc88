//! The claims of an assertion (RFC 7519 §4.1, and the names of OpenID Connect Core §5.1 for the user).

use std::{
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::Assertions;
use crate::{identity::Identity, profile::Profile};

/// The claims of one assertion. A claim that the profile has no value for is left out.
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    phone_number: &'a str,
    /// The verification method alone (RFC 8176 §1).
    amr: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
}

impl<'a> Claims<'a> {
    /// The claims of an assertion that is made now, with an id of its own. Times are in seconds since the Unix epoch.
    pub(super) fn new(assertions: &'a Assertions, identity: &'a Identity, now: SystemTime, id: &'a str) -> Self {
        let profile = identity.profile();
        let issued_at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self {
            iss: &assertions.issuer.0,
            aud: &assertions.audience.0,
            sub: subject(profile),
            iat: issued_at,
            exp: issued_at.saturating_add(assertions.lifetime.as_secs()),
            jti: id,
            phone_number: profile.phone.as_str(),
            amr: [identity.method().code()],
            name: profile.name().map(|name| cut(&name).to_owned()),
            given_name: profile.given_name.as_deref().map(cut),
            family_name: profile.family_name.as_deref().map(cut),
            groups: identity.groups().collect(),
        }
    }
}

/// The name of an issuer or of an audience: a URL, or any other text that both sides agree on, byte for byte.
///
/// It is parsed from a text of up to 1024 bytes without control characters, and without white space at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Box<str>);

impl FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(PrincipalError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(PrincipalError::Character);
        }
        Ok(Self(text.into()))
    }
}

/// The reason why a text is not a valid issuer or audience. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalError {
    /// It is empty, or longer than 1024 bytes.
    #[error("must have at least one character and at most 1024 bytes")]
    Length,
    /// It has an invisible character, so that two texts that look the same would differ.
    #[error("must have no control character, and no white space at its ends")]
    Character,
}

/// The user id, or the phone number where the user id is missing or too long for verifiers (OpenID Connect Core §2).
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
            assert_eq!(&*text.parse::<Principal>().unwrap().0, text);
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
            assert_eq!(text.parse::<Principal>(), Err(error), "{text:?}");
        }
    }
}
