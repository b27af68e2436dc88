//! The shape of a session as it is written.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::Session;
use crate::{
    identity::Identity,
    profile::{PhoneNumber, Profile},
    session::{
        SessionId,
        epoch::{date, milliseconds},
    },
};

/// A session as it is written. Times are in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
pub(super) struct Ticket<'a> {
    #[serde(rename = "i")]
    id: Cow<'a, SessionId>,
    #[serde(rename = "b")]
    issued_at: u64,
    #[serde(rename = "s")]
    last_seen: u64,
    #[serde(rename = "p")]
    phone: Cow<'a, str>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user_id: Option<Cow<'a, str>>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    given_name: Option<Cow<'a, str>>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    family_name: Option<Cow<'a, str>>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    country: Option<Cow<'a, str>>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, str>>,
    #[serde(rename = "ci", default, skip_serializing_if = "Option::is_none")]
    city: Option<Cow<'a, str>>,
    #[serde(rename = "st", default, skip_serializing_if = "Option::is_none")]
    street: Option<Cow<'a, str>>,
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    zipcode: Option<Cow<'a, str>>,
    #[serde(rename = "ge", default, skip_serializing_if = "Option::is_none")]
    gender: Option<Cow<'a, str>>,
    #[serde(rename = "av", default, skip_serializing_if = "Option::is_none")]
    avatar_url: Option<Cow<'a, str>>,
    #[serde(rename = "co", default, skip_serializing_if = "Option::is_none")]
    company: Option<Cow<'a, str>>,
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    job_title: Option<Cow<'a, str>>,
    #[serde(rename = "ba", default, skip_serializing_if = "Vec::is_empty")]
    badges: Vec<Cow<'a, str>>,
    #[serde(rename = "ab", default, skip_serializing_if = "Option::is_none")]
    about: Option<Cow<'a, str>>,
    #[serde(rename = "cr", default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Cow<'a, str>>,
}

impl<'a> Ticket<'a> {
    pub(super) fn of(session: &'a Session, limit: usize) -> Self {
        let profile = session.identity.profile();
        let badges: usize = profile.badges.iter().map(String::len).sum();
        let badges = if badges <= limit { profile.badges.as_slice() } else { &[] };
        Self {
            id: Cow::Borrowed(&session.id),
            issued_at: milliseconds(session.issued_at),
            last_seen: milliseconds(session.last_seen),
            phone: profile.phone.as_str().into(),
            user_id: whole(profile.user_id.as_ref(), limit.max(USER_ID)),
            given_name: cut(profile.given_name.as_ref(), limit),
            family_name: cut(profile.family_name.as_ref(), limit),
            country: whole(profile.country.as_ref(), COUNTRY),
            email: whole(profile.email.as_ref(), limit),
            city: cut(profile.city.as_ref(), limit),
            street: cut(profile.street.as_ref(), limit),
            zipcode: cut(profile.zipcode.as_ref(), limit),
            gender: cut(profile.gender.as_ref(), limit),
            avatar_url: whole(profile.avatar_url.as_ref(), limit),
            company: cut(profile.company.as_ref(), limit),
            job_title: cut(profile.job_title.as_ref(), limit),
            badges: badges.iter().map(Cow::from).collect(),
            about: cut(profile.about.as_ref(), limit),
            created_at: cut(profile.created_at.as_ref(), limit),
        }
    }

    pub(super) fn into_session(self) -> Option<Session> {
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let profile = Profile {
            phone: PhoneNumber::parse(&self.phone)?,
            user_id: text(self.user_id),
            given_name: text(self.given_name),
            family_name: text(self.family_name),
            country: text(self.country),
            email: text(self.email),
            city: text(self.city),
            street: text(self.street),
            zipcode: text(self.zipcode),
            gender: text(self.gender),
            avatar_url: text(self.avatar_url),
            company: text(self.company),
            job_title: text(self.job_title),
            badges: self.badges.into_iter().map(Cow::into_owned).collect(),
            about: text(self.about),
            created_at: text(self.created_at),
            is_active: true,
            json: String::new(),
        };
        Some(Session {
            id: self.id.into_owned(),
            identity: Identity::vouch(None, profile),
            issued_at: date(self.issued_at)?,
            last_seen: date(self.last_seen)?,
        })
    }
}

impl fmt::Debug for Ticket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(redacted)")
    }
}

/// A text of which a part still says what it says.
fn cut(text: Option<&String>, limit: usize) -> Option<Cow<'_, str>> {
    let text = text?;
    Some(text[..text.floor_char_boundary(limit)].trim_end()).filter(|text| !text.is_empty()).map(Cow::Borrowed)
}

/// A text of which a part would say something else.
fn whole(text: Option<&String>, limit: usize) -> Option<Cow<'_, str>> {
    text.filter(|text| text.len() <= limit).map(Cow::from)
}

/// As long as a verifier takes the subject of a token to be.
const USER_ID: usize = 255;
const COUNTRY: usize = 2;
