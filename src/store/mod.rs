//! The store: what all gateways of a site must agree on while a login runs and after a session ended.
//!
//! It keeps logins by their nonce, each tied to the browser that started it, and revocations. What it is given to
//! keep is sealed: whoever reads a store learns no identity, and whoever writes to it can make none, nor give one to another
//! browser: that is what a login's owner is for.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use truegate::{callback::{Callback, Endpoints}, session::BrowserId, store::{MemoryStore, State, Store}};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let store = MemoryStore::new(100_000);
//! let browser = BrowserId::generate();
//! # let body = br#"{"requestId":"RL8YZ41FQMt5Jiak2sc_Ys0OgQA=","status":"user_rejected"}"#;
//! # let Callback::Decline(decline) = Callback::parse(body, &Endpoints::default())? else { unreachable!() };
//! # let nonce = decline.request_id();
//! let owner = Bytes::from_static(b"the browser, sealed for the nonce");
//! store.open(nonce, &browser, owner.clone(), Duration::from_secs(180)).await?;
//!
//! assert!(store.advance(nonce, State::Refused).await?);
//! assert!(!store.advance(nonce, State::Opened).await?, "a login ends once");
//! let login = store.state(&browser, None).await?.expect("it ended, and is kept");
//! assert_eq!((login.state, login.owner), (State::Refused, owner));
//! # Ok::<_, Box<dyn std::error::Error>>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod login;
mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;

#[cfg(feature = "redis")]
pub use self::redis::{RedisStore, RedisStoreError};
pub use self::{
    login::{Login, State, WatchedLogin},
    memory::MemoryStore,
};
use crate::{
    callback::RequestId,
    cause::{Cause, Fault},
    session::BrowserId,
};

/// Keeps logins and revocations.
///
/// An implementor makes each method one atomic step, for all that use the same store; otherwise one login can end
/// in two ways, or a revoked session live on. A method that cannot be sure of its effect is
/// [`Unavailable`](StoreError::Unavailable), never silently done.
pub trait Store: Send + Sync + 'static {
    /// Opens a login, pending, for a browser; after `lifetime` nothing of it is left.
    ///
    /// The browser is how a store finds a login, and no proof: whoever writes to the store may change it. What
    /// proves whose a login is, is its `owner`, sealed for its nonce: it is kept as it is, and comes back with it.
    ///
    /// Of a browser's logins at most five are kept: the oldest makes room. A store that is full refuses new logins
    /// and keeps the running ones. A nonce that is kept already is [`Unavailable`](StoreError::Unavailable), and
    /// what it stands for stays as it is.
    fn open<'a>(
        &'a self,
        nonce: &'a RequestId,
        browser: &'a BrowserId,
        owner: Bytes,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// How long a login lives on that has not ended; none if it has ended, has expired or never was.
    fn time_left<'a>(&'a self, nonce: &'a RequestId) -> BoxFuture<'a, Result<Option<Duration>, StoreError>>;

    /// Moves a login on: from pending to opened, and from either to an end. Tells whether it moved.
    ///
    /// Anything else changes nothing: a login ends once, and does not go back.
    fn advance<'a>(&'a self, nonce: &'a RequestId, to: State) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// One of a browser's logins, or of its newest; none if it is another's, expired or never was.
    fn state<'a>(
        &'a self,
        browser: &'a BrowserId,
        nonce: Option<&'a RequestId>,
    ) -> BoxFuture<'a, Result<Option<Login>, StoreError>>;

    /// Returns which of these logins may have moved since they were last seen: their indices in `watched`.
    ///
    /// Every login for which [`state`](Self::state) would now return another login, another state or nothing must be among
    /// them; others may be, too. A gateway asks this a few times a second for all browsers that wait at it, about at most
    /// [`WATCHED_AT_ONCE`] logins with one question. To keep that cheap, answer it in one round trip.
    ///
    /// The provided method asks for one state after the other.
    fn moved<'a>(&'a self, watched: &'a [WatchedLogin]) -> BoxFuture<'a, Result<Vec<usize>, StoreError>> {
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

    /// Keeps a revocation for at least `lifetime`.
    fn revoke(&self, revocation: Bytes, lifetime: Duration) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Returns the revocations that came after `after`, in the order in which they came, and the cursor behind the last.
    ///
    /// One answer holds at most [`REVOCATIONS_AT_ONCE`], so that no question keeps a store busy for long. A caller asks
    /// again with the returned cursor until there are none, and then knows all that are kept. Between two questions no
    /// revocation may be skipped or come twice, whatever comes or expires. [`Cursor::default`] stands before all that
    /// are kept.
    fn revocations<'a>(&'a self, after: &'a Cursor) -> BoxFuture<'a, Result<(Vec<Bytes>, Cursor), StoreError>>;
}

/// The most logins that one question of [`Store::moved`] is about.
pub const WATCHED_AT_ONCE: usize = 2000;

/// The most revocations that one answer of [`Store::revocations`] holds.
pub const REVOCATIONS_AT_ONCE: usize = 1000;

/// How far a reader of the revocations has come. It means something only to the store that returned it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(Box<str>);

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No other login can be opened: as many are kept as the store may keep.
    #[error("the store keeps as many logins as it may")]
    Full,
    /// The store cannot be reached, does not answer in time, or holds what it should not.
    #[error("the store is unavailable")]
    Unavailable(#[source] Fault),
}

impl Cursor {
    /// The cursor that a store calls by this name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// Its name; empty before all revocations.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault)
    }
}

impl From<Cause> for StoreError {
    fn from(cause: Cause) -> Self {
        Self::Unavailable(cause.into())
    }
}

/// How many logins of one browser are kept.
const LOGINS_PER_BROWSER: usize = 5;

/// Whatever lives longer ends here, where no clock overflows: a century.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
