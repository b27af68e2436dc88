//! The fields of an identity that a header can carry.

use std::borrow::Cow;

use super::Encoding;
use crate::{callback::VERIFIED, identity::Identity, profile::Profile};

/// A field of a verified identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the member of Profile of that name, or said here")]
pub enum Field {
    /// `verified`, or the callback's own status; it and the request id are sent for every callback.
    Status,
    /// The nonce of the login.
    RequestId,
    /// The phone number in E.164 form.
    Phone,
    UserId,
    /// First and last name.
    Name,
    GivenName,
    FamilyName,
    Country,
    Email,
    City,
    Street,
    Zipcode,
    Gender,
    AvatarUrl,
    Company,
    JobTitle,
    /// One JSON array of texts.
    Badges,
    About,
    CreatedAt,
    /// The whole profile as JSON.
    Profile,
}

impl Field {
    /// The fields by their names in a configuration.
    pub const NAMES: [(&str, Self); 20] = [
        ("status", Self::Status),
        ("request_id", Self::RequestId),
        ("phone", Self::Phone),
        ("user_id", Self::UserId),
        ("name", Self::Name),
        ("given_name", Self::GivenName),
        ("family_name", Self::FamilyName),
        ("country", Self::Country),
        ("email", Self::Email),
        ("city", Self::City),
        ("street", Self::Street),
        ("zipcode", Self::Zipcode),
        ("gender", Self::Gender),
        ("avatar_url", Self::AvatarUrl),
        ("company", Self::Company),
        ("job_title", Self::JobTitle),
        ("badges", Self::Badges),
        ("about", Self::About),
        ("created_at", Self::CreatedAt),
        ("profile", Self::Profile),
    ];

    /// Finds a field by its name in a configuration.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// The encoding of the field where none was chosen.
    pub fn default_encoding(self) -> Encoding {
        if self == Self::Profile { Encoding::Base64Url } else { Encoding::Percent }
    }

    /// The field's text, if the identity has it.
    pub fn text(self, identity: &Identity) -> Option<Cow<'_, str>> {
        let profile = identity.profile();
        let text = match self {
            Self::Status => VERIFIED,
            Self::RequestId => identity.request_id()?.expose(),
            Self::Phone => profile.phone.as_str(),
            Self::Name => return profile.name().map(Cow::Owned),
            Self::Badges => return badges(profile),
            Self::UserId => profile.user_id.as_deref()?,
            Self::GivenName => profile.given_name.as_deref()?,
            Self::FamilyName => profile.family_name.as_deref()?,
            Self::Country => profile.country.as_deref()?,
            Self::Email => profile.email.as_deref()?,
            Self::City => profile.city.as_deref()?,
            Self::Street => profile.street.as_deref()?,
            Self::Zipcode => profile.zipcode.as_deref()?,
            Self::Gender => profile.gender.as_deref()?,
            Self::AvatarUrl => profile.avatar_url.as_deref()?,
            Self::Company => profile.company.as_deref()?,
            Self::JobTitle => profile.job_title.as_deref()?,
            Self::About => profile.about.as_deref()?,
            Self::CreatedAt => profile.created_at.as_deref()?,
            Self::Profile => &profile.json,
        };
        Some(Cow::Borrowed(text))
    }

    /// What becomes of a text that is longer than a header may have.
    pub(super) fn too_long(self) -> TooLong {
        match self {
            Self::Status | Self::RequestId | Self::Phone => TooLong::Send,
            Self::UserId | Self::Email | Self::AvatarUrl | Self::Badges | Self::Profile => TooLong::LeaveOut,
            _ => TooLong::Cut,
        }
    }
}

/// What becomes of a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// It is short by its own rules, so the limit is not meant for it.
    Send,
    /// A part of it still says what it says.
    Cut,
    /// A part of it would say something else: another user's id, or broken JSON.
    LeaveOut,
}

fn badges(profile: &Profile) -> Option<Cow<'_, str>> {
    let badges = &profile.badges;
    (!badges.is_empty()).then(|| serde_json::to_string(badges).expect("texts are always JSON").into())
}
