//! The app's own cookies, when a browser's user changes.
//!
//! Expiring them is not enough: a browser keeps a cookie whose path or domain is not known here. So a listed cookie goes on to
//! the app only beside a companion that says for whom the app set it. truegate adds the companion to the app's response,
//! beside the line that sets the cookie and with the same attributes: a browser stores, sends and forgets both together,
//! whatever else runs at the same time. A companion holds for one value, and for one user: one who logs in again goes on
//! with the app's own session. It also holds for one host of the site, because an app could set its cookies for a whole domain;
//! only a cookie that is listed with a domain is for several hosts.

use std::collections::BTreeSet;

use http::{HeaderValue, header};
use smallvec::SmallVec;

use super::{SharedSessions, handler::Handler, state::SessionState};
use crate::{
    headers::{CookieOwner, HeaderTarget, KeptCookies, UpstreamCookieEdits, cased},
    session::{
        SealPurpose, Session,
        cookies::{CookieLines, is_cookie_name, key, named, named_by, set_pair, value, without},
    },
};

impl Handler<'_> {
    /// Sorts the listed cookies of a request: those that may go on to the app, and what is done in the response.
    ///
    /// Returns none if no cookie is listed, and while the user of a browser is unknown: the app then gets no listed cookie, and none
    /// is changed.
    pub(super) fn sort_cookies(
        &self,
        state: &SessionState,
        cookies: CookieLines<'_>,
        path: &str,
    ) -> Option<UpstreamCookieEdits> {
        let sessions = self.sessions;
        if sessions.upstream_cookies.is_empty() {
            return None;
        }
        let owner = self.owner(state)?;
        let (mut kept, mut expired) = (KeptCookies::default(), Vec::new());
        let came = sessions.upstream_cookies.iter().flat_map(|cookie| {
            // A name with a `*` may cover truegate's own, too.
            let is_meant = |name: &[u8]| cookie.covers(name) && !sessions.cookies.claims(name);
            names(cookies, is_meant).into_iter().map(move |name| (cookie, name))
        });
        for (cookie, name) in came {
            let mut are_all_kept = true;
            for (index, pair) in named(cookies, name.as_bytes()).enumerate() {
                if index < PAIRS && sessions.is_of(&owner, name, pair, cookies) {
                    kept.keep(pair);
                } else {
                    are_all_kept = false;
                }
            }
            if !are_all_kept {
                expired.extend(cookie.expired_as(name, path));
            }
        }
        Some(UpstreamCookieEdits { kept, owner, expired })
    }

    /// As [`expire_cookies`](SharedSessions::expire_cookies), but for those that the app set for the user who has logged in now.
    pub(super) fn expire_others(&self, session: &Session, cookies: CookieLines<'_>) -> Vec<HeaderValue> {
        let (owner, sessions) = (self.owner_on_host(&user(session)), self.sessions);
        let is_own = |name: &str| {
            let mut pairs = named(cookies, name.as_bytes()).take(PAIRS).peekable();
            pairs.peek().is_some() && pairs.all(|pair| sessions.is_of(&owner, name, pair, cookies))
        };
        let others = sessions.upstream_cookies.iter().filter(|cookie| !is_own(cookie.name()));
        others.flat_map(|cookie| cookie.expired("/")).collect()
    }

    /// The owner of a client's cookies; `None` while it is unknown.
    fn owner(&self, state: &SessionState) -> Option<CookieOwner> {
        match state {
            SessionState::Valid(opened) => Some(self.owner_on_host(&user(opened.session()))),
            SessionState::Absent | SessionState::Invalid => Some(self.owner_on_host(&[])),
            SessionState::InvalidToken | SessionState::Conflicting | SessionState::Unknown => None,
        }
    }

    /// A user on the host of the request. If the site has several origins, the host comes first, and ends at a zero byte.
    fn owner_on_host(&self, user: &[u8]) -> CookieOwner {
        match self.sessions.public_urls.host_realm(self.origin) {
            "" => CookieOwner::new(user),
            host => CookieOwner::new([host.as_bytes(), &[0], user].concat()),
        }
    }
}

impl SharedSessions {
    /// Whether an app could take a pair of a `Cookie` line for one of the listed cookies.
    pub(super) fn is_listed(&self, pair: &[u8]) -> bool {
        self.upstream_cookies.iter().any(|cookie| cookie.is_read_in(pair))
    }

    /// Sets a companion for each listed cookie that the app sets; tells whether it sets any.
    pub(super) fn mark_cookies(&self, owner: &CookieOwner, target: &mut dyn HeaderTarget) -> bool {
        let companion = |line: &HeaderValue| {
            let (name, value) = set_pair(line.as_bytes())?;
            let purpose = SealPurpose::UpstreamCookie { owner: self.owner_of(name, owner)?, name, value };
            let sealed = self.sealer.seal_text(purpose, b"", &self.random);
            Some(self.cookies.companion(std::str::from_utf8(name).ok()?, &sealed, line.as_bytes()))
        };
        let lines = target.headers().get_all(header::SET_COOKIE);
        let companions: Vec<_> = lines.iter().filter_map(companion).collect();
        let is_any = !companions.is_empty();
        companions.into_iter().for_each(|line| target.append(&cased::SET_COOKIE, line));
        is_any
    }

    /// Returns the lines that make a browser delete the listed cookies after a request for a path.
    pub(super) fn expire_cookies<'a>(&'a self, path: &'a str) -> impl Iterator<Item = HeaderValue> + 'a {
        self.upstream_cookies.iter().flat_map(|cookie| cookie.expired(path))
    }

    /// Whether a companion says that the app set this pair for this owner.
    fn is_of(&self, owner: &CookieOwner, name: &str, pair: &[u8], cookies: CookieLines<'_>) -> bool {
        let Some((value, owner)) = value(pair).zip(self.owner_of(name.as_bytes(), owner)) else { return false };
        let purpose = SealPurpose::UpstreamCookie { owner, name: name.as_bytes(), value };
        let mut companions = self.cookies.companions(name, cookies).take(PAIRS);
        companions.any(|sealed| self.sealer.open_text(purpose, sealed).is_some())
    }

    /// The owner to which the companion of a listed cookie is sealed: the user on one host, or on any host of a domain.
    fn owner_of<'a>(&self, name: &[u8], owner: &'a CookieOwner) -> Option<&'a [u8]> {
        let cookie = self.upstream_cookies.iter().find(|cookie| cookie.covers(name))?;
        if self.public_urls.is_single() || !cookie.is_shared() {
            return Some(owner.expose());
        }
        owner.expose().splitn(2, |byte| *byte == 0).nth(1)
    }
}

/// The different names of cookies in a request that are meant, as far as browsers take them.
fn names<'a>(cookies: CookieLines<'a>, is_meant: impl Fn(&[u8]) -> bool) -> BTreeSet<&'a str> {
    let names = named_by(cookies, is_meant).filter_map(|pair| std::str::from_utf8(key(pair)).ok());
    names.filter(|name| is_cookie_name(name)).take(PAIRS).collect()
}

/// Takes pairs out of the `Cookie` lines, and leaves the others byte for byte. Returns whether there were any.
pub(super) fn drop_pairs(target: &mut dyn HeaderTarget, is_dropped: impl Fn(&[u8]) -> bool) -> bool {
    let lines = target.headers().get_all(header::COOKIE);
    let stripped = |line: &HeaderValue| {
        let rest = without(line.as_bytes(), &is_dropped)?;
        Some(HeaderValue::try_from(rest).expect("a part of a header value is one"))
    };
    // Most lines stay as they are, and even a clone would allocate.
    let first = lines.iter().enumerate().find_map(|(at, line)| Some((at, stripped(line)?)));
    let Some((first, rest)) = first else { return false };
    let others = lines.iter().skip(first + 1).map(|line| stripped(line).unwrap_or_else(|| line.clone()));
    let kept = lines.iter().take(first).cloned().chain([rest]).chain(others);
    let kept: SmallVec<[_; 2]> = kept.filter(|line| !line.is_empty()).collect();
    let mut kept = kept.into_iter();
    match kept.next() {
        Some(line) => target.insert(&cased::COOKIE, line),
        None => target.remove(&header::COOKIE),
    }
    kept.for_each(|line| target.append(&cased::COOKIE, line));
    true
}

/// A user as bytes: a number may be given to another person, whose id is another one.
fn user(session: &Session) -> Vec<u8> {
    let profile = session.identity().profile();
    format!("{}\n{}", profile.phone.as_str(), profile.user_id.as_deref().unwrap_or_default()).into()
}

/// Whether two sessions are of one user.
pub(super) fn is_same_user(one: &Session, other: &Session) -> bool {
    user(one) == user(other)
}

/// How many cookies of one name, or of names that begin alike, are looked at. Others do not reach the app.
const PAIRS: usize = 16;
