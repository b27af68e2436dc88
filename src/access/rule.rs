//! One rule, and what it looks at in a request.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};

use super::{Access, Decision, HostPattern, PathPattern};
use crate::{headers::HeaderSet, host::Host};

/// The access that a rule gives to the paths of a pattern.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The hosts that it names; none if it is for every host.
    pub(crate) host: Option<HostPattern>,
    /// The paths that it covers.
    pub(crate) pattern: PathPattern,
    /// The methods that it names; none if it is for every method.
    pub(crate) methods: Option<Vec<Method>>,
    pub(crate) passes_preflights: bool,
    /// The access of the requests that the rule matches.
    pub(crate) access: Access,
    /// A number for the upstream of these requests, of which only its owner knows the meaning; none for the default one.
    upstream: Option<usize>,
    /// The identity headers of these requests; none for the default ones.
    headers: Option<HeaderSet>,
}

impl Rule {
    /// A rule for the paths of a pattern, whatever the host and the method.
    pub fn new(pattern: PathPattern, access: Access) -> Self {
        Self { host: None, pattern, methods: None, passes_preflights: false, access, upstream: None, headers: None }
    }

    /// Matches only requests for these hosts. A request that names no host is matched by rules without a host alone.
    ///
    /// The host is that of `Host` or `:authority`, or of `X-Forwarded-Host` if a [trusted proxy](crate::gate::TrustedProxy)
    /// says so. Once any rule names a host, requests for hosts that neither a rule nor the public URL names are answered 421.
    pub fn host(mut self, host: HostPattern) -> Self {
        self.host = Some(host);
        self
    }

    /// Matches only requests with these methods.
    ///
    /// A method that is not registered at IANA in this spelling, such as `post`, may mean anything to an app. A rule that requires
    /// an identity also matches such a method; any other rule matches it only if the rule names it.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Lets CORS preflights pass without an identity, because browsers send no cookies with preflights. The rule also matches
    /// preflights that ask about a method that the rule names.
    ///
    /// A preflight is an `OPTIONS` request without a body, with exactly one `Origin` and one `Access-Control-Request-Method`.
    pub fn pass_preflights(mut self) -> Self {
        self.passes_preflights = true;
        self
    }

    /// Sends the identity in the headers of a set, for an app that reads other names. Defaults to the default set of the gate's names.
    ///
    /// The set must come from the builder of the gate's [`HeaderNames`](crate::headers::HeaderNames). For any other set, the app gets
    /// no identity headers.
    pub fn headers(mut self, set: HeaderSet) -> Self {
        self.headers = Some(set);
        self
    }

    /// Sends requests to another upstream than the default one. Readings of a path that lead to different upstreams are told
    /// apart by this number.
    pub(crate) fn upstream(mut self, number: usize) -> Self {
        self.upstream = Some(number);
        self
    }

    /// The identity headers of the requests that it matches; none for the default ones.
    pub(super) fn header_set(&self) -> Option<&HeaderSet> {
        self.headers.as_ref()
    }

    /// The number that was given to its upstream; none for the default one.
    pub(crate) fn upstream_number(&self) -> Option<usize> {
        self.upstream
    }

    /// Whether it requires an identity.
    pub(crate) fn requires(&self) -> bool {
        matches!(self.access, Access::Required(_))
    }

    /// The places of the rules among those before it because of which it has no effect: together, they match every request that it
    /// matches. It is one place if one rule is enough, and none if the rule has an effect.
    pub(crate) fn covered_by<'a>(&self, earlier: &(impl Iterator<Item = &'a Self> + Clone)) -> Vec<usize> {
        let around = || earlier.clone().enumerate().filter(|(_, rule)| rule.spans(self));
        let one = around().find(|(_, rule)| match &self.methods {
            None => rule.methods.is_none(),
            Some(methods) => methods.iter().all(|method| rule.takes(method, self)),
        });
        if let Some((place, _)) = one {
            return vec![place];
        }
        let first = |method| around().find(|(_, rule)| rule.takes(method, self)).map(|(place, _)| place);
        let places: Option<BTreeSet<_>> = self.methods.iter().flatten().map(first).collect();
        places.into_iter().flatten().collect()
    }

    /// Whether it is for every host and every path that another rule is for.
    fn spans(&self, other: &Self) -> bool {
        let spans_hosts = match (&self.host, &other.host) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine.covers(theirs),
        };
        spans_hosts && self.pattern.covers(&other.pattern)
    }

    /// Whether it names a method as another rule does, which may let preflights pass.
    fn takes(&self, method: &Method, other: &Self) -> bool {
        let Some(methods) = &self.methods else { return true };
        methods.contains(method) && (self.passes_preflights || !other.passes_preflights)
    }

    /// Whether it matches every request.
    pub(super) fn is_total(&self) -> bool {
        self.host.is_none() && self.pattern.is_root() && self.methods.is_none()
    }

    /// Whether it matches a request, as far as the method is concerned.
    pub(super) fn names(&self, input: &RuleInput<'_>) -> bool {
        let Some(methods) = &self.methods else { return true };
        let asks_for = |method: &Method| methods.contains(method) || (self.requires() && !is_registered(method));
        let is_preflight = input.preflight.as_ref().is_some_and(|method| methods.contains(method));
        input.method.map_or_else(|| self.requires(), asks_for) || (self.passes_preflights && is_preflight)
    }

    /// Returns what the rule of this number says of a request that it matches.
    pub(super) fn decide(&self, number: usize, input: &RuleInput<'_>) -> Decision<'_> {
        let passes = self.passes_preflights && input.preflight.is_some();
        let access = if passes { &Access::Public } else { &self.access };
        Decision { access, ..self.effects(number) }
    }

    /// Returns what the rule of this number says of a request that is not a preflight.
    pub(super) fn effects(&self, number: usize) -> Decision<'_> {
        Decision { rule: Some(number), access: &self.access, upstream: self.upstream, headers: self.headers.as_ref() }
    }
}

/// The parts of a request that rules use: its host, its path, its method, and whether it is a preflight.
#[derive(Debug, Clone)]
pub(crate) struct RuleInput<'a> {
    /// None if it is not known.
    host: Option<Host<'a>>,
    pub(super) path: &'a str,
    /// None if it is not known.
    method: Option<&'a Method>,
    /// The method that a preflight asks about.
    preflight: Option<Method>,
}

impl<'a> RuleInput<'a> {
    /// The input of a request, without its host.
    pub(super) fn of(head: &'a Parts) -> Self {
        Self::new(head.uri.path(), Some(&head.method), &head.headers)
    }

    /// The input of a request that another server describes. Without its method, the request may only do what is open to every
    /// method.
    pub(crate) fn new(path: &'a str, method: Option<&'a Method>, headers: &HeaderMap) -> Self {
        let preflight = method.filter(|method| *method == Method::OPTIONS).and_then(|_| preflight(headers));
        Self { host: None, path, method, preflight }
    }

    /// The same for a request for this host.
    pub(crate) fn at(mut self, host: Option<Host<'a>>) -> Self {
        self.host = host;
        self
    }

    pub(super) fn host(&self) -> Option<&Host<'a>> {
        self.host.as_ref()
    }
}

/// The method that a preflight asks about (Fetch §4.8). A request that is not exactly as browsers send it is not a preflight.
fn preflight(headers: &HeaderMap) -> Option<Method> {
    one(headers, header::ORIGIN)?;
    let method = Method::from_bytes(one(headers, header::ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()?;
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length != "0" && !length.is_empty());
    (!has_body && !headers.contains_key(header::UPGRADE)).then_some(method)
}

fn one(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|value| !value.is_empty() && values.next().is_none())
}

/// Whether a method is registered in this spelling. Some apps take `post` for `POST`.
fn is_registered(method: &Method) -> bool {
    REGISTERED.split(' ').any(|registered| method == registered)
}

/// IANA's HTTP Method Registry.
const REGISTERED: &str = "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE \
    MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY \
    REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL";

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_about(method: &str, headers: &[(&str, &str)]) -> Option<Method> {
        let mut request = http::Request::builder().method(method).uri("/a");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        RuleInput::of(&head).preflight
    }

    #[test]
    fn a_preflight_is_as_browsers_send_it() {
        let usual = [("origin", "https://app.example"), ("access-control-request-method", "PUT")];
        assert_eq!(asks_about("OPTIONS", &usual), Some(Method::PUT));
        let more = [usual[0], usual[1], ("access-control-request-headers", "x-a"), ("content-length", "0")];
        assert_eq!(asks_about("OPTIONS", &more), Some(Method::PUT));
        for (method, headers) in [
            ("GET", &usual[..]),
            ("options", &usual),
            ("OPTIONS", &usual[..1]),
            ("OPTIONS", &usual[1..]),
            ("OPTIONS", &[usual[0], usual[0], usual[1]]),
            ("OPTIONS", &[usual[0], usual[1], usual[1]]),
            ("OPTIONS", &[usual[0], ("access-control-request-method", "")]),
            ("OPTIONS", &[usual[0], ("access-control-request-method", "P T")]),
            ("OPTIONS", &[usual[0], usual[1], ("content-length", "1")]),
            ("OPTIONS", &[usual[0], usual[1], ("transfer-encoding", "chunked")]),
            ("OPTIONS", &[usual[0], usual[1], ("upgrade", "websocket")]),
        ] {
            assert_eq!(asks_about(method, headers), None, "{method} {headers:?}");
        }
    }
}
