//! The sessions that were opened lately: to open one takes longer than all else that its request needs.

use std::{
    hash::{Hash, Hasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::{
    Equivalent, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use zeroize::Zeroizing;

use super::{Session, carrier::Carrier};
use crate::{
    access::Groups,
    headers::{HeaderNames, HeaderSet, IdentityHeaders, IdentityValues},
};

/// Finds a session by the sealed text of its cookie or token.
///
/// # Security
///
/// Only a text that was opened with a key of this site gets in, so strangers can neither fill the cache nor empty it. A text is
/// found by its end, and then compared whole: a part of it alone would let a forged one in. A session in the cache was only opened:
/// each request still checks whether it carries the session as this was sealed, whether the session is over or revoked, and
/// whether a group has changed since. What leaves the cache is wiped.
pub(super) struct OpenedSessions {
    cache: Cache<SealedText, Arc<OpenedSession>, BySize, RandomState>,
    /// When the sessions that were over were taken out last.
    swept: Mutex<Option<Instant>>,
}

/// A session that was opened, with the headers of its requests.
pub(super) struct OpenedSession {
    session: Session,
    names: Arc<HeaderNames>,
    /// What headers with these names say of the user.
    values: IdentityValues,
    /// The version of the groups that the user was looked up in.
    groups: u64,
    /// The number of the realm in which it is valid.
    realm: usize,
    carrier: Carrier,
    /// About how many bytes it takes, besides those that any takes.
    size: usize,
}

impl OpenedSessions {
    /// Returns the session of a sealed text, if it was opened lately.
    pub(super) fn find(&self, sealed: &[u8]) -> Option<Arc<OpenedSession>> {
        self.cache.get(&SealedSlice(sealed))
    }

    /// Keeps an opened session for its next requests.
    pub(super) fn keep(&self, sealed: &[u8], opened: &Arc<OpenedSession>) {
        self.cache.insert(SealedText(Zeroizing::new(sealed.into())), Arc::clone(opened));
    }

    /// Forgets the session of a sealed text: it is over.
    pub(super) fn forget(&self, sealed: &[u8]) {
        self.cache.remove(&SealedSlice(sealed));
    }

    /// Forgets the sessions that are over, if it is time to look for them.
    pub(super) fn sweep(&self, now: Instant, is_over: impl Fn(&Session) -> bool) {
        if self.is_time_to_sweep(now) {
            self.cache.retain(|_, opened| !is_over(&opened.session));
        }
    }

    /// Forgets all sessions: none has come for so long that most would be over before it comes.
    pub(super) fn clear(&self) {
        self.cache.clear();
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
    /// Reads a session that was sealed for a realm and a carrier, for a gate with these names of headers. Its user is in those of
    /// the groups that list the user now.
    pub(super) fn read(
        bytes: &[u8],
        names: Arc<HeaderNames>,
        (realm, carrier): (usize, Carrier),
        groups: &Groups,
    ) -> Option<Arc<Self>> {
        // The version comes first: if the groups change meanwhile, the next request looks the user up again.
        let version = groups.version();
        let session = Session::from_bytes(bytes)?;
        let own_groups = groups.of(session.identity());
        let session = session.in_groups(own_groups);
        let values = IdentityValues::of(&names, session.identity());
        let size = bytes.len() + values.size();
        Some(Arc::new(Self { session, names, values, realm, carrier, groups: version, size }))
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether no group has changed since the session was read.
    pub(super) fn is_as_new_as(&self, groups: &Groups) -> bool {
        self.groups == groups.version()
    }

    /// The number of the realm in which it is valid.
    pub(super) fn realm(&self) -> usize {
        self.realm
    }

    /// How requests carry it.
    pub(super) fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The headers of a request: those of a set of these names, or of the default one. The names are those of the gate that opened
    /// the session, unless gates with other names share their sessions.
    pub(super) fn headers(&self, names: &Arc<HeaderNames>, set: Option<&HeaderSet>) -> IdentityHeaders {
        if Arc::ptr_eq(&self.names, names) {
            IdentityHeaders::new(names, set, self.values.clone())
        } else {
            IdentityHeaders::of(names, set, self.session.identity())
        }
    }
}

/// The sealed text of a session, as a request carried it.
struct SealedText(Zeroizing<Box<[u8]>>);

/// The same in a request.
#[derive(PartialEq, Eq)]
struct SealedSlice<'a>(&'a [u8]);

impl SealedText {
    fn as_slice(&self) -> SealedSlice<'_> {
        SealedSlice(&self.0)
    }
}

impl PartialEq for SealedText {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for SealedText {}

impl Hash for SealedText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl Hash for SealedSlice<'_> {
    /// Hashes the end alone, because the hash of a text of hundreds of bytes takes longer than all else here. The end of a text that
    /// was opened is an authentication tag, which nobody can choose, so no browser can make texts whose ends are the same.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.last_chunk::<END>().map_or(self.0, |end| end));
    }
}

impl Equivalent<SealedText> for SealedSlice<'_> {
    fn equivalent(&self, key: &SealedText) -> bool {
        *self == key.as_slice()
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

/// Enough for the browsers that are active at one time on most sites, 5,000 of them. On a busier site, some requests take ten
/// microseconds longer.
pub(super) const CAPACITY: usize = 16 << 20;
/// About what an entry takes.
const USUAL: usize = 3200;
/// About what an entry takes besides its texts and its headers.
const OVERHEAD: usize = 800;
/// About as many bytes as base64url makes of a tag.
const END: usize = 24;
/// How often the sessions that are over are looked for.
const SWEEP: Duration = Duration::from_mins(1);
