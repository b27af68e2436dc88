//! `GET status`: the state of a login, for the browser that started it. It never tells an identity.

use std::time::{Duration, Instant};

use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{
    fetch_metadata::comes_from_elsewhere,
    handler::Handler,
    login::query,
    reply,
    waiting::{Changes, Found, Waiter, WakeReason},
};
use crate::{
    callback::{RequestId, VERIFIED},
    gate::{Rejection, Reply},
    session::{BrowserId, SealPurpose},
    store::{Login, LoginState, StoreError},
};

#[derive(Serialize)]
struct LoginStatus {
    state: &'static str,
}

/// The query of a browser.
struct Question {
    login: AskedLogin,
    since: &'static str,
    wait: Duration,
}

/// Which of its logins a browser asks about.
enum AskedLogin {
    Newest,
    Named(RequestId),
    /// A text that is not a valid request id, so no login has it.
    Nonsense,
}

impl Handler<'_> {
    /// `GET status`.
    pub(super) async fn status(&self, head: &Parts) -> Reply {
        let Ok(question) = Question::read(head) else { return self.gate.reject(Rejection::MalformedRequest) };
        // Another site's page must not learn by how long the answer takes.
        let browser = self.browser(&head.headers).filter(|_| !comes_from_elsewhere(&head.headers));
        let Some(browser) = browser else { return tell(EXPIRED) };
        match self.watch(&browser, &question).await {
            Err(rejection) => self.gate.reject(rejection),
            Ok((_, Some(Login { request_id, state: LoginState::Verified(sealed), .. }))) => {
                let handed_over = match self.verified_session(&request_id, &sealed) {
                    Some(session) => self.hand_over(head, &session).await,
                    None => None,
                };
                handed_over.map_or_else(|| tell(EXPIRED), |lines| tell(VERIFIED).with_cookies(lines))
            }
            Ok((word, _)) => tell(word),
        }
    }

    /// Waits for a state that is not the one that is known already.
    async fn watch(
        &self,
        browser: &BrowserId,
        question: &Question,
    ) -> Result<(&'static str, Option<Login>), Rejection> {
        let (waiting, clock) = (&self.sessions.memory.waiting, self.gate.clock());
        let Some(waiter) = Some(question.wait).filter(|wait| !wait.is_zero()).and_then(|_| waiting.enter(browser))
        else {
            // A request that may not wait must not come again at once, or such requests would ask the store without end.
            self.wait(None, clock.now() + question.wait.min(REFUSED_WAIT)).await;
            return self.login(browser, &question.login).await.map(answer);
        };
        let deadline = clock.now() + question.wait;
        let mut known = (question.since, None);
        let mut changes = question.watch_again(&waiter, clock.now());
        loop {
            if changes.is_none() {
                known = answer(self.login(browser, &question.login).await?);
                if known.0 != question.since {
                    return Ok(known);
                }
                let found = known.1.as_ref().map(|login| (login.request_id.clone(), known.0));
                changes = question.watch(&waiter, found, clock.now());
            }
            match self.wait(changes.take().as_mut(), deadline).await {
                Some(WakeReason::Moved) => {}
                Some(WakeReason::StoreFailure) => return Err(Rejection::StoreUnavailable),
                None => return Ok(known),
            }
        }
    }

    async fn login(&self, browser: &BrowserId, asked: &AskedLogin) -> Result<Option<Login>, Rejection> {
        let request_id = match asked {
            AskedLogin::Newest => None,
            AskedLogin::Named(request_id) => Some(request_id),
            AskedLogin::Nonsense => return Ok(None),
        };
        self.login_of(browser, request_id).await.map_err(|_| Rejection::StoreUnavailable)
    }

    /// Returns a login of a browser, by default its newest.
    pub(super) async fn login_of(
        &self,
        browser: &BrowserId,
        request_id: Option<&RequestId>,
    ) -> Result<Option<Login>, StoreError> {
        let login = self.ask(self.sessions.store.state(browser, request_id)).await?;
        Ok(login.filter(|login| self.owns(browser, login)))
    }

    /// Whether it was this browser that started a login, whatever the store says of that.
    fn owns(&self, browser: &BrowserId, login: &Login) -> bool {
        let owner = self.sessions.sealer.open(SealPurpose::Owner(&login.request_id), &login.owner);
        owner.is_some_and(|name| *name == browser.expose().as_bytes())
    }
}

impl Question {
    fn read(head: &Parts) -> Result<Self, Rejection> {
        let since = query(head, "since").unwrap_or_else(|| "pending".to_owned());
        let since = WORDS.into_iter().find(|word| *word == since).ok_or(Rejection::MalformedRequest)?;
        let wait = query(head, "wait").map_or(Ok(0), |wait| wait.parse::<u64>());
        let wait = Duration::from_secs(wait.map_err(|_| Rejection::MalformedRequest)?).min(LONGEST_WAIT);
        let login = match query(head, "request_id") {
            None => AskedLogin::Newest,
            Some(request_id) => RequestId::parse(&request_id).map_or(AskedLogin::Nonsense, AskedLogin::Named),
        };
        Ok(Self { login, since, wait })
    }

    /// Watches a login that the store has just returned. One that is not this browser's now never will be.
    fn watch(&self, waiter: &Waiter<'_>, found: Found, now: Instant) -> Option<Changes> {
        match &self.login {
            AskedLogin::Newest => Some(waiter.watch(None, found, now)),
            AskedLogin::Named(request_id) => {
                found.map(|found| waiter.watch(Some(request_id.clone()), Some(found), now))
            }
            AskedLogin::Nonsense => None,
        }
    }

    /// Watches a login that this browser watched a moment ago, without a question to the store. Only for a login that goes
    /// on: an ended one is answered in full, with what the store has sealed for the browser.
    fn watch_again(&self, waiter: &Waiter<'_>, now: Instant) -> Option<Changes> {
        let goes_on = [LoginState::Pending, LoginState::Opened].iter().any(|state| state.word() == self.since);
        match &self.login {
            AskedLogin::Newest if goes_on => waiter.watch_again(None, self.since, now),
            AskedLogin::Named(request_id) if goes_on => waiter.watch_again(Some(request_id), self.since, now),
            _ => None,
        }
    }
}

/// The word of a login, beside it.
fn answer(login: Option<Login>) -> (&'static str, Option<Login>) {
    (login.as_ref().map_or(EXPIRED, |login| login.state.word()), login)
}

fn tell(state: &'static str) -> Reply {
    reply::json(StatusCode::OK, &LoginStatus { state })
}

const EXPIRED: &str = "expired";
const WORDS: [&str; 7] = ["pending", "opened", VERIFIED, "refused", "another_number", "failed", EXPIRED];
/// How long a request is kept that may not wait.
const REFUSED_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
