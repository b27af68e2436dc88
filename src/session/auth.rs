//! Forward-auth: another proxy asks about a request before it lets it pass.
//!
//! nginx (`auth_request`), ingress-nginx (`auth-url`), Caddy (`forward_auth`), Traefik (ForwardAuth) and Envoy (`ext_authz`)
//! send the head of a request to this route. On 200 they let the request pass, with the identity headers of the answer; any other
//! status is the answer to the browser.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request::Parts};

use super::{
    admission::{Admitted, Refusal, permit},
    carrier::Carrier,
    fetch_metadata::is_navigation,
    handler::Handler,
    login::query,
    page_answers::PageRequest,
    route::Route,
};
use crate::{
    access::{Access, AllowList, Decision, RuleInput},
    gate::{Rejection, Reply},
    headers::IdentityHeaders,
    host::{Authority, Host, TrustedProxy, named_host},
};

/// The request that a proxy asks about.
struct AskedRequest {
    /// Its path and query, if it is known.
    target: Option<String>,
    /// Its method, if it is known.
    method: Option<Method>,
    /// The hosts that it is for, by all that is known.
    hosts: Vec<HeaderValue>,
}

impl Handler<'_> {
    /// Any method on `auth`, or below it.
    pub(super) async fn authorize(&self, head: &Parts, asked: &str) -> Reply {
        let request = match AskedRequest::of(head, asked) {
            Ok(request) => request,
            Err(rejection) => return self.gate.reject_for(rejection, head),
        };
        match self.sessions.asked_host(&request.hosts, head) {
            Ok(host) => self.for_host(&request).answer_proxy(head, &request, host).await,
            Err(rejection) => self.gate.reject_for(rejection, head),
        }
    }

    /// The same handler for the host that a proxy asks about, whose sessions and login count.
    fn for_host(&self, request: &AskedRequest) -> Self {
        let asked = request.hosts.first().map(|host| self.sessions.public_urls.nearest(Some(host.as_bytes())));
        asked.map_or(*self, |origin| Self { origin, ..*self })
    }

    async fn answer_proxy(&self, head: &Parts, request: &AskedRequest, host: Option<Host<'_>>) -> Reply {
        if request.path().is_some_and(|path| self.is_disguised(path)) {
            return self.gate.reject(Rejection::AmbiguousPath);
        }
        let required = Access::Required(AllowList::default());
        let input = request.path().map(|path| RuleInput::new(path, request.method.as_ref(), &head.headers));
        let (access, rule) = match input.map(|input| self.sessions.rules.decide(&input.at(host))) {
            Some(Ok(Decision { access, rule, .. })) => (access, rule),
            Some(Err(_)) => return self.gate.reject_for(Rejection::AmbiguousPath, head),
            None => (&required, None),
        };
        let (state, method) = (self.state(&head.headers).await, request.method.as_ref());
        let wants_ticket = request.path().is_some_and(|path| self.carries_ticket(&state, path, method, head));
        match permit(access, state) {
            Ok(Admitted::Signed(opened)) if self.is_hijacked(&opened, head) => {
                self.gate.reject_for(Rejection::CrossSite, head)
            }
            Ok(Admitted::Signed(opened)) => {
                let session = opened.session();
                let assertion = self.gate.assert(session.identity(), Some(session.id().expose()));
                let headers = opened.headers(self.gate.names(), self.sessions.rules.headers(rule));
                // Some proxies copy all headers of the namespace to the app's request, and no app may get a token. So its client
                // has it renewed by `GET me`.
                let is_browser = opened.carrier() == Carrier::Cookie;
                let renewal = is_browser.then(|| self.renewal(&opened, self.gate.clock().wall())).flatten();
                let passed = self.pass(Some(&headers), assertion, None).for_user(&session.identity().profile().phone);
                passed.with_renewal(renewal, self.gate.names())
            }
            Ok(admitted @ (Admitted::Anonymous | Admitted::Forgotten)) => {
                let ticket = if wants_ticket { self.ticket((&head.headers).into(), method, head).await } else { None };
                let (ticket, cookie) = ticket.map(|issued| (issued.ticket, issued.cookie)).unzip();
                let is_over = matches!(admitted, Admitted::Forgotten);
                let forgotten = is_over.then(|| self.forget(request.path().unwrap_or("/")));
                // Some proxies pass on only the first line.
                let passed = self.pass(None, None, ticket).with_cookies(cookie.flatten());
                passed.with_cookies(forgotten.into_iter().flatten())
            }
            Err(refusal) => Reply { rule, ..self.turn_away(&refusal, request, head) },
        }
    }

    /// Whether a path could be read as one that only truegate answers, though it is spelled otherwise.
    fn is_disguised(&self, path: &str) -> bool {
        self.gate.is_disguised(path) || Route::of(&self.sessions.path, path) == Some(Route::Nothing)
    }

    /// Lets a request pass: every header is there, so that a proxy that copies them overwrites what a client sent.
    fn pass(
        &self,
        injected: Option<&IdentityHeaders>,
        assertion: Option<HeaderValue>,
        ticket: Option<HeaderValue>,
    ) -> Reply {
        let mut reply = Reply::new(StatusCode::OK);
        let (names, headers) = (self.gate.names(), reply.response.headers_mut());
        let empty = || HeaderValue::from_static("");
        names.declare(headers, injected);
        headers.insert(names.login().name(), ticket.unwrap_or_else(empty));
        if self.gate.asserts() {
            headers.insert(names.assertion().name(), assertion.unwrap_or_else(empty));
        }
        reply
    }

    fn turn_away(&self, refusal: &Refusal, request: &AskedRequest, head: &Parts) -> Reply {
        let wants_redirect = query(head, "redirect").is_some_and(|redirect| redirect == "true");
        let is_here = request.hosts.iter().all(|host| self.public_url().is_host(host.as_bytes()));
        let target = request.target.as_deref().filter(|_| is_here);
        let method = request.method.as_ref().unwrap_or(&head.method);
        let leads_to_login = wants_redirect && is_navigation(method, &head.headers);
        let login = leads_to_login.then(|| self.login_origin(head));
        let asked = PageRequest { headers: &head.headers, method, target, here: self.public_url() };
        self.refuse(refusal, login, asked, request.path().unwrap_or("/"))
    }
}

impl Handler<'_> {
    /// The origin in front of the login's path, if the proxy asks at another host of the site than it asks about.
    fn login_origin(&self, head: &Parts) -> &str {
        let urls = &self.sessions.public_urls;
        let is_here = || named_host(head).is_some_and(|host| self.public_url().is_host(host));
        if urls.is_single() || is_here() { "" } else { self.public_url().origin() }
    }
}

impl AskedRequest {
    /// Returns the request that a proxy asks about, if the proxy is trusted.
    fn of(head: &Parts, asked: &str) -> Result<Self, Rejection> {
        if head.extensions.get::<TrustedProxy>().is_none() {
            return Ok(Self { target: None, method: Some(head.method.clone()), hosts: Vec::new() });
        }
        let appended = (!asked.is_empty()).then(|| with_query(asked, head.uri.query()));
        let said = match [only(&head.headers, METHOD)?, only(&head.headers, ORIGINAL_METHOD)?] {
            [Some(method), Some(other)] if method != other => return Err(Rejection::MalformedRequest),
            [method, other] => method.or(other).map(|method| Method::from_bytes(method.as_bytes())),
        };
        // A proxy that appends the path sends the request's own method as well; of any other it is not known.
        let method = match said {
            Some(method) => Some(method.map_err(|_| Rejection::MalformedRequest)?),
            None => appended.is_some().then(|| head.method.clone()),
        };
        let url = text(only(&head.headers, ORIGINAL_URL)?)?.map(|url| split(&url)).transpose()?;
        let (host, target) = url.map_or((None, None), |(host, target)| (host, Some(target)));
        let said = [text(only(&head.headers, URI)?)?, text(only(&head.headers, ORIGINAL_URI)?)?, target, appended];
        let mut said = said.into_iter().flatten();
        let target = said.next();
        // A target has no fragment (RFC 9112 §3.2): where the path ends that has a `#` in it, each reader decides.
        let sound = target.as_ref().is_none_or(|target| target.starts_with('/') && !target.contains('#'));
        if !sound || said.any(|other| Some(other) != target) {
            return Err(Rejection::MalformedRequest);
        }
        let hosts = only(&head.headers, HOST)?.cloned().into_iter().chain(host).collect();
        Ok(Self { target, method, hosts })
    }

    fn path(&self) -> Option<&str> {
        self.target.as_deref().map(|target| target.split('?').next().unwrap_or_default())
    }
}

fn with_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// The value of a header that came once at most.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Rejection> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Rejection::MalformedRequest),
    }
}

/// A text in UTF-8: a browser escapes a target, but other clients send it as it is.
fn text(value: Option<&HeaderValue>) -> Result<Option<String>, Rejection> {
    let text = value.map(|value| std::str::from_utf8(value.as_bytes()).map(str::to_owned));
    text.transpose().map_err(|_| Rejection::MalformedRequest)
}

/// The host and the target of a URL; of a target itself, no host.
fn split(url: &str) -> Result<(Option<HeaderValue>, String), Rejection> {
    if url.starts_with('/') {
        return Ok((None, url.to_owned()));
    }
    let strip = |scheme: &str| {
        let start = url.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme))?;
        Some(&url[start.len()..])
    };
    let rest = strip("https://").or_else(|| strip("http://")).ok_or(Rejection::MalformedRequest)?;
    let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let known = Authority::parse(host.as_bytes()).and_then(|_| HeaderValue::from_str(host).ok());
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((Some(known.ok_or(Rejection::MalformedRequest)?), target))
}

const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
