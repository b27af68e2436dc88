//! The session itself, and what is written of it into its cookie.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::{
    headers::{Field, HeaderNames},
    identity::{GroupNames, Identity, VerificationMethod},
    profile::{PhoneNumber, Profile},
};

/// A browser that is known: who it belongs to, and since when.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    identity: Identity,
    issued_at: SystemTime,
    proven_at: Option<SystemTime>,
    last_seen: SystemTime,
}

impl Session {
    /// Begins a session for a user whose number was proven at a time of the store.
    pub(crate) fn begin(id: SessionId, identity: Identity, proven_at: SystemTime, now: SystemTime) -> Self {
        Self { id, identity, issued_at: now, proven_at: Some(proven_at), last_seen: now }
    }

    /// Its random name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// The user of the session.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The same session, with a user in these groups. They are never sealed, because they may change at any time.
    #[must_use]
    pub(crate) fn in_groups(self, groups: GroupNames) -> Self {
        Self { identity: self.identity.in_groups(groups), ..self }
    }

    /// When it began, by the clock of its gateway.
    pub(crate) fn issued_at(&self) -> SystemTime {
        self.issued_at
    }

    /// When the proof of the phone number arrived, by the clock of the store; none for a session of an earlier version.
    pub(crate) fn proven_at(&self) -> Option<SystemTime> {
        self.proven_at
    }

    /// When its cookie was sealed last.
    pub(crate) fn last_seen(&self) -> SystemTime {
        self.last_seen
    }

    /// The same session, seen now.
    #[must_use]
    pub(crate) fn renewed(&self, now: SystemTime) -> Self {
        Self { last_seen: now, ..self.clone() }
    }

    /// Returns how long the session lives without further use; `None` after its end.
    pub(crate) fn time_left(&self, lifetime: Duration, idle: Duration, now: SystemTime) -> Option<Duration> {
        let end = self.end(lifetime).min(self.last_seen.checked_add(idle)?);
        end.duration_since(now).ok().filter(|left| !left.is_zero())
    }

    /// When it ends, however often it is used.
    pub(crate) fn end(&self, lifetime: Duration) -> SystemTime {
        self.issued_at.checked_add(lifetime).unwrap_or(self.issued_at)
    }

    /// When it ends, however often it is used, in UTC as RFC 3339 has it; none beyond the year 9999.
    pub(crate) fn end_text(&self, lifetime: Duration) -> Option<String> {
        let end = self.end(lifetime).duration_since(UNIX_EPOCH).ok()?.as_secs();
        OffsetDateTime::from_unix_timestamp(end.try_into().ok()?).ok()?.format(&Rfc3339).ok()
    }

    /// The session as bytes to be sealed: at most 2,100 of them, so texts may be cut.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let written =
            |limit| serde_json::to_vec(&SessionRecord::of(self, limit)).expect("texts and numbers are always JSON");
        LIMITS.into_iter().map(written).find(|bytes| bytes.len() <= MAX_BYTES).unwrap_or_else(|| written(0))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // If serde_json got bytes, it would check the UTF-8 of each text by itself. One check of the whole is cheaper.
        let text = std::str::from_utf8(bytes).ok()?;
        serde_json::from_str::<SessionRecord<'_>>(text).ok()?.into_session()
    }
}

impl Profile {
    /// The profile with what headers, assertions and `me` tell, and no more.
    pub(super) fn minimized(&self, names: &HeaderNames) -> Self {
        let keep = |field, text: &Option<String>| text.clone().filter(|_| names.carries(field));
        Self {
            email: keep(Field::Email, &self.email),
            city: keep(Field::City, &self.city),
            street: keep(Field::Street, &self.street),
            zipcode: keep(Field::Zipcode, &self.zipcode),
            gender: keep(Field::Gender, &self.gender),
            avatar_url: keep(Field::AvatarUrl, &self.avatar_url),
            company: keep(Field::Company, &self.company),
            job_title: keep(Field::JobTitle, &self.job_title),
            badges: if names.carries(Field::Badges) { self.badges.clone() } else { Vec::new() },
            about: keep(Field::About, &self.about),
            created_at: keep(Field::CreatedAt, &self.created_at),
            json: String::new(),
            ..self.clone()
        }
    }
}

/// Makes the record and both ways between it and a session, by one table of the texts in a profile: the key of each in the
/// record, and how it is shortened.
macro_rules! session_record {
    ($limit:ident: $($text:ident = $key:literal, $shorten:ident($bound:expr);)+) => {
        /// A session as it is written. Times are in milliseconds since the Unix epoch.
        #[derive(Serialize, Deserialize)]
        struct SessionRecord<'a> {
            #[serde(rename = "i")]
            id: Cow<'a, SessionId>,
            #[serde(rename = "b")]
            issued_at: u64,
            /// None for sessions of earlier versions.
            #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
            proven_at: Option<u64>,
            #[serde(rename = "s")]
            last_seen: u64,
            #[serde(rename = "p", borrow)]
            phone: Cow<'a, str>,
            /// The word of the verification method; none for [`VerificationMethod::Web`], which was the only one once.
            #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
            method: Option<Cow<'a, str>>,
            #[serde(rename = "ba", default, skip_serializing_if = "Vec::is_empty")]
            badges: Vec<Cow<'a, str>>,
            $(#[serde(rename = $key, skip_serializing_if = "Option::is_none")] $text: Option<Cow<'a, str>>,)+
        }

        impl<'a> SessionRecord<'a> {
            fn of(session: &'a Session, $limit: usize) -> Self {
                let profile = session.identity.profile();
                let badges: usize = profile.badges.iter().map(String::len).sum();
                let badges = if badges <= $limit { profile.badges.as_slice() } else { &[] };
                Self {
                    id: Cow::Borrowed(&session.id),
                    issued_at: milliseconds(session.issued_at),
                    proven_at: session.proven_at.map(milliseconds),
                    last_seen: milliseconds(session.last_seen),
                    phone: profile.phone.as_str().into(),
                    method: written_method(session.identity.method()).map(Cow::Borrowed),
                    badges: badges.iter().map(Cow::from).collect(),
                    $($text: $shorten(profile.$text.as_ref(), $bound),)+
                }
            }

            fn into_session(self) -> Option<Session> {
                let profile = Profile {
                    phone: PhoneNumber::parse(&self.phone)?,
                    badges: self.badges.into_iter().map(Cow::into_owned).collect(),
                    is_active: true,
                    json: String::new(),
                    $($text: self.$text.map(Cow::into_owned),)+
                };
                Some(Session {
                    id: self.id.into_owned(),
                    identity: Identity::vouch(None, profile, read_method(self.method.as_deref())?),
                    issued_at: date(self.issued_at)?,
                    proven_at: self.proven_at.map(date).map_or(Some(None), |date| date.map(Some))?,
                    last_seen: date(self.last_seen)?,
                })
            }
        }
    };
}

session_record! {
    limit:
    user_id = "u", whole(limit.max(USER_ID));
    given_name = "g", cut(limit);
    family_name = "f", cut(limit);
    country = "c", whole(COUNTRY);
    email = "e", whole(limit);
    city = "ci", cut(limit);
    street = "st", cut(limit);
    zipcode = "z", cut(limit);
    gender = "ge", cut(limit);
    avatar_url = "av", whole(limit);
    company = "co", cut(limit);
    job_title = "j", cut(limit);
    about = "ab", cut(limit);
    created_at = "cr", cut(limit);
}

/// The word of a method, which web logins do without: most sessions are theirs, and gateways of before know no other.
fn written_method(method: VerificationMethod) -> Option<&'static str> {
    (method != VerificationMethod::Web).then(|| method.code())
}

/// The method of a written word. A word that is not known makes the session unreadable: rules depend on it.
fn read_method(word: Option<&str>) -> Option<VerificationMethod> {
    let Some(word) = word else { return Some(VerificationMethod::Web) };
    VerificationMethod::ALL.iter().copied().find(|method| method.code() == word)
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

/// A date as a number; what lies before the epoch is the epoch.
pub(crate) fn milliseconds(date: SystemTime) -> u64 {
    let elapsed = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A number as a date, unless the system knows none so late.
pub(crate) fn date(milliseconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}

/// So that the cookie, its name and its attributes stay under 3 KiB.
const MAX_BYTES: usize = 2100;
/// How long a text may be, for as long as the whole is too long.
const LIMITS: [usize; 7] = [1024, 512, 256, 128, 64, 32, 16];
/// As long as a verifier takes the subject of a token to be.
const USER_ID: usize = 255;
const COUNTRY: usize = 2;

#[cfg(test)]
mod tests;
