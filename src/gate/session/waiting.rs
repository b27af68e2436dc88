//! The browsers that wait for a login to move, and the one question by which the store is asked about all of them.
//!
//! A login that this process moves wakes its browsers at once. What other processes move is looked for by one of the
//! requests that wait, the leader: it asks the store about all that are waited for, batch by batch, every [`LOOK`]. When it
//! leaves, another request takes its place, so nothing runs while nobody waits.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, STORE_DEADLINE};
use crate::{
    callback::RequestId,
    gate::verify::unless,
    session::BrowserId,
    store::{StoreError, WATCHED_AT_ONCE, WatchedLogin},
};

/// The browsers that wait.
#[derive(Default)]
pub(super) struct Waiting {
    room: Mutex<Room>,
    closed: CancellationToken,
}

#[derive(Default)]
struct Room {
    browsers: HashMap<BrowserId, Browser>,
    /// Which browser a login was found for.
    owners: HashMap<RequestId, BrowserId>,
    /// How many browsers have a request that waits.
    seated: usize,
    /// When the store is to be asked next, whoever does it.
    due: Option<Instant>,
    /// How many looks in a row have failed.
    failed_looks: u32,
    has_leader: bool,
}

/// The requests of one browser.
#[derive(Default)]
struct Browser {
    seats: usize,
    watched: Vec<Watched>,
}

/// A login that is waited for, or was a moment ago.
struct Watched {
    asked: Option<RequestId>,
    found: Found,
    /// When the store was asked last, if it was found then.
    confirmed: Option<Instant>,
    /// For how many looks nobody has waited.
    idle: u32,
    news: watch::Sender<News>,
}

/// The login that the store has: its nonce, and the word of its state.
pub(super) type Found = Option<(RequestId, &'static str)>;

/// How much has happened; any change wakes, and one without a new number offers the lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct News {
    moves: u64,
    failures: u64,
}

/// What ends the waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The login may have moved.
    Moved,
    /// The store cannot be asked.
    StoreFailure,
    /// It is the time to answer.
    Nothing,
}

/// A request's right to wait.
pub(super) struct Seat<'a> {
    waiting: &'a Waiting,
    browser: &'a BrowserId,
}

/// What a request hears of its login.
pub(super) struct Ear {
    news: watch::Receiver<News>,
    known: News,
}

/// The right to ask the store about all that are waited for.
struct Lead<'a>(&'a Waiting);

impl Desk {
    /// Waits until a login may have moved, at most until the deadline.
    pub(super) async fn listen(&self, ear: Option<&mut Ear>, deadline: Instant) -> Heard {
        let heard = async {
            match ear {
                Some(ear) => self.listen_and_lead(ear).await,
                None => pending().await,
            }
        };
        let heard = self.gate.by(deadline, self.mode.waiting.closed.run_until_cancelled(heard)).await;
        heard.flatten().unwrap_or(Heard::Nothing)
    }

    async fn listen_and_lead(&self, ear: &mut Ear) -> Heard {
        loop {
            if let Some(heard) = unless(self.lead(), ear.next()).await.flatten() {
                return heard;
            }
        }
    }

    /// Asks about everyone's logins again and again, unless another request does.
    async fn lead(&self) {
        let clock = &self.gate.0.clock;
        let waiting = &self.mode.waiting;
        let Some(_lead) = waiting.lead() else { return pending().await };
        loop {
            clock.sleep_until(waiting.due(clock.now())).await;
            let began = clock.now();
            match self.look(&waiting.begin_look(began), began).await {
                Ok(()) => waiting.room().failed_looks = 0,
                Err(_) => waiting.fail(),
            }
        }
    }
}

impl Desk {
    /// Asks the store about all that is waited for, batch by batch.
    async fn look(&self, seen: &[WatchedLogin], began: Instant) -> Result<(), StoreError> {
        for batch in seen.chunks(WATCHED_AT_ONCE) {
            let moved = self.ask(STORE_DEADLINE, self.mode.store.moved(batch)).await?;
            self.mode.waiting.learn(batch, &moved, began);
        }
        Ok(())
    }
}

impl Waiting {
    /// A place to wait in, if there is one.
    pub(super) fn sit<'a>(&'a self, browser: &'a BrowserId) -> Option<Seat<'a>> {
        let mut room = self.room();
        let seats = room.browsers.get(browser).map_or(0, |browser| browser.seats);
        if self.is_closed() || seats >= SEATS_OF_A_BROWSER || (seats == 0 && room.seated >= BROWSERS) {
            return None;
        }
        room.seated += usize::from(seats == 0);
        room.browsers.entry(browser.clone()).or_default().seats += 1;
        Some(Seat { waiting: self, browser })
    }

    /// Wakes the requests that wait for a login which was moved here.
    pub(super) fn moved(&self, nonce: &RequestId) {
        let mut room = self.room();
        let Some(browser) = room.owners.get(nonce).cloned() else { return };
        let found = |watched: &Watched| watched.found.as_ref().is_some_and(|(found, _)| found == nonce);
        room.wake(&browser, found);
    }

    /// Wakes the requests that wait for a browser's newest login, now that there is a newer one.
    pub(super) fn opened(&self, browser: &BrowserId) {
        self.room().wake(browser, |watched| watched.asked.is_none());
    }

    /// Sends everyone home.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    fn lead(&self) -> Option<Lead<'_>> {
        let mut room = self.room();
        let is_free = !std::mem::replace(&mut room.has_leader, true);
        is_free.then(|| Lead(self))
    }

    fn due(&self, now: Instant) -> Instant {
        *self.room().due.get_or_insert(now + LOOK)
    }

    /// What the store is to be asked about.
    fn begin_look(&self, now: Instant) -> Vec<WatchedLogin> {
        let mut room = self.room();
        room.due = Some(now + LOOK);
        room.drop_idle();
        let mut seen = Vec::new();
        for (id, browser) in &room.browsers {
            seen.extend(browser.watched.iter().map(|watched| WatchedLogin {
                browser: id.clone(),
                asked: watched.asked.clone(),
                found: watched.found.clone(),
            }));
        }
        seen
    }

    /// Takes over what the store has said about a batch.
    fn learn(&self, batch: &[WatchedLogin], moved: &[usize], began: Instant) {
        let mut room = self.room();
        let mut is_moved = vec![false; batch.len()];
        for place in moved {
            is_moved.get_mut(*place).into_iter().for_each(|is_moved| *is_moved = true);
        }
        for (seen, is_moved) in batch.iter().zip(is_moved) {
            let browser = room.browsers.get_mut(&seen.browser);
            let watched = browser
                .and_then(|browser| browser.watched(seen.asked.as_ref()))
                .filter(|watched| watched.found == seen.found);
            match watched {
                Some(watched) if is_moved => watched.wake(),
                Some(watched) => watched.confirmed = Some(began),
                None => {}
            }
        }
    }

    /// Tells everyone that the store cannot be asked, unless it may have been a hiccup: everyone comes again then, at once.
    fn fail(&self) {
        let mut room = self.room();
        room.failed_looks += 1;
        if room.failed_looks < FAILED_LOOKS {
            return;
        }
        room.failed_looks = 0;
        for browser in room.browsers.values() {
            browser.watched.iter().for_each(|watched| watched.news.send_modify(|news| news.failures += 1));
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Listens for news of what a browser asks about.
    fn watch(&mut self, id: &BrowserId, asked: Option<RequestId>, found: Found, now: Instant) -> Ear {
        if let Some((nonce, _)) = &found {
            self.owners.insert(nonce.clone(), id.clone());
        }
        let browser = self.browsers.entry(id.clone()).or_default();
        let Some(watched) = browser.watched(asked.as_ref()) else {
            let watched = Watched { asked, found, confirmed: Some(now), idle: 0, news: watch::Sender::default() };
            let ear = watched.ear();
            browser.watched.push(watched);
            return ear;
        };
        watched.confirmed = Some(now);
        if watched.found == found {
            return watched.ear();
        }
        // Others may wait for it who know it as it was.
        watched.wake();
        let before = std::mem::replace(&mut watched.found, found);
        let ear = watched.ear();
        self.disown(before);
        ear
    }

    fn wake(&mut self, browser: &BrowserId, which: impl Fn(&Watched) -> bool) {
        let Some(browser) = self.browsers.get_mut(browser) else { return };
        browser.watched.iter_mut().filter(|watched| which(watched)).for_each(Watched::wake);
    }

    /// Drops what nobody has waited for of late.
    fn drop_idle(&mut self) {
        let mut dropped = Vec::new();
        self.browsers.retain(|_, browser| {
            dropped.extend(browser.watched.extract_if(.., Watched::is_over).map(|watched| watched.found));
            browser.seats > 0 || !browser.watched.is_empty()
        });
        dropped.into_iter().for_each(|found| self.disown(found));
    }

    /// Forgets whose a login was, unless the browser still waits for it.
    fn disown(&mut self, found: Found) {
        let Some((nonce, _)) = found else { return };
        let browser = self.owners.get(&nonce).and_then(|browser| self.browsers.get(browser));
        let is_found = |watched: &Watched| watched.found.as_ref().is_some_and(|(found, _)| *found == nonce);
        if !browser.is_some_and(|browser| browser.watched.iter().any(is_found)) {
            self.owners.remove(&nonce);
        }
    }

    /// Offers the lead to two requests: the one that leaves may be one of them.
    fn offer_lead(&self) {
        let watched = self.browsers.values().flat_map(|browser| &browser.watched);
        let waiting = watched.filter(|watched| watched.news.receiver_count() > 0);
        waiting.take(2).for_each(|watched| watched.news.send_modify(|_| {}));
    }
}

impl Browser {
    fn watched(&mut self, asked: Option<&RequestId>) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|watched| watched.asked.as_ref() == asked)
    }
}

impl Watched {
    fn wake(&mut self) {
        self.confirmed = None;
        self.news.send_modify(|news| news.moves += 1);
    }

    fn ear(&self) -> Ear {
        let news = self.news.subscribe();
        let known = *news.borrow();
        Ear { news, known }
    }

    fn is_over(&mut self) -> bool {
        self.idle = if self.news.receiver_count() > 0 { 0 } else { self.idle + 1 };
        self.idle > IDLE_LOOKS
    }
}

impl Seat<'_> {
    /// Waits for a login as the store was found to have it.
    pub(super) fn watch(&self, asked: Option<RequestId>, found: Found, now: Instant) -> Ear {
        self.waiting.room().watch(self.browser, asked, found, now)
    }

    /// Waits on for a login that this browser waited for a moment ago, and that has been in this state since.
    pub(super) fn watch_on(&self, asked: Option<&RequestId>, word: &str, now: Instant) -> Option<Ear> {
        let mut room = self.waiting.room();
        let watched = room.browsers.get_mut(self.browser)?.watched(asked)?;
        let is_known = watched.found.as_ref().is_some_and(|(_, found)| *found == word);
        let is_fresh = watched.confirmed.is_some_and(|confirmed| now < confirmed + FRESH);
        (is_known && is_fresh).then(|| watched.ear())
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut room = self.waiting.room();
        let Some(browser) = room.browsers.get_mut(self.browser) else { return };
        browser.seats -= 1;
        room.seated -= usize::from(browser.seats == 0);
        match room.seated {
            0 => *room = Room::default(),
            _ if !room.has_leader => room.offer_lead(),
            _ => {}
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut room = self.0.room();
        room.has_leader = false;
        room.offer_lead();
    }
}

impl Ear {
    /// The next news; none if it is no more than that nobody leads.
    async fn next(&mut self) -> Option<Heard> {
        if self.news.changed().await.is_err() {
            return Some(Heard::Moved);
        }
        let known = std::mem::replace(&mut self.known, *self.news.borrow_and_update());
        match self.known {
            news if news.moves != known.moves => Some(Heard::Moved),
            news if news.failures != known.failures => Some(Heard::StoreFailure),
            _ => None,
        }
    }
}

/// How often the store is asked about all that are waited for.
const LOOK: Duration = Duration::from_millis(300);
/// After how many looks that fail those who wait are told.
const FAILED_LOOKS: u32 = 3;
/// How long a login counts as it was found, for a browser that asks again.
const FRESH: Duration = Duration::from_secs(1);
/// For how many looks a login is asked about after its browser has left: it comes again when its time to wait has passed.
const IDLE_LOOKS: u32 = 6;
/// So many browsers wait at once, and of each so many requests; others are answered after a second.
const BROWSERS: usize = 10_000;
const SEATS_OF_A_BROWSER: usize = 10;
