//! Which sessions have ended before their time: what this gate remembers of what the store keeps.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use super::revocation::Revocation;
use crate::{
    profile::PhoneNumber,
    session::{Sealer, Session, SessionId, epoch},
    store::{Place, StoreError},
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
    place: Place,
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

/// Whose turn it is to ask the store.
enum Turn<'a> {
    Mine(Asking<'a>, Place),
    Other,
    Nobody,
}

/// Asks the store; when it is dropped, another may.
struct Asking<'a>(&'a Revocations);

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

    /// Asks the store what came since, or waits for whoever asks it already.
    pub(super) async fn refresh(
        &self,
        now: impl Fn() -> Instant,
        sealer: &Sealer,
        ask: impl AsyncFnOnce(&Place) -> Result<(Vec<Bytes>, Place), StoreError>,
    ) {
        match self.turn(now()) {
            Turn::Mine(_asking, place) => {
                let began = now();
                let answer = ask(&place).await;
                let mut known = self.known();
                known.asked = Some(now());
                if let Ok((sealed, place)) = answer {
                    let revocations = sealed.iter().filter_map(|sealed| Revocation::open(sealer, sealed));
                    revocations.for_each(|revocation| known.note(revocation));
                    known.place = place;
                    known.heard = Some(began);
                }
            }
            Turn::Other => self.heard().await,
            Turn::Nobody => {}
        }
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

    fn turn(&self, now: Instant) -> Turn<'_> {
        let mut known = self.known();
        match (known.is_due(now), known.asking) {
            (false, _) => Turn::Nobody,
            (true, true) => Turn::Other,
            (true, false) => {
                known.asking = true;
                Turn::Mine(Asking(self), known.place.clone())
            }
        }
    }

    /// Ready once nobody is asking.
    async fn heard(&self) {
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

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn judge(&self, session: &Session, now: Instant, grace: Duration) -> Judgement {
        if self.names(session) {
            Judgement::Revoked
        } else if self.heard.is_some_and(|heard| now.saturating_duration_since(heard) <= grace) {
            Judgement::Alive
        } else {
            Judgement::Unsure
        }
    }

    fn names(&self, session: &Session) -> bool {
        let user = self.users.get(&session.identity().profile().phone);
        self.sessions.contains_key(session.id()) || user.is_some_and(|(born_by, _)| session.born() <= *born_by)
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
            Revocation::User { phone, born_by, until } => {
                let Some(phone) = PhoneNumber::parse(&phone) else { return };
                let known = self.users.entry(phone).or_insert((SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH));
                *known = (known.0.max(date(born_by)), known.1.max(date(until)));
            }
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut known = self.0.known();
        known.asking = false;
        known.waiting.drain(..).for_each(Waker::wake);
    }
}

/// With the time that asking may take, less than the second within which a logout is known everywhere.
const INTERVAL: Duration = Duration::from_millis(300);
const FORGET_FROM: usize = 1000;

/// A date that the store kept; one that the system does not know is over.
fn date(milliseconds: u64) -> SystemTime {
    epoch::date(milliseconds).unwrap_or(SystemTime::UNIX_EPOCH)
}
