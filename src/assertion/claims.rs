//! What an assertion says (RFC 7519 §4.1, and the names of OpenID Connect Core §5.1 for the user).

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

/// The user id; the phone where there is none, or one that no verifier must take (OpenID Connect Core §2).
fn subject(profile: &Profile) -> &str {
    let user_id = profile.user_id.as_deref().filter(|id| id.len() <= SUBJECT_LIMIT);
    user_id.unwrap_or(profile.phone.as_str())
}

/// Servers refuse large headers, and a user chooses how long a name is.
fn cut(name: &str) -> &str {
    name[..name.floor_char_boundary(NAME_LIMIT)].trim_end()
}

const SUBJECT_LIMIT: usize = 255;
const NAME_LIMIT: usize = 1024;
