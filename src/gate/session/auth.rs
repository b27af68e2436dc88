//! Forward-auth: another proxy asks about a request before it lets it pass.
//!
//! nginx (`auth_request`), Caddy (`forward_auth`), Traefik (ForwardAuth) and Envoy (`ext_authz`) send the head of the
//! request in question here. On 200 they let it pass, with the identity headers of the answer; any other status is the
//! answer to the browser.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request::Parts};

use super::{
    admission::{Guest, Refusal},
    desk::Desk,
    login::query,
    reply,
    visitor::is_navigation,
};
use crate::{
    access::{Access, AllowList},
    gate::{Rejection, Reply},
    identity::Identity,
};

/// Marks a request whose peer is a proxy of the operator's own: put it into the request's extensions.
///
/// Only then the headers by which a proxy says what it asks about are believed.
///
/// # Security
///
/// A client that could reach the gate so marked chooses the rule that it is judged by.
#[derive(Debug, Clone, Copy)]
pub struct TrustedProxy;

/// The request that a proxy asks about.
struct Original {
    /// Its path and query, if it is known.
    target: Option<String>,
    method: Method,
    /// The host that it is for, if it is known.
    host: Option<HeaderValue>,
}

impl Desk {
    /// Any method on `auth`, or below it.
    pub(super) async fn authorize(self, head: Parts, asked: String) -> Reply {
        let original = match Original::of(&head, &asked) {
            Ok(original) => original,
            Err(rejection) => return self.gate.reject(rejection),
        };
        let required = Access::Required(AllowList::default());
        let access = match original.path().map(|path| self.mode.rules.access(path)) {
            Some(Ok(access)) => access,
            Some(Err(_)) => return self.gate.reject(Rejection::AmbiguousPath),
            None => &required,
        };
        match self.mode.permit(access, self.standing(&head.headers).await) {
            Ok(Guest::Known(_)) if self.mode.is_hijacked(&head) => self.gate.reject(Rejection::CrossSite),
            Ok(Guest::Known(session)) => {
                let assertion = self.gate.assert(session.identity(), Some(session.id().expose()));
                self.pass(Some(session.identity()), assertion).with_cookies(self.renewal(&session))
            }
            Ok(Guest::Stranger) => self.pass(None, None),
            Ok(Guest::Forgotten) => {
                self.pass(None, None).with_cookies(self.mode.forget(original.path().unwrap_or("/")))
            }
            Err(refusal) => self.turn_away(refusal, &original, &head),
        }
    }

    /// Lets a request pass: every header is there, so that a proxy that copies them overwrites what a client sent.
    fn pass(&self, identity: Option<&Identity>, assertion: Option<HeaderValue>) -> Reply {
        let mut reply = reply::empty(StatusCode::OK);
        let (names, headers) = (self.gate.names(), reply.response.headers_mut());
        names.declare(headers, identity);
        if self.gate.0.asserter.is_some() {
            headers.insert(names.assertion(), assertion.unwrap_or(HeaderValue::from_static("")));
        }
        reply
    }

    fn turn_away(&self, refusal: Refusal, original: &Original, head: &Parts) -> Reply {
        let wants_redirect = query(head, "redirect").is_some_and(|redirect| redirect == "true");
        let refused = match refusal.rejection() {
            Rejection::NotSignedIn if wants_redirect && is_navigation(&original.method, &head.headers) => {
                let is_here = original.host.as_ref().is_none_or(|host| self.mode.public_url.is_host(host.as_bytes()));
                self.mode.to_login(original.target.as_deref().filter(|_| is_here))
            }
            reason => self.gate.reject(reason),
        };
        let forgets = matches!(refusal, Refusal::Forgotten);
        let path = original.path().unwrap_or("/");
        refused.with_cookies(forgets.then(|| self.mode.forget(path)).into_iter().flatten())
    }
}

impl Original {
    /// What a proxy says that it asks about, if it is one to be believed.
    fn of(head: &Parts, asked: &str) -> Result<Self, Rejection> {
        if head.extensions.get::<TrustedProxy>().is_none() {
            return Ok(Self { target: None, method: head.method.clone(), host: None });
        }
        let appended = (!asked.is_empty()).then(|| with_query(asked, head.uri.query()));
        let method = match only(&head.headers, METHOD)? {
            Some(method) => Method::from_bytes(method.as_bytes()).map_err(|_| Rejection::MalformedRequest)?,
            None => head.method.clone(),
        };
        let said = [text(only(&head.headers, URI)?)?, text(only(&head.headers, ORIGINAL_URI)?)?, appended];
        let mut said = said.into_iter().flatten();
        let target = said.next();
        // A target has no fragment (RFC 9112 §3.2): where the path ends that has a `#` in it, each reader decides.
        let sound = target.as_ref().is_none_or(|target| target.starts_with('/') && !target.contains('#'));
        if !sound || said.any(|other| Some(other) != target) {
            return Err(Rejection::MalformedRequest);
        }
        Ok(Self { target, method, host: only(&head.headers, HOST)?.cloned() })
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

fn text(value: Option<&HeaderValue>) -> Result<Option<String>, Rejection> {
    let text = value.map(|value| value.to_str().map(str::to_owned));
    text.transpose().map_err(|_| Rejection::MalformedRequest)
}

const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
