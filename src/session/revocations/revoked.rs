//! The sessions that are known to have ended before their time.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use super::{Revocation, record::date};
use crate::{
    profile::PhoneDigits,
    session::{Session, SessionId},
};

/// The sessions that are known to have ended before their time.
#[derive(Default)]
pub(super) struct Revoked {
    sessions: HashMap<SessionKey, Relevance>,
    /// The users whose sessions ended that began up to a time.
    users: HashMap<PhoneDigits, (EndedSessions, Relevance)>,
    /// The size of both from which on it is worth looking for what is over.
    forget_at: usize,
}

/// The text of a session's id, without an allocation of its own: a site may keep many.
type SessionKey = [u8; 22];

/// Which of a user's sessions have ended.
#[derive(Clone, Copy)]
struct EndedSessions {
    issued_by: SystemTime,
    proven_by: SystemTime,
}

/// How long a revocation matters.
#[derive(Clone, Copy)]
struct Relevance {
    /// When its sessions have ended by themselves, in milliseconds since the Unix epoch.
    until: u64,
    /// When the revocation was heard of. The date may be wrong then and mended later, so it alone decides nothing.
    heard: Instant,
}

impl Revoked {
    pub(super) fn names(&self, session: &Session) -> bool {
        let phone = &session.identity().profile().phone;
        // A revocation of a session with an id of another form would not be known.
        key(session.id()).is_none_or(|key| self.sessions.contains_key(key))
            || !self.users.is_empty() && self.users.get(&phone.into()).is_some_and(|(ended, _)| ended.include(session))
    }

    pub(super) fn note_all(&mut self, revocations: Vec<Revocation>, now: Instant) {
        revocations.into_iter().for_each(|revocation| self.note(revocation, now));
    }

    pub(super) fn note(&mut self, revocation: Revocation, now: Instant) {
        match revocation {
            Revocation::Session { id, until } => {
                let Some(key) = key(&id) else { return };
                self.sessions.insert(*key, Relevance { until, heard: now });
            }
            Revocation::User { phone, issued_by, proven_by, until } => {
                let Some(phone) = PhoneDigits::parse(&phone) else { return };
                let (issued_by, proven_by) = (date(issued_by), date(proven_by.unwrap_or(issued_by)));
                let relevance = Relevance { until, heard: now };
                let known = self.users.entry(phone).or_insert((EndedSessions { issued_by, proven_by }, relevance));
                let (ended, relevance) = known;
                ended.issued_by = issued_by.max(ended.issued_by);
                ended.proven_by = proven_by.max(ended.proven_by);
                *relevance = Relevance { until: until.max(relevance.until), heard: now };
            }
        }
    }

    /// Forgets what is over by the date and has been known for as long as a session lives, once there is much to look through.
    pub(super) fn forget(&mut self, now: Instant, wall: SystemTime, lifetime: Duration) {
        if self.sessions.len() + self.users.len() > self.forget_at {
            let matters = |relevance: &Relevance| {
                date(relevance.until) > wall || now.saturating_duration_since(relevance.heard) < lifetime
            };
            self.sessions.retain(|_, relevance| matters(relevance));
            self.users.retain(|_, (_, relevance)| matters(relevance));
            self.forget_at = 2 * (self.sessions.len() + self.users.len()) + FORGET_FROM;
        }
    }
}

impl EndedSessions {
    fn include(&self, session: &Session) -> bool {
        match session.proven_at() {
            Some(proven_at) => proven_at <= self.proven_by,
            None => session.issued_at() <= self.issued_by,
        }
    }
}

fn key(id: &SessionId) -> Option<&SessionKey> {
    id.expose().as_bytes().try_into().ok()
}

const FORGET_FROM: usize = 1000;
