//! The requests that wait for a login to move.
//!
//! A login that this process moves wakes its requests at once. Moves of other processes are found by [polling](polling) the
//! store, with one question for all that wait.

mod polling;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use self::polling::PollProgress;
use crate::{callback::RequestId, session::BrowserId};

/// The requests that wait at this gateway.
pub(super) struct Waiting {
    registry: Mutex<Registry>,
    /// The request that holds the one permit polls for all.
    poller: Semaphore,
    closed: CancellationToken,
}

#[derive(Default)]
struct Registry {
    browsers: HashMap<BrowserId, Browser>,
    /// The browser of each login that is watched.
    owners: HashMap<RequestId, BrowserId>,
    /// How many browsers have a request that waits.
    present: usize,
    progress: PollProgress,
}

#[derive(Default)]
struct Browser {
    requests: usize,
    logins: Vec<AwaitedLogin>,
}

/// A login that is waited for, or was a moment ago.
struct AwaitedLogin {
    asked: Option<RequestId>,
    found: Found,
    /// When the store was asked last, if the login has not moved since.
    confirmed: Option<Instant>,
    /// The number of polls since a request last waited.
    idle: u32,
    changes: watch::Sender<WakeReason>,
}

/// The login that the store returned: its request id, and the word of its state.
pub(super) type Found = Option<(RequestId, &'static str)>;

/// The reason why a request that waits is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WakeReason {
    /// The login may have moved.
    Moved,
    /// The store cannot be asked.
    StoreFailure,
}

/// The changes of a login from now on.
pub(super) type Changes = watch::Receiver<WakeReason>;

/// A request that may wait, until it is dropped.
pub(super) struct Waiter<'a> {
    waiting: &'a Waiting,
    browser: &'a BrowserId,
}

impl Waiting {
    /// Lets a request wait, unless too many wait already or waiting was stopped.
    pub(super) fn enter<'a>(&'a self, browser: &'a BrowserId) -> Option<Waiter<'a>> {
        let mut registry = self.registry();
        let requests = registry.browsers.get(browser).map_or(0, |browser| browser.requests);
        let is_full = requests >= REQUESTS_OF_A_BROWSER || (requests == 0 && registry.present >= BROWSERS);
        if is_full || self.closed.is_cancelled() {
            return None;
        }
        registry.present += usize::from(requests == 0);
        registry.browsers.entry(browser.clone()).or_default().requests += 1;
        Some(Waiter { waiting: self, browser })
    }

    /// Wakes the requests that wait for a login which this process has moved.
    pub(super) fn moved(&self, request_id: &RequestId) {
        let mut registry = self.registry();
        let Some(browser) = registry.owners.get(request_id).cloned() else { return };
        registry.wake(&browser, |login| login.is_of(request_id));
    }

    /// Wakes the requests that wait for the newest login of a browser which has just opened another one.
    pub(super) fn opened(&self, browser: &BrowserId) {
        self.registry().wake(browser, |login| login.asked.is_none());
    }

    /// Has all requests answered at once, now and later.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self { registry: Mutex::default(), poller: Semaphore::new(1), closed: CancellationToken::new() }
    }
}

impl Waiter<'_> {
    /// Watches a login that the store has just returned, or its absence.
    pub(super) fn watch(&self, asked: Option<RequestId>, found: Found, now: Instant) -> Changes {
        let mut registry = self.waiting.registry();
        if let Some((request_id, _)) = &found {
            registry.owners.insert(request_id.clone(), self.browser.clone());
        }
        let logins = &mut registry.browsers.entry(self.browser.clone()).or_default().logins;
        let at = logins.iter().position(|login| login.asked == asked).unwrap_or_else(|| {
            let changes = watch::Sender::new(WakeReason::Moved);
            logins.push(AwaitedLogin { asked, found: found.clone(), confirmed: None, idle: 0, changes });
            logins.len() - 1
        });
        let login = &mut logins[at];
        if login.found != found {
            // Other requests may wait that know the login as it was.
            login.wake();
            login.found = found;
        }
        login.confirmed = Some(now);
        login.changes.subscribe()
    }

    /// Watches a login that this browser watched a moment ago, if the store has had it in this state since.
    pub(super) fn watch_again(&self, asked: Option<&RequestId>, state: &str, now: Instant) -> Option<Changes> {
        let mut registry = self.waiting.registry();
        let login = registry.login(self.browser, asked)?;
        let is_known = login.found.as_ref().is_some_and(|(_, found)| *found == state);
        let is_fresh = login.confirmed.is_some_and(|confirmed| now < confirmed + FRESH);
        (is_known && is_fresh).then(|| login.changes.subscribe())
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut registry = self.waiting.registry();
        let Some(browser) = registry.browsers.get_mut(self.browser) else { return };
        browser.requests -= 1;
        registry.present -= usize::from(browser.requests == 0);
        if registry.present == 0 {
            *registry = Registry::default();
        }
    }
}

impl Registry {
    fn login(&mut self, browser: &BrowserId, asked: Option<&RequestId>) -> Option<&mut AwaitedLogin> {
        self.browsers.get_mut(browser)?.logins.iter_mut().find(|login| login.asked.as_ref() == asked)
    }

    fn wake(&mut self, browser: &BrowserId, which: impl Fn(&AwaitedLogin) -> bool) {
        let logins = self.browsers.get_mut(browser).into_iter().flat_map(|browser| &mut browser.logins);
        logins.filter(|login| which(login)).for_each(AwaitedLogin::wake);
    }

    /// Forgets logins without a recent request. A browser asks again when its wait has ended.
    fn forget_idle(&mut self) {
        self.browsers.retain(|_, browser| {
            browser.logins.retain_mut(|login| {
                login.idle = if login.changes.receiver_count() > 0 { 0 } else { login.idle + 1 };
                login.idle <= IDLE_POLLS
            });
            browser.requests > 0 || !browser.logins.is_empty()
        });
        let browsers = &self.browsers;
        self.owners.retain(|request_id, browser| {
            browsers.get(browser).is_some_and(|browser| browser.logins.iter().any(|login| login.is_of(request_id)))
        });
    }
}

impl AwaitedLogin {
    fn is_of(&self, request_id: &RequestId) -> bool {
        self.found.as_ref().is_some_and(|(found, _)| found == request_id)
    }

    fn wake(&mut self) {
        self.confirmed = None;
        self.changes.send_replace(WakeReason::Moved);
    }
}

/// How long a login counts as unmoved for a browser that asks again.
const FRESH: Duration = Duration::from_secs(1);
/// For how many polls a login is still asked about after its last request has left.
const IDLE_POLLS: u32 = 6;
/// The most browsers that wait at once, and the most requests of each. Others are answered after a second.
const BROWSERS: usize = 10_000;
const REQUESTS_OF_A_BROWSER: usize = 10;
