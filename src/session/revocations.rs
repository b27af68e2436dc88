//! Which sessions have ended before their time: what this gate remembers of what the store keeps.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use super::revocation::Revocation;
use crate::{
    profile::PhoneNumber,
    session::{Session, SessionId, epoch},
    store::Cursor,
};

/// What is known of revocations. It is at most 300 ms old while the store answers.
#[derive(Default)]
pub(super) struct Revocations(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The sessions that ended, each until it would have ended by itself.
    sessions: HashMap<SessionId, SystemTime>,
    /// The users whose sessions ended that began up to a time, until when that matters.
    users: HashMap<PhoneNumber, (SystemTime, SystemTime)>,
    place: Cursor,
    /// When the store was asked what it answered last, and when it last answered or failed to.
    heard: Option<Instant>,
    asked: Option<Instant>,
    /// Whether somebody is asking, and who waits for what they hear.
    asking: bool,
    waiting: Vec<Waker>,
    /// How much to remember before what is over is forgotten.
    forget_at: usize,
}

/// What can be said of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    Revoked,
    /// The store has been silent for too long.
    Unsure,
}

impl Revocations {
    /// What can be said of a session now, by what is remembered, if the store was asked of late.
    pub(super) fn judge(&self, session: &Session, now: Instant, grace: Duration) -> Option<Judgement> {
        let known = self.known();
        (!known.is_due(now)).then(|| known.judge(session, now, grace))
    }

    /// What can be said of a session now, by what is remembered, however old that is.
    pub(super) fn judge_anyway(&self, session: &Session, now: Instant, grace: Duration) -> Judgement {
        self.known().judge(session, now, grace)
    }

    /// Whether a session has been ended, by what is remembered.
    pub(super) fn names(&self, session: &Session) -> bool {
        self.known().names(session)
    }

    /// Takes the turn to ask the store, if it is to be asked and nobody asks it.
    pub(super) fn take_turn(&self, now: Instant) -> bool {
        let mut known = self.known();
        let is_free = known.is_due(now) && !known.asking;
        known.asking |= is_free;
        is_free
    }

    /// Where to go on asking.
    pub(super) fn place(&self) -> Cursor {
        self.known().place.clone()
    }

    /// Takes note of what the store answered.
    pub(super) fn hear(&self, revocations: impl Iterator<Item = Revocation>, place: Cursor) {
        let mut known = self.known();
        revocations.for_each(|revocation| known.note(revocation));
        known.place = place;
    }

    /// Takes note that the store had nothing more to say when it was asked at this time.
    pub(super) fn is_up_to_date(&self, asked: Instant) {
        self.known().heard = Some(asked);
    }

    /// Gives the turn back, and wakes who waited for it.
    pub(super) fn end_turn(&self, now: Instant) {
        let mut known = self.known();
        (known.asking, known.asked) = (false, Some(now));
        known.waiting.drain(..).for_each(Waker::wake);
    }

    /// Ready once nobody is asking.
    pub(super) async fn heard(&self) {
        poll_fn(|cx| {
            let mut known = self.known();
            if !known.asking {
                return Poll::Ready(());
            }
            known.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Takes note of a revocation that the store keeps.
    pub(super) fn note(&self, revocation: Revocation) {
        self.known().note(revocation);
    }

    /// Forgets what is over, once there is much of it.
    pub(super) fn forget(&self, now: SystemTime) {
        let mut known = self.known();
        if known.sessions.len() + known.users.len() > known.forget_at {
            known.sessions.retain(|_, until| *until > now);
            known.users.retain(|_, (_, until)| *until > now);
            known.forget_at = 2 * (known.sessions.len() + known.users.len()) + FORGET_FROM;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn judge(&self, session: &Session, now: Instant, grace: Duration) -> Judgement {
        if self.names(session) {
            Judgement::Revoked
        } else if self.heard.is_some_and(|heard| now.saturating_duration_since(heard) <= grace.max(FRESH)) {
            Judgement::Alive
        } else {
            Judgement::Unsure
        }
    }

    fn names(&self, session: &Session) -> bool {
        let user = self.users.get(&session.identity().profile().phone);
        self.sessions.contains_key(session.id()) || user.is_some_and(|(issued_by, _)| session.issued_at() <= *issued_by)
    }

    /// Whether the store was not asked of late, or is being asked.
    fn is_due(&self, now: Instant) -> bool {
        self.asking || self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= INTERVAL)
    }

    fn note(&mut self, revocation: Revocation) {
        match revocation {
            Revocation::Session { id, until } => {
                self.sessions.insert(id, date(until));
            }
            Revocation::User { phone, issued_by, until } => {
                let Some(phone) = PhoneNumber::parse(&phone) else { return };
                let known = self.users.entry(phone).or_insert((SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH));
                *known = (known.0.max(date(issued_by)), known.1.max(date(until)));
            }
        }
    }
}

/// With the time that asking may take, less than the second within which a logout is known everywhere.
const INTERVAL: Duration = Duration::from_millis(300);
/// What a store that answers has said is at most so old: the interval, and the time that it may take. No grace is shorter, or
/// nobody could ever be judged.
const FRESH: Duration = Duration::from_millis(700);
const FORGET_FROM: usize = 1000;

/// A date that the store kept; one that the system does not know is over.
fn date(milliseconds: u64) -> SystemTime {
    epoch::date(milliseconds).unwrap_or(SystemTime::UNIX_EPOCH)
}
