//! The sessions that are known to have ended before their time.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use super::{Revocation, record::date};
use crate::{
    profile::PhoneNumber,
    session::{Session, SessionId},
};

/// The sessions that are known to have ended before their time.
#[derive(Default)]
pub(super) struct Revoked {
    sessions: HashMap<SessionId, Relevance>,
    /// The users whose sessions ended that began up to a time.
    users: HashMap<PhoneNumber, (SystemTime, Relevance)>,
    /// The size of both from which on it is worth looking for what is over.
    forget_at: usize,
}

/// How long a revocation matters.
#[derive(Clone, Copy)]
struct Relevance {
    /// When its sessions have ended by themselves.
    until: SystemTime,
    /// When the revocation was heard of. The date may be wrong then and mended later, so it alone decides nothing.
    heard: Instant,
}

impl Revoked {
    pub(super) fn names(&self, session: &Session) -> bool {
        let user = self.users.get(&session.identity().profile().phone);
        self.sessions.contains_key(session.id()) || user.is_some_and(|(issued_by, _)| session.issued_at() <= *issued_by)
    }

    pub(super) fn note(&mut self, revocation: Revocation, now: Instant) {
        match revocation {
            Revocation::Session { id, until } => {
                self.sessions.insert(id, Relevance { until: date(until), heard: now });
            }
            Revocation::User { phone, issued_by, until } => {
                let Some(phone) = PhoneNumber::parse(&phone) else { return };
                let (issued_by, until) = (date(issued_by), date(until));
                let (known_by, relevance) =
                    self.users.entry(phone).or_insert((issued_by, Relevance { until, heard: now }));
                *known_by = issued_by.max(*known_by);
                *relevance = Relevance { until: until.max(relevance.until), heard: now };
            }
        }
    }

    /// Forgets what is over by the date and has been known for as long as a session lives, once there is much to look through.
    pub(super) fn forget(&mut self, now: Instant, wall: SystemTime, lifetime: Duration) {
        if self.sessions.len() + self.users.len() > self.forget_at {
            let matters = |relevance: &Relevance| {
                relevance.until > wall || now.saturating_duration_since(relevance.heard) < lifetime
            };
            self.sessions.retain(|_, relevance| matters(relevance));
            self.users.retain(|_, (_, relevance)| matters(relevance));
            self.forget_at = 2 * (self.sessions.len() + self.users.len()) + FORGET_FROM;
        }
    }
}

const FORGET_FROM: usize = 1000;
