//! A store as a stranger writes it, on a database: texts and bytes go in, and the same texts and bytes come out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use truegate::{
    callback::RequestId,
    cause::Cause,
    clock::{Clock, ManualClock},
    session::BrowserId,
    store::{Cursor, LOGINS_PER_BROWSER, Login, LoginState, REVOCATIONS_AT_ONCE, Store, StoreError, StoreFuture},
};

/// A way to a database, as each gateway has one of its own.
pub struct ForeignStore {
    pub database: Arc<Mutex<Database>>,
    pub max_pending: usize,
    pub clock: ManualClock,
}

#[derive(Default)]
pub struct Database {
    logins: HashMap<String, LoginRow>,
    /// The request ids of a browser, the newest last.
    browsers: HashMap<String, Vec<String>>,
    /// When each login expires.
    expiries: BTreeSet<(Instant, String)>,
    revocations: BTreeMap<u64, RevocationRow>,
    last: u64,
}

struct LoginRow {
    browser: String,
    owner: Vec<u8>,
    state: String,
    sealed: Vec<u8>,
    expires: Instant,
}

struct RevocationRow {
    sealed: Vec<u8>,
    expires: Instant,
}

impl LoginRow {
    fn state(&self) -> Option<LoginState> {
        LoginState::from_word(&self.state, self.sealed.clone())
    }
}

impl Database {
    fn delete(&mut self, request_id: &str) {
        let Some(row) = self.logins.remove(request_id) else { return };
        self.expiries.remove(&(row.expires, request_id.to_owned()));
        self.browsers.get_mut(&row.browser).unwrap().retain(|other| other != request_id);
    }

    fn expire(&mut self, now: Instant) {
        while let Some((expires, request_id)) = self.expiries.first().cloned()
            && expires <= now
        {
            self.delete(&request_id);
        }
        self.revocations.retain(|_, row| row.expires > now);
    }
}

impl ForeignStore {
    /// Begins a transaction.
    fn begin(&self) -> (MutexGuard<'_, Database>, Instant) {
        let (mut database, now) = (self.database.lock().unwrap(), self.clock.now());
        database.expire(now);
        (database, now)
    }
}

impl Store for ForeignStore {
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let (mut database, now) = self.begin();
            let (request_id, browser) = (request_id.expose().to_owned(), browser.expose().to_owned());
            if database.logins.contains_key(&request_id) {
                return Err(Cause::Data.into());
            }
            let of_browser = database.browsers.entry(browser.clone()).or_default();
            let surplus = of_browser.first().filter(|_| of_browser.len() >= LOGINS_PER_BROWSER).cloned();
            if database.logins.len() - usize::from(surplus.is_some()) >= self.max_pending {
                return Err(StoreError::Full);
            }
            surplus.into_iter().for_each(|oldest| database.delete(&oldest));
            let (state, expires) = (LoginState::Pending.word().to_owned(), now + lifetime);
            database.browsers.get_mut(&browser).unwrap().push(request_id.clone());
            database.expiries.insert((expires, request_id.clone()));
            let row = LoginRow { browser, owner: owner.to_vec(), state, sealed: Vec::new(), expires };
            database.logins.insert(request_id, row);
            Ok(())
        })
    }

    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
        Box::pin(async move {
            let (database, now) = self.begin();
            let row = database.logins.get(request_id.expose());
            let row = row.filter(|row| row.state().is_some_and(|state| !state.is_end()));
            Ok(row.map(|row| row.expires - now))
        })
    }

    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let (mut database, _) = self.begin();
            let Some(row) = database.logins.get_mut(request_id.expose()) else { return Ok(false) };
            let moves = row.state().is_some_and(|state| state.leads_to(&to));
            if moves {
                (row.state, row.sealed) = (to.word().to_owned(), to.sealed().to_vec());
            }
            Ok(moves)
        })
    }

    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        request_id: Option<&'a RequestId>,
    ) -> StoreFuture<'a, Option<Login>> {
        Box::pin(async move {
            let (database, _) = self.begin();
            let newest = || database.browsers.get(browser.expose())?.last().cloned();
            let Some(key) = request_id.map(|id| id.expose().to_owned()).or_else(newest) else { return Ok(None) };
            // The browser is read from its text as well, as by a store that has none to compare with.
            let is_same = |row: &&LoginRow| BrowserId::parse(&row.browser).as_ref() == Some(browser);
            let row = database.logins.get(&key).filter(is_same);
            Ok(row.and_then(|row| {
                let (request_id, state) = (RequestId::parse(&key)?, row.state()?);
                Some(Login { request_id, owner: row.owner.clone().into(), state })
            }))
        })
    }

    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (mut database, now) = self.begin();
            database.last += 1;
            let (number, sealed) = (database.last, revocation.to_vec());
            database.revocations.insert(number, RevocationRow { sealed, expires: now + lifetime });
            Ok(())
        })
    }

    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
        Box::pin(async move {
            let (database, _) = self.begin();
            let after = after.name().parse().unwrap_or(0_u64);
            let later: Vec<_> = database.revocations.range(after + 1..).take(REVOCATIONS_AT_ONCE).collect();
            let last = later.last().map_or(database.last, |(number, _)| **number);
            Ok((later.iter().map(|(_, row)| row.sealed.clone().into()).collect(), Cursor::new(last.to_string())))
        })
    }

    fn time(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(async move { Ok(self.clock.wall()) })
    }
}
