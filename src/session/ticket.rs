//! The session itself, and what is written of it into its cookie.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::{
    identity::Identity,
    profile::{PhoneNumber, Profile},
};

/// A browser that is known: who it belongs to, and since when.
#[derive(Debug, Clone)]
pub struct Session {
    id: SessionId,
    identity: Identity,
    born: SystemTime,
    seen: SystemTime,
}

impl Session {
    /// Begins a session for a verified profile.
    pub(crate) fn begin(id: SessionId, profile: Profile, now: SystemTime) -> Self {
        Self { id, identity: Identity::vouch(None, profile), born: now, seen: now }
    }

    /// Its random name.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Who it belongs to.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it began.
    pub fn born(&self) -> SystemTime {
        self.born
    }

    /// When its cookie was sealed last.
    pub fn seen(&self) -> SystemTime {
        self.seen
    }

    /// The same session, seen now.
    #[must_use]
    pub fn renewed(&self, now: SystemTime) -> Self {
        Self { seen: now, ..self.clone() }
    }

    /// How long it lives on if nobody uses it; none once it is over.
    pub fn time_left(&self, lifetime: Duration, idle: Duration, now: SystemTime) -> Option<Duration> {
        let end = self.end(lifetime).min(self.seen.checked_add(idle)?);
        end.duration_since(now).ok().filter(|left| !left.is_zero())
    }

    /// When it ends, however often it is used.
    pub fn end(&self, lifetime: Duration) -> SystemTime {
        self.born.checked_add(lifetime).unwrap_or(self.born)
    }

    /// When it ends, however often it is used, in UTC as RFC 3339 has it; none beyond the year 9999.
    pub fn end_text(&self, lifetime: Duration) -> Option<String> {
        let end = self.end(lifetime).duration_since(UNIX_EPOCH).ok()?.as_secs();
        OffsetDateTime::from_unix_timestamp(end.try_into().ok()?).ok()?.format(&Rfc3339).ok()
    }

    /// The session as bytes to be sealed: at most 2,100 of them, so texts may be cut.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = |limit| serde_json::to_vec(&Ticket::of(self, limit)).expect("texts and numbers are always JSON");
        LIMITS.into_iter().map(written).find(|bytes| bytes.len() <= MAX_BYTES).unwrap_or_else(|| written(0))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Ticket<'_>>(bytes).ok()?.into_session()
    }
}

/// A session as it is written. Times are in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Ticket<'a> {
    #[serde(rename = "i")]
    id: Cow<'a, SessionId>,
    #[serde(rename = "b")]
    born: u64,
    #[serde(rename = "s")]
    seen: u64,
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
    fn of(session: &'a Session, limit: usize) -> Self {
        let profile = session.identity.profile();
        let badges: usize = profile.badges.iter().map(String::len).sum();
        let badges = if badges <= limit { profile.badges.as_slice() } else { &[] };
        Self {
            id: Cow::Borrowed(&session.id),
            born: milliseconds(session.born),
            seen: milliseconds(session.seen),
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

    fn into_session(self) -> Option<Session> {
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
            born: date(self.born)?,
            seen: date(self.seen)?,
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

fn milliseconds(date: SystemTime) -> u64 {
    let elapsed = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn date(milliseconds: u64) -> Option<SystemTime> {
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
mod tests {
    use rand_core::OsRng;

    use super::*;

    fn session(profile: &str) -> Session {
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        Session::begin(SessionId::generate(&mut OsRng), Profile::parse(profile.as_bytes()).unwrap(), now)
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let written = session(
            r#"{"phoneNumbers":["919999999999"],"userId":"12345678901234567890","name":{"first":"राजत","last":"Kapoor"},
            "addresses":[{"countryCode":"in","city":"a","street":"b","zipcode":"c"}],"badges":["a,b","c"],"gender":"Male",
            "onlineIdentities":{"email":"a@b"},"avatarUrl":"https://a/","companyName":"d","jobTitle":"e","aboutMe":"f","createdTime":"1"}"#,
        );
        let read = Session::from_bytes(&written.to_bytes()).unwrap();
        assert!(read.id == written.id && read.born == written.born && read.seen == written.seen);
        let expected = Profile { json: String::new(), ..written.identity.profile().clone() };
        assert!(*read.identity.profile() == expected);
        assert!(read.identity.request_id().is_none());
    }

    #[test]
    fn whatever_a_user_typed_the_cookie_stays_small() {
        for text in ["a".repeat(5000), "क".repeat(5000), "\\u0001".repeat(3000), "😀".repeat(3000), "\\\"".repeat(4000)]
        {
            let written = session(&format!(
                r#"{{"phoneNumbers":["919999999999"],"userId":"7","name":{{"first":"{text}","last":"{text}"}},
                "addresses":[{{"countryCode":"in","city":"{text}","street":"{text}","zipcode":"{text}"}}],
                "badges":["{text}"],"gender":"{text}","companyName":"{text}","jobTitle":"{text}","aboutMe":"{text}"}}"#
            ));
            let bytes = written.to_bytes();
            assert!(bytes.len() <= MAX_BYTES, "{}", bytes.len());
            let read = Session::from_bytes(&bytes).unwrap();
            let (read, written) = (read.identity.profile(), written.identity.profile());
            assert!(read.phone == written.phone && read.user_id == written.user_id);
            let given = read.given_name.as_deref().unwrap();
            assert!(written.given_name.as_deref().unwrap().starts_with(given) && given.len() >= 3);
        }
    }

    #[test]
    fn a_session_ends_when_it_is_old_or_idle() {
        let (hour, session) = (Duration::from_hours(1), session(r#"{"phoneNumbers":["919999999999"]}"#));
        let left = |session: &Session, after| session.time_left(12 * hour, 2 * hour, session.born() + after);
        assert_eq!(left(&session, Duration::ZERO), Some(2 * hour));
        assert_eq!(left(&session, hour), Some(hour));
        assert_eq!(left(&session, 2 * hour), None);
        let renewed = session.renewed(session.born() + 11 * hour);
        assert_eq!(left(&renewed, 11 * hour), Some(hour));
        assert_eq!(left(&renewed, 12 * hour), None);
        let back = session.time_left(12 * hour, 2 * hour, session.born() - hour);
        assert_eq!(session.end_text(hour).as_deref(), Some("2023-11-14T23:13:20Z"));
        assert_eq!(back, Some(3 * hour), "a clock that goes back makes nobody immortal");
        assert_eq!(session.time_left(Duration::MAX, Duration::MAX, session.born()), None);
    }
}
