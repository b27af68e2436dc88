//! The credential: the body that the site's app, or anyone else, posts.

use std::{borrow::Cow, ops::RangeInclusive};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{identity::VerificationMethod, json};

/// What Truecaller's SDK gave to the app for a user. It is not proof of anything: anyone can post one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// The user has Truecaller, and agreed: an authorization code with PKCE (RFC 7636). Truecaller accepts it once.
    Code {
        /// The code.
        code: AuthorizationCode,
        /// The text whose hash the app had sent when it asked for the code.
        verifier: CodeVerifier,
    },
    /// The user has no Truecaller. The SDK verified the number by a missed call, and gave this token.
    MissedCall(MissedCallToken),
}

impl Credential {
    /// Reads the JSON body of a request: `{"code", "code_verifier"}` or `{"access_token"}`.
    ///
    /// A `null` member equals an absent one, and unknown members are ignored. Returns none if the body is not a JSON object, if one
    /// of the three members is wrong or duplicate, or if the members of both forms are there.
    pub fn parse(body: &[u8]) -> Option<Self> {
        // A message of serde quotes the body, which must reach no log.
        let wire: CredentialWire<'_> = serde_json::from_str(json::object(body)?).ok()?;
        match wire {
            CredentialWire { code: Some(code), code_verifier: Some(verifier), access_token: None } => {
                let (code, verifier) = (AuthorizationCode::parse(&code)?, CodeVerifier::parse(&verifier)?);
                Some(Self::Code { code, verifier })
            }
            CredentialWire { code: None, code_verifier: None, access_token: Some(token) } => {
                MissedCallToken::parse(&token).map(Self::MissedCall)
            }
            _ => None,
        }
    }

    /// How Truecaller verified the number of its user.
    pub(crate) fn method(&self) -> VerificationMethod {
        match self {
            Self::Code { .. } => VerificationMethod::App,
            Self::MissedCall(_) => VerificationMethod::MissedCall,
        }
    }
}

/// A credential as it is written. serde refuses a second one of these members; a `null` one equals an absent one.
#[derive(Deserialize)]
struct CredentialWire<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code_verifier: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_token: Option<Cow<'a, str>>,
}

/// An authorization code: 1 to 4096 printable characters of ASCII (RFC 6749 §A.11).
///
/// # Security
///
/// It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode(Zeroizing<String>);

impl AuthorizationCode {
    /// Reads a code that follows the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = LENGTH.contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the code, to send it to Truecaller once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A code verifier: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636 §4.1).
///
/// # Security
///
/// It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeVerifier(Zeroizing<String>);

impl CodeVerifier {
    /// Reads a verifier that follows the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = VERIFIER_LENGTH.contains(&text.len()) && text.bytes().all(is_unreserved);
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the verifier, to send it to Truecaller with its code.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The token of a missed call: 1 to 4096 characters of `A-Z a-z 0-9 - . _ ~ =`, and not dots alone.
///
/// So it is one segment of a path, which no server reads as another one, without any escape (RFC 3986 §3.3).
///
/// # Security
///
/// It is wiped when dropped, and neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct MissedCallToken(Zeroizing<String>);

impl MissedCallToken {
    /// Reads a token that follows the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|byte| is_unreserved(byte) || byte == b'=');
        let is_segment = is_plain && text.bytes().any(|byte| byte != b'.');
        (LENGTH.contains(&text.len()) && is_segment).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the token, to send it as the last segment of a path.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

redacted!(AuthorizationCode, CodeVerifier, MissedCallToken);

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// As long as an access token may be.
const LENGTH: RangeInclusive<usize> = 1..=4096;
const VERIFIER_LENGTH: RangeInclusive<usize> = 43..=128;

#[cfg(test)]
mod tests;
