//! The beginning of a login: a request id, tied to the browser that asked for it.

use http::{Extensions, HeaderValue, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{handler::Handler, reply};
use crate::{
    callback::RequestId,
    gate::{Event, EventContext, LoginEvent, Rejection, Reply},
    session::{
        self, BrowserId, SealPurpose,
        cookies::{CookieLines, CookieValue, OwnCookie},
    },
    store::StoreError,
};

/// A login that was opened for a browser.
pub(super) struct OpenedLogin {
    pub(super) request_id: RequestId,
    pub(super) browser: BrowserId,
    /// The line that names the browser.
    pub(super) cookie: HeaderValue,
}

/// The answer to a script that started a login.
#[derive(Serialize)]
struct StartedLogin {
    request_id: String,
    deep_link: String,
    intent_link: String,
    /// Seconds.
    expires_in: u64,
    /// The return path of the login, if the script sent one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The body that a script may send.
#[derive(Default, Deserialize)]
struct LoginRequest {
    next: Option<String>,
}

impl Handler<'_> {
    /// `POST login`.
    pub(super) async fn start_login(&self, head: &Parts, body: &[u8]) -> Reply {
        if let Err(rejection) = self.gate.count_login(head) {
            return self.reject(rejection, head);
        }
        if self.realm().is_none() {
            return self.gate.reject_for(Rejection::MisdirectedRequest, head);
        }
        let Some(request) = LoginRequest::read(body) else {
            return self.gate.reject_for(Rejection::MalformedRequest, head);
        };
        let next = request.next.map(|next| self.sessions.next(Some(&next)).as_str().to_owned());
        let OpenedLogin { request_id, cookie, .. } =
            match self.open_login((&head.headers).into(), &head.extensions).await {
                Ok(opened) => opened,
                Err(rejection) => return self.gate.reject_for(rejection, head),
            };
        let started = StartedLogin {
            request_id: request_id.expose().to_owned(),
            deep_link: self.sessions.links.deep(&request_id),
            intent_link: self.sessions.links.intent(&request_id),
            expires_in: self.sessions.login_timeout.as_secs(),
            next,
        };
        reply::json(StatusCode::CREATED, &started).with_cookies([cookie])
    }

    /// Opens a login for a browser, which may have started others before.
    pub(super) async fn open_login(
        &self,
        cookies: CookieLines<'_>,
        request: &Extensions,
    ) -> Result<OpenedLogin, Rejection> {
        let sessions = self.sessions;
        let browser = self.browser(cookies).unwrap_or_else(|| BrowserId::generate(&sessions.random));
        let request_id = session::request_id(&sessions.random);
        let owner =
            sessions.sealer.seal(SealPurpose::Owner(&request_id), browser.expose().as_bytes(), &sessions.random).into();
        let opened = self.ask(sessions.store.open(&request_id, &browser, owner, sessions.login_timeout)).await;
        opened.map_err(|error| match error {
            StoreError::Full => Rejection::TooManyLogins,
            StoreError::Unavailable(_) => Rejection::StoreUnavailable,
        })?;
        self.gate.observe_in(Event::Login(LoginEvent::Started), &EventContext::of(request));
        sessions.memory.waiting.opened(&browser);
        let sealed = sessions.sealer.seal_text(self.login_purpose(), browser.expose().as_bytes(), &sessions.random);
        let cookie = sessions.cookies.set(OwnCookie::Browser, &sealed, sessions.login_timeout);
        Ok(OpenedLogin { request_id, browser, cookie })
    }

    /// The browser that started a login before, if it did.
    pub(super) fn browser<'c>(&self, cookies: impl Into<CookieLines<'c>>) -> Option<BrowserId> {
        let CookieValue::One(sealed) = self.sessions.cookies.find(OwnCookie::Browser, cookies) else { return None };
        let name = self.sessions.sealer.open_text(self.login_purpose(), sealed)?;
        BrowserId::parse(std::str::from_utf8(&name).ok()?)
    }

    /// The purpose of the cookie of a login: only the host that started a login continues it.
    fn login_purpose(&self) -> SealPurpose<'_> {
        SealPurpose::Browser(self.sessions.public_urls.host_realm(self.origin))
    }
}

impl LoginRequest {
    /// Reads the body, which may be empty.
    fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii().is_empty() { Some(Self::default()) } else { serde_json::from_slice(body).ok() }
    }
}

/// The first value of a parameter in the query.
pub(super) fn query(head: &Parts, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(head.uri.query()?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
