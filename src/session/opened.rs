//! The sessions whose cookies were opened lately: to open one takes longer than all else that its request needs.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher, RandomState},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use zeroize::Zeroizing;

use super::Session;
use crate::headers::{HeaderNames, IdentityHeaders};

/// Finds a session by the sealed text of its cookie.
///
/// # Security
///
/// Only the cookie of a session that was opened with a key of this site gets in, so strangers can neither fill the cache nor
/// empty it. It is found by the whole text alone: a digest of it would take longer, and a part of it would let a forged cookie in. A
/// session in the cache was only opened: each request still checks whether it is over or revoked. What is evicted is wiped. A session
/// that is over stays until its cookie comes again, or until another session is opened.
pub(super) struct OpenedSessions {
    cache: Cache<SealedText, Arc<OpenedSession>, BySize, RandomState>,
    /// When the sessions that were over were taken out last.
    swept: Mutex<Option<Instant>>,
}

/// A session whose cookie was opened, with the headers of its requests.
pub(super) struct OpenedSession {
    session: Session,
    names: Arc<HeaderNames>,
    /// What is set under these names.
    headers: IdentityHeaders,
    /// About how many bytes it takes, besides those that any takes.
    size: usize,
}

impl OpenedSessions {
    /// Returns the session of a cookie's sealed text, if it was opened lately.
    pub(super) fn find(&self, sealed: &[u8]) -> Option<Arc<OpenedSession>> {
        self.cache.get(sealed)
    }

    /// Keeps an opened session for the next requests with its cookie. From time to time, this forgets those that are over.
    pub(super) fn keep(
        &self,
        sealed: &[u8],
        opened: &Arc<OpenedSession>,
        now: Instant,
        is_over: impl Fn(&Session) -> bool,
    ) {
        if self.is_time_to_sweep(now) {
            self.cache.retain(|_, opened| !is_over(opened));
        }
        self.cache.insert(SealedText(Zeroizing::new(sealed.into())), Arc::clone(opened));
    }

    /// Forgets the session of a cookie: it is over.
    pub(super) fn forget(&self, sealed: &[u8]) {
        self.cache.remove(sealed);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.cache.weight().try_into().unwrap()
    }

    fn is_time_to_sweep(&self, now: Instant) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP);
        if is_time {
            *swept = Some(now);
        }
        is_time
    }
}

impl Default for OpenedSessions {
    fn default() -> Self {
        let mut options = OptionsBuilder::new();
        options.weight_capacity(CAPACITY as u64).estimated_items_capacity(CAPACITY / USUAL);
        let options = options.build().expect("both capacities are set");
        let cache = Cache::with_options(options, BySize, RandomState::new(), DefaultLifecycle::default());
        Self { cache, swept: Mutex::default() }
    }
}

impl OpenedSession {
    /// Reads a session that was sealed, for a gate with these names of headers.
    pub(super) fn read(bytes: &[u8], names: Arc<HeaderNames>) -> Option<Arc<Self>> {
        let session = Session::from_bytes(bytes)?;
        let headers = IdentityHeaders::of(&names, session.identity());
        let size = bytes.len() + headers.size();
        Some(Arc::new(Self { session, names, headers, size }))
    }

    /// The headers of its requests under these names, which are those of the gate that opened it, unless gates with other
    /// names share their sessions.
    pub(super) fn headers(&self, names: &Arc<HeaderNames>) -> IdentityHeaders {
        if Arc::ptr_eq(&self.names, names) {
            self.headers.clone()
        } else {
            IdentityHeaders::of(names, self.session.identity())
        }
    }
}

impl Deref for OpenedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// The value of a session's cookie.
struct SealedText(Zeroizing<Box<[u8]>>);

impl Borrow<[u8]> for SealedText {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SealedText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for SealedText {}

impl Hash for SealedText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As its borrowed form is hashed.
        let text: &[u8] = self.borrow();
        text.hash(state);
    }
}

/// Weighs an entry by its size. The size of an entry never changes.
#[derive(Clone)]
struct BySize;

impl Weighter<SealedText, Arc<OpenedSession>> for BySize {
    fn weight(&self, sealed: &SealedText, opened: &Arc<OpenedSession>) -> u64 {
        (sealed.0.len() + opened.size + OVERHEAD) as u64
    }
}

/// Enough for the browsers that are active at one time on most sites, 5,000 of them, in less memory than a gateway needs to start. On a
/// busier site, some requests take ten microseconds longer.
pub(super) const CAPACITY: usize = 8 << 20;
/// About what an entry takes.
const USUAL: usize = 1600;
/// About what an entry takes besides its texts.
const OVERHEAD: usize = 512;
/// How often the sessions that are over are looked for.
const SWEEP: Duration = Duration::from_mins(1);
