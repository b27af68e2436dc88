//! The store: the state that all gateways of a site share while users log in, and after sessions have ended.
//!
//! A store keeps logins and revocations. Each login has a request id and belongs to the browser that started it. The entries are
//! sealed: a person who reads the store learns no identity, and a person who writes to it can neither forge an identity nor give
//! one to another browser. For the latter, each login has an [owner](Login::owner).
//!
//! Use [`MemoryStore`] for a single gateway, and `RedisStore` (feature `redis`) for several gateways that act as one. For another
//! database, implement [`Store`]. A store does not check its callers, and does not keep sessions: sessions are in cookies.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use truegate::{callback::RequestId, session::BrowserId, store::{LoginState, MemoryStore, Store}};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let store = MemoryStore::new(100_000);
//! let browser = BrowserId::parse("x7Kq2vNf9TzR4mWb6pLdQw").expect("22 characters of base64url");
//! let request_id = RequestId::parse("RL8YZ41FQMt5Jiak2sc_Ys0OgQA=").expect("28 characters of its alphabet");
//! let owner = Bytes::from_static(b"the browser, sealed for the request id");
//! store.open(&request_id, &browser, owner.clone(), Duration::from_secs(180)).await?;
//!
//! assert!(store.advance(&request_id, LoginState::Refused).await?);
//! assert!(!store.advance(&request_id, LoginState::Opened).await?, "a login ends once");
//! let login = store.state(&browser, None).await?.expect("an ended login is kept until it expires");
//! assert_eq!((login.state, login.owner), (LoginState::Refused, owner));
//! # Ok::<_, Box<dyn std::error::Error>>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Writing a store
//!
//! A database keeps texts and bytes, and everything here can be written as such and read back:
//!
//! | what | to keep it | to read it back |
//! |---|---|---|
//! | the request id of a login | [`RequestId::expose`] | [`RequestId::parse`] |
//! | the browser of a login | [`BrowserId::expose`] | [`BrowserId::parse`] |
//! | the state of a login | [`LoginState::word`] and [`LoginState::sealed`] | [`LoginState::from_word`] |
//! | the owner of a login, and a revocation | bytes, as they come | the same bytes |
//! | the place of a revocation | a number that grows with each | [`Cursor::name`] |
//!
//! Keep a login under its request id, with its browser, its owner, its state, what is sealed in the state, and when it expires.
//! [`LoginState::leads_to`] says whether a login may move, and [`LoginState::is_end`] whether it has ended. Ask and move in one
//! transaction. `tests/store` in the repository has such a store in `foreign.rs`, and the promises that every store is tested
//! against in `contract.rs`.

mod login;
mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{
    pin::Pin,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

#[cfg(feature = "redis")]
pub use self::redis::{RedisStore, RedisStoreError};
pub use self::{
    login::{Login, LoginState, WatchedLogin},
    memory::MemoryStore,
};
use crate::{
    callback::RequestId,
    cause::{Cause, Failure},
    session::BrowserId,
};

/// Keeps logins and revocations for all gateways that use the same store.
///
/// An implementor guarantees:
///
/// - Each method is one atomic step. Otherwise one login can end in two ways, such as verified and refused.
/// - A method that returns `Ok` has had its effect. A method that cannot be sure of its effect returns
///   [`Unavailable`](StoreError::Unavailable). Otherwise truegate tells a user that a session has ended while it is still valid.
/// - After a call of one gateway, all other gateways see its effect. Otherwise a revoked session stays valid at some gateways.
/// - The store returns bytes unchanged. Otherwise no user can log in.
/// - If a future is dropped before it is ready, its step is done as a whole or not at all.
///
/// A gateway waits up to two seconds for an answer. After that it treats the store as unavailable.
///
/// ```
/// use std::{sync::atomic::{AtomicUsize, Ordering}, time::{Duration, SystemTime}};
/// use bytes::Bytes;
/// use truegate::{callback::RequestId, session::BrowserId, store::{StoreFuture, Cursor, Login, MemoryStore, LoginState, Store}};
///
/// /// A store that counts the logins which ended.
/// struct Counting {
///     inner: MemoryStore,
///     ended: AtomicUsize,
/// }
///
/// impl Store for Counting {
///     fn open<'a>(&'a self, request_id: &'a RequestId, browser: &'a BrowserId, owner: Bytes, lifetime: Duration) -> StoreFuture<'a, ()> {
///         self.inner.open(request_id, browser, owner, lifetime)
///     }
///     fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>> {
///         self.inner.time_left(request_id)
///     }
///     fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool> {
///         Box::pin(async move {
///             let is_end = !matches!(to, LoginState::Opened);
///             let has_moved = self.inner.advance(request_id, to).await?;
///             self.ended.fetch_add(usize::from(has_moved && is_end), Ordering::Relaxed);
///             Ok(has_moved)
///         })
///     }
///     fn state<'a>(&'a self, browser: &'a BrowserId, request_id: Option<&'a RequestId>) -> StoreFuture<'a, Option<Login>> {
///         self.inner.state(browser, request_id)
///     }
///     fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()> {
///         self.inner.revoke(revocation, lifetime)
///     }
///     fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)> {
///         self.inner.revocations(after)
///     }
///     fn time(&self) -> StoreFuture<'_, SystemTime> {
///         self.inner.time()
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let store = Counting { inner: MemoryStore::new(100), ended: AtomicUsize::new(0) };
/// store.revoke(Bytes::from_static(b"sealed"), Duration::from_secs(60)).await?;
/// let (revocations, cursor) = store.revocations(&Cursor::default()).await?;
/// assert_eq!(revocations, ["sealed"]);
/// assert!(store.revocations(&cursor).await?.0.is_empty(), "nothing has come since");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait Store: Send + Sync + 'static {
    /// Opens a pending login for a browser. The store must drop the login after `lifetime`.
    ///
    /// The name of the browser is not a proof, because a person who writes to the store could change it. The `owner` is the proof:
    /// it is the browser, sealed for the request id. Keep it unchanged, and return it with the login.
    ///
    /// A browser has at most [`LOGINS_PER_BROWSER`] logins: one more replaces the oldest.
    ///
    /// # Errors
    ///
    /// A [full](StoreError::Full) store refuses new logins and keeps the logins it has. If the store already has the request id, the
    /// error is [`Unavailable`](StoreError::Unavailable), and the existing login does not change.
    fn open<'a>(
        &'a self,
        request_id: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> StoreFuture<'a, ()>;

    /// Returns the time until a login expires; `None` if the login has ended, has expired or does not exist.
    fn time_left<'a>(&'a self, request_id: &'a RequestId) -> StoreFuture<'a, Option<Duration>>;

    /// Changes the state of a login from pending to opened, or from either to an end. Returns whether the state changed.
    ///
    /// Any other call changes nothing: a login ends once, and never returns to an earlier state. Its lifetime does not change.
    fn advance<'a>(&'a self, request_id: &'a RequestId, to: LoginState) -> StoreFuture<'a, bool>;

    /// Returns a login of a browser, by default its newest; `None` if the login belongs to another browser, has expired or does
    /// not exist.
    fn state<'a>(&'a self, browser: &'a BrowserId, request_id: Option<&'a RequestId>)
    -> StoreFuture<'a, Option<Login>>;

    /// Returns which of these logins may have changed since they were last seen: their indices in `watched`.
    ///
    /// The answer must have every login for which [`state`](Self::state) would now return another login, another state or `None`.
    /// Otherwise a browser waits in vain: these are the logins that are not [as they were](WatchedLogin::is_still). It may have
    /// other logins, too. A gateway calls this a few times a second for all browsers that wait, with at most [`WATCHED_AT_ONCE`]
    /// logins in one call. Answer it in one round trip, so that it stays cheap.
    ///
    /// The provided method asks for one state after the other.
    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> StoreFuture<'a, Vec<usize>> {
        Box::pin(async move {
            let mut moved = Vec::new();
            for (index, watched) in watched.iter().enumerate() {
                let login = self.state(&watched.browser, watched.asked.as_ref()).await?;
                if !watched.is_still(login.as_ref()) {
                    moved.push(index);
                }
            }
            Ok(moved)
        })
    }

    /// Keeps a revocation for at least `lifetime`. A shorter time lets a revoked session come back.
    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> StoreFuture<'_, ()>;

    /// Returns the revocations that came after `after`, in the order in which they came, and the cursor behind the last.
    ///
    /// One answer holds at most [`REVOCATIONS_AT_ONCE`], so that no question keeps a store busy for long. An answer with fewer
    /// is the last: its caller then knows all that were kept when it asked. Otherwise sessions count as valid that were revoked.
    /// After a full answer the caller asks again with the returned cursor, which must differ from the one before. Between two questions no
    /// revocation may be skipped or come twice, whatever comes or expires: a skipped one lets a revoked session live on.
    /// [`Cursor::default`] stands before all that are kept, and so does a cursor that the store does not know.
    ///
    /// A store that can lose revocations, and can keep others that came before the lost ones in its order, must return all that are
    /// left once more to a reader that knows a lost one. The reader takes the same revocation twice.
    fn revocations<'a>(&'a self, after: &'a Cursor) -> StoreFuture<'a, (Vec<Bytes>, Cursor)>;

    /// Returns the date and time of the store's own clock.
    ///
    /// By it, truegate tells whether a user proved the phone number before all sessions of the number were ended, or afterwards. So it
    /// must be one clock for all gateways: the database's. With the clocks of the gateways, a session could outlive its end by as
    /// much as they differ.
    fn time(&self) -> StoreFuture<'_, SystemTime>;
}

/// The return type of the methods of [`Store`]: the future of an answer.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The position of a reader in the revocations of a store. Only the store that returned the cursor can read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// Creates the cursor with this name, which the store chooses.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name of the cursor, which is empty before all revocations.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The reason why a store did not answer a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store has as many logins as it may have, so no other login can be opened.
    #[error("the store keeps as many logins as it may")]
    Full,
    /// The store cannot be reached, does not answer in time, or has an entry that truegate did not write.
    #[error("the store is unavailable")]
    Unavailable(#[from] Failure),
}

impl From<Cause> for StoreError {
    fn from(cause: Cause) -> Self {
        Self::Unavailable(cause.into())
    }
}

/// The most logins that one question of [`Store::moved`] is about.
pub const WATCHED_AT_ONCE: usize = 2000;

/// The most revocations in one answer of [`Store::revocations`]. An answer with fewer revocations is the last.
pub const REVOCATIONS_AT_ONCE: usize = 1000;

/// The most logins that a browser keeps.
pub const LOGINS_PER_BROWSER: usize = 5;

/// The longest lifetime, with which no clock overflows: a century.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
