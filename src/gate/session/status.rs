//! How a login stands, for the browser that started it: a state, and never an identity.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{
    desk::{Desk, STORE_DEADLINE},
    login::query,
    reply,
    revocation::Revocation,
    standing::Standing,
    upstream_cookies::is_same_user,
    visitor::comes_from_elsewhere,
};
use crate::{
    callback::{RequestId, VERIFIED},
    gate::{Rejection, Reply},
    session::{BrowserId, Purpose, Session},
    store::{Login, State, StoreError},
};

#[derive(Serialize)]
struct Status {
    state: &'static str,
}

/// What a browser asks.
struct Question {
    login: Asked,
    since: String,
    wait: Duration,
}

/// Which of its logins a browser asks about.
enum Asked {
    Newest,
    Named(RequestId),
    /// By a text that is no nonce, so nobody has one.
    Nonsense,
}

/// The browsers that wait for a state to change, with how many requests each, and whether any may.
#[derive(Default)]
pub(super) struct Waiting {
    seated: Mutex<HashMap<BrowserId, usize>>,
    is_closed: AtomicBool,
}

impl Desk {
    /// `GET status`.
    pub(super) async fn status(self, head: Parts) -> Reply {
        let Ok(question) = Question::read(&head) else { return self.gate.reject(Rejection::MalformedRequest) };
        // Another site's page must not learn by how long the answer takes.
        let browser = self.browser(&head.headers).filter(|_| !comes_from_elsewhere(&head.headers));
        let Some(browser) = browser else { return tell(EXPIRED) };
        match self.watch(&browser, &question).await {
            Err(StoreError::Unavailable(_)) => self.gate.reject(Rejection::StoreUnavailable),
            Ok(Some(Login { nonce, state: State::Verified(sealed), .. })) => {
                self.hand_over(&head, &nonce, &sealed).await
            }
            Ok(login) => tell(login.as_ref().map_or(EXPIRED, |login| login.state.word())),
        }
    }

    /// Waits for a state that is not the one that is known already.
    async fn watch(&self, browser: &BrowserId, question: &Question) -> Result<Option<Login>, StoreError> {
        let clock = &self.gate.0.clock;
        let seat = self.mode.waiting.sit(browser);
        let wait = seat.as_ref().map_or(Duration::ZERO, |_| question.wait);
        let deadline = clock.now() + wait;
        loop {
            let login = self.login(browser, &question.login).await?;
            let now = clock.now();
            let over = now >= deadline || self.mode.waiting.is_closed();
            if login.as_ref().map_or(EXPIRED, |login| login.state.word()) != question.since || over {
                return Ok(login);
            }
            clock.sleep_until(deadline.min(now + LOOK)).await;
        }
    }

    async fn login(&self, browser: &BrowserId, asked: &Asked) -> Result<Option<Login>, StoreError> {
        let nonce = match asked {
            Asked::Newest => None,
            Asked::Named(nonce) => Some(nonce),
            Asked::Nonsense => return Ok(None),
        };
        let login = self.ask(STORE_DEADLINE, self.mode.store.state(browser, nonce)).await?;
        Ok(login.filter(|login| self.owns(browser, login)))
    }

    /// Whether it was this browser that started a login, whatever the store says of that.
    fn owns(&self, browser: &BrowserId, login: &Login) -> bool {
        let owner = self.mode.sealer.open(Purpose::Owner(&login.nonce), &login.owner);
        owner.is_some_and(|name| *name == browser.expose().as_bytes())
    }

    /// Gives the browser its session: always the same one, however often it asks.
    async fn hand_over(&self, head: &Parts, nonce: &RequestId, sealed: &[u8]) -> Reply {
        let opened = self.mode.sealer.open(Purpose::Login(nonce), sealed);
        let Some(session) = opened.and_then(|bytes| Session::from_bytes(&bytes)) else { return tell(EXPIRED) };
        if self.is_revoked(&session).await {
            return tell(EXPIRED);
        }
        let now = self.gate.0.clock.wall();
        let cookie = self.mode.cookie(&session.renewed(now), now);
        let changes = self.replaces(head, &session).await;
        let expired = if changes { self.mode.expire_others(&session, head) } else { Vec::new() };
        tell(VERIFIED).with_cookies([cookie].into_iter().chain(expired))
    }

    /// Ends the session that the browser had before, and tells whether its user changes by that.
    async fn replaces(&self, head: &Parts, session: &Session) -> bool {
        let Standing::Known(before) = self.standing(&head.headers).await else { return true };
        if before.id() == session.id() {
            return false;
        }
        // If the store fails now, the old cookie is gone from the browser all the same.
        let _ = self.revoke(Revocation::session(before.id().clone(), before.end(self.mode.lifetime))).await;
        !is_same_user(&before, session)
    }
}

impl Question {
    fn read(head: &Parts) -> Result<Self, Rejection> {
        let since = query(head, "since").unwrap_or_else(|| "pending".to_owned());
        let wait = query(head, "wait").map_or(Ok(0), |wait| wait.parse::<u64>());
        let wait = Duration::from_secs(wait.map_err(|_| Rejection::MalformedRequest)?).min(LONGEST_WAIT);
        if !WORDS.contains(&&*since) {
            return Err(Rejection::MalformedRequest);
        }
        let login = match query(head, "request_id") {
            None => Asked::Newest,
            Some(nonce) => RequestId::parse(&nonce).map_or(Asked::Nonsense, Asked::Named),
        };
        Ok(Self { login, since, wait })
    }
}

impl Waiting {
    /// A place to wait in, if there is one.
    fn sit(&self, browser: &BrowserId) -> Option<Seat<'_>> {
        let mut seated = self.seated();
        if seated.len() >= BROWSERS || seated.get(browser).is_some_and(|seats| *seats >= SEATS_OF_A_BROWSER) {
            return None;
        }
        *seated.entry(browser.clone()).or_default() += 1;
        Some(Seat { waiting: self, browser: browser.clone() })
    }

    fn seated(&self) -> MutexGuard<'_, HashMap<BrowserId, usize>> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends everyone home.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

struct Seat<'a> {
    waiting: &'a Waiting,
    browser: BrowserId,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut seated = self.waiting.seated();
        let Some(seats) = seated.get_mut(&self.browser) else { return };
        *seats -= 1;
        if *seats == 0 {
            seated.remove(&self.browser);
        }
    }
}

fn tell(state: &'static str) -> Reply {
    reply::json(StatusCode::OK, &Status { state })
}

const EXPIRED: &str = "expired";
const WORDS: [&str; 7] = ["pending", "opened", VERIFIED, "refused", "another_number", "failed", EXPIRED];
/// How often the store is looked at while a browser waits.
const LOOK: Duration = Duration::from_millis(300);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// So many browsers wait at once, and of each so many requests; others get their answers at once.
const BROWSERS: usize = 10_000;
const SEATS_OF_A_BROWSER: usize = 10;
