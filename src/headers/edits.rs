//! The edits to the headers of a request before it goes upstream, and to the headers of its response.

use std::{iter, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    CasedName, Field, HeaderNames, IdentityHeaders, Spoofs, Suspects, UpstreamCookieEdits, cased, namespace::tokens,
};
use crate::{identity::Identity, lease::Lease};

/// The headers of a request, as an edge holds them.
///
/// An implementor's `remove` and `insert` must leave no other value of that name, in any letter case; otherwise
/// a client's own value can reach the upstream. `append` leaves those that there are.
pub(crate) trait HeaderTarget {
    /// The headers as they are.
    fn headers(&self) -> &HeaderMap;

    /// Removes every value of a header.
    fn remove(&mut self, name: &HeaderName);

    /// Sets the one value of a header.
    fn insert(&mut self, name: &CasedName, value: HeaderValue);

    /// Adds a value to a header.
    fn append(&mut self, name: &CasedName, value: HeaderValue);

    /// Makes room for more headers at once, so that the target does not grow step by step and copy all headers at each.
    ///
    /// By default it does nothing.
    fn reserve(&mut self, _additional: usize) {}
}

/// Removes every header whose name is meant, and returns whether there was any.
pub(crate) fn remove_where(target: &mut (impl HeaderTarget + ?Sized), is_meant: impl Fn(&HeaderName) -> bool) -> bool {
    let mut meant = target.headers().keys().filter(|name| is_meant(name));
    let Some(first) = meant.next() else { return false };
    let meant: Vec<_> = iter::once(first).chain(meant).cloned().collect();
    meant.iter().for_each(|name| target.remove(name));
    true
}

impl HeaderTarget for HeaderMap {
    fn headers(&self) -> &HeaderMap {
        self
    }

    fn remove(&mut self, name: &HeaderName) {
        HeaderMap::remove(self, name);
    }

    fn insert(&mut self, name: &CasedName, value: HeaderValue) {
        HeaderMap::insert(self, name.name(), value);
    }

    fn append(&mut self, name: &CasedName, value: HeaderValue) {
        HeaderMap::append(self, name.name(), value);
    }

    fn reserve(&mut self, additional: usize) {
        // Servers admit far fewer headers than a map can hold.
        let _ = self.try_reserve(additional);
    }
}

/// The one way to a request's headers: strip the namespace, then set what is verified.
#[derive(Debug, Clone)]
#[must_use = "a request without its edits carries whatever the client claimed"]
pub(crate) struct Edits {
    pub(crate) kind: EditKind,
    /// Who sent the request.
    pub(crate) sender: Sender,
    /// The place of the rule that matched the request in the list of rules, from 0; none if no rule matched, or none was asked.
    pub(crate) rule: Option<usize>,
    /// The edits to the response, if there are any.
    pub(crate) response: Option<Arc<ResponseEdits>>,
}

/// The sender of a request, as far as it matters what it may tell the app of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A trusted proxy, which may tell where the app is mounted, and for which host the request is.
    TrustedProxy,
    Client,
    /// A client that named a host in a header that only a proxy may send, although rules depend on the host.
    ClientThatNamesHost,
}

/// The edits to the response of a forwarded request, besides stripping the namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseEdits {
    /// Cookies for the browser, as whole `Set-Cookie` lines.
    pub(crate) cookies: Vec<HeaderValue>,
    /// The renewed session token for the site's own app.
    pub(crate) token: Option<HeaderValue>,
    /// The edits to the app's cookies, if any of them are listed and the user of the browser is known.
    pub(crate) app: Option<UpstreamCookieEdits>,
    /// How long the request and its response may last. Without a lease they may last for ever.
    pub(crate) lease: Option<Lease>,
    /// Whether the response depends on the user, so that no cache may give it to others.
    pub(crate) personal: bool,
}

/// The headers that a request gets after the namespace was stripped.
#[derive(Debug, Clone)]
pub(crate) enum EditKind {
    /// Any request: nothing is injected.
    Ordinary,
    /// A callback whose profile was fetched: its identity, with an assertion of it if there is one.
    Verified { identity: Identity, headers: IdentityHeaders, assertion: Option<HeaderValue> },
    /// A request of a browser that is known: the identity of its session.
    Known { identity: Identity, headers: IdentityHeaders, assertion: Option<HeaderValue> },
    /// A callback without a token: its status and request id.
    Declined(IdentityHeaders),
    /// A request for the site's own page that verifies numbers: the ticket of the browser's login.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions have logins"))]
    LoggingIn(HeaderValue),
}

impl Edits {
    pub(crate) fn new(kind: EditKind) -> Self {
        Self { kind, sender: Sender::Client, rule: None, response: None }
    }

    /// The edits to a request that a rule matched.
    pub(crate) fn by_rule(kind: EditKind, rule: Option<usize>) -> Self {
        Self { rule, ..Self::new(kind) }
    }

    /// Edits the headers that were surveyed, and returns what had to be stripped.
    ///
    /// A callback's body was read to its end, so its `Expect` has been answered and goes too.
    pub(crate) fn apply(&self, names: &HeaderNames, suspects: Suspects, target: &mut impl HeaderTarget) -> Spoofs {
        let spoofs = names.strip_request(suspects, target);
        match &self.kind {
            EditKind::Ordinary => {}
            EditKind::Verified { headers, assertion, .. } | EditKind::Known { headers, assertion, .. } => {
                headers.insert_into(names, target);
                if let Some(assertion) = assertion {
                    target.insert(names.assertion(), assertion.clone());
                }
            }
            EditKind::Declined(headers) => headers.insert_into(names, target),
            EditKind::LoggingIn(ticket) => target.insert(names.login(), ticket.clone()),
        }
        if matches!(self.kind, EditKind::Verified { .. } | EditKind::Declined(_)) {
            target.remove(&header::EXPECT);
        }
        spoofs
    }

    /// Returns the identity that is injected, for an app in the same process.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match &self.kind {
            EditKind::Verified { identity, .. } | EditKind::Known { identity, .. } => Some(identity),
            EditKind::Ordinary | EditKind::Declined(_) | EditKind::LoggingIn(_) => None,
        }
    }

    /// Whether one of the app's listed cookies goes on to the app, as a pair of a `Cookie` line.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "only sessions list cookies"))]
    pub(crate) fn keeps(&self, pair: &[u8]) -> bool {
        let app = self.response.as_ref().and_then(|response| response.app.as_ref());
        app.is_some_and(|app| app.kept.has(pair))
    }

    /// Returns how long the request and its response may last, if they end with a session.
    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.response.as_ref()?.lease.as_ref()
    }
}

impl ResponseEdits {
    /// Edits the headers of the response, in which companions of the app's cookies may have been set before.
    pub(crate) fn apply(
        &self,
        names: &HeaderNames,
        takes_tokens: bool,
        has_companions: bool,
        target: &mut impl HeaderTarget,
    ) {
        let expired = self.app.as_ref().map_or(&[][..], |app| &app.expired);
        if !expired.is_empty() {
            // The last line about a cookie counts, and that must be the app's.
            let lines: Vec<_> = target.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
            target.remove(&header::SET_COOKIE);
            expired.iter().cloned().chain(lines).for_each(|line| target.append(&cased::SET_COOKIE, line));
        }
        for cookie in &self.cookies {
            target.append(&cased::SET_COOKIE, cookie.clone());
        }
        if let Some(token) = &self.token {
            target.insert(names.token(), token.clone());
        }
        if has_companions || !expired.is_empty() || !self.cookies.is_empty() || self.token.is_some() {
            // A response with a session in it is for one client, whatever the app says of it.
            SHARED_CACHING.iter().for_each(|name| target.remove(name));
            target.insert(&cased::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        if self.personal {
            vary_by("Cookie", target);
            if takes_tokens {
                vary_by("Authorization", target);
            }
        }
    }
}

/// Has a response say that it depends on a header of its request, unless it says so already, or that it depends on everything.
fn vary_by(header: &'static str, target: &mut impl HeaderTarget) {
    let names = |name: &[u8]| name == b"*" || name.eq_ignore_ascii_case(header.as_bytes());
    let lines = target.headers().get_all(header::VARY).iter();
    if !lines.flat_map(tokens).any(|name| names(name.trim_ascii())) {
        target.append(&cased::VARY, HeaderValue::from_static(header));
    }
}

impl HeaderNames {
    /// Whether any header of any set carries this field.
    pub(crate) fn carries(&self, field: Field) -> bool {
        self.values.iter().any(|(carried, _)| *carried == field)
    }

    /// Sets every header of every set, to an empty value if there is nothing to send. It is for proxies that copy headers by a
    /// fixed list.
    ///
    /// The names that were [stripped](super::HeaderNamesBuilder::strip), and those that apps read beside a preset's own
    /// (`Remote-Email`), are set to an empty value too.
    pub(crate) fn declare(&self, target: &mut impl HeaderTarget, headers: Option<&IdentityHeaders>) {
        target.reserve(self.declared.len());
        self.declared.iter().for_each(|name| target.insert(name, HeaderValue::from_static("")));
        if let Some(headers) = headers {
            headers.insert_into(self, target);
        }
    }

    /// The name of the header with the signed assertion.
    pub(crate) fn assertion(&self) -> &CasedName {
        &self.assertion
    }

    /// The name of the header with the login ticket.
    pub(crate) fn login(&self) -> &CasedName {
        &self.login
    }

    /// The name of the response's header with a renewed session token.
    pub(crate) fn token(&self) -> &CasedName {
        &self.token
    }
}

/// The headers that let caches keep a response for many browsers.
static SHARED_CACHING: [HeaderName; 3] =
    [header::EXPIRES, HeaderName::from_static("cdn-cache-control"), HeaderName::from_static("surrogate-control")];
