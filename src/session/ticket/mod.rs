//! The session itself, and what is written of it into its cookie.

mod wire;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::wire::Ticket;
use super::SessionId;
use crate::{identity::Identity, profile::Profile};

/// A browser that is known: who it belongs to, and since when.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    identity: Identity,
    issued_at: SystemTime,
    last_seen: SystemTime,
}

impl Session {
    /// Begins a session for a verified profile.
    pub(crate) fn begin(id: SessionId, profile: Profile, now: SystemTime) -> Self {
        Self { id, identity: Identity::vouch(None, profile), issued_at: now, last_seen: now }
    }

    /// Its random name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Who it belongs to.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it began.
    pub(crate) fn issued_at(&self) -> SystemTime {
        self.issued_at
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

    /// How long it lives on if nobody uses it; none once it is over.
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
        let written = |limit| serde_json::to_vec(&Ticket::of(self, limit)).expect("texts and numbers are always JSON");
        LIMITS.into_iter().map(written).find(|bytes| bytes.len() <= MAX_BYTES).unwrap_or_else(|| written(0))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Ticket<'_>>(bytes).ok()?.into_session()
    }
}

/// So that the cookie, its name and its attributes stay under 3 KiB.
const MAX_BYTES: usize = 2100;
/// How long a text may be, for as long as the whole is too long.
const LIMITS: [usize; 7] = [1024, 512, 256, 128, 64, 32, 16];
#[cfg(test)]
mod tests;
