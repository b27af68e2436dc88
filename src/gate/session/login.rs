//! The beginning of a login: a nonce, tied to the browser that asked for it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    desk::{Desk, STORE_DEADLINE},
    reply,
};
use crate::{
    gate::{Event, LoginEvent, Rejection, Reply, reply::RETRY_AFTER},
    session::{
        self, BrowserId, Purpose, ReturnPath,
        cookies::{Kind, Value},
        page::{self, Language, LoginView, Pages, PagesError, UnavailableView},
    },
    store::OpenError,
};

/// A login that was started for a browser.
#[derive(Serialize)]
struct Started {
    request_id: String,
    deep_link: String,
    intent_link: String,
    /// Seconds.
    expires_in: u64,
    /// Where the browser may go afterwards, if it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip)]
    browser: HeaderValue,
}

/// What a script may send along.
#[derive(Default, Deserialize)]
struct Wish {
    next: Option<String>,
}

impl Desk {
    /// `GET login`.
    pub(super) async fn login_page(self, head: Parts) -> Reply {
        let style_nonce = session::random_text(&mut OsRng);
        let page = match self.start(&head.headers).await {
            Ok(started) => self.filled_in(&head, &started, &style_nonce).with_cookies([started.browser]),
            Err(rejection) => self.unavailable(&head, rejection, &style_nonce),
        };
        page.with_policy(&page::csp(&style_nonce))
    }

    fn filled_in(&self, head: &Parts, started: &Started, style_nonce: &str) -> Reply {
        let next = ReturnPath::or_root(query(head, "next").as_deref());
        let view = LoginView {
            language: language(&head.headers),
            path: self.mode.path.as_str(),
            request_id: &started.request_id,
            deep_link: &started.deep_link,
            intent_link: &started.intent_link,
            next: next.as_str(),
            fallback: self.mode.fallback.as_str(),
            expires_in: started.expires_in,
            partner: self.mode.partner.name(),
            style_nonce,
        };
        reply::page(StatusCode::OK, self.render(|pages| pages.login(&view)))
    }

    fn unavailable(&self, head: &Parts, rejection: Rejection, style_nonce: &str) -> Reply {
        let again = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let view = UnavailableView {
            language: language(&head.headers),
            again,
            fallback: self.mode.fallback.as_str(),
            retry_after: RETRY_AFTER,
            partner: self.mode.partner.name(),
            style_nonce,
        };
        let html = self.render(|pages| pages.unavailable(&view));
        let refused = self.gate.reject(rejection);
        let mut page = reply::page(refused.response.status(), html);
        page.response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER.into());
        page
    }

    /// A page from the operator's template, or from ours should that fail now, though it did not when it was loaded.
    fn render(&self, fill_in: impl Fn(&Pages) -> Result<String, PagesError>) -> String {
        let page = fill_in(&self.mode.pages).or_else(|_| fill_in(&Pages::default()));
        page.expect("the built-in pages can be filled in with anything")
    }

    /// `POST login`.
    pub(super) async fn start_login(self, head: Parts, body: Bytes) -> Reply {
        let Some(wish) = Wish::read(&body) else { return self.gate.reject(Rejection::MalformedRequest) };
        let next = wish.next.map(|next| ReturnPath::or_root(Some(&next)).as_str().to_owned());
        match self.start(&head.headers).await {
            Ok(started) => {
                let started = Started { next, ..started };
                reply::json(StatusCode::CREATED, &started).with_cookies([started.browser])
            }
            Err(rejection) => self.gate.reject(rejection),
        }
    }

    async fn start(&self, headers: &HeaderMap) -> Result<Started, Rejection> {
        let mode = &self.mode;
        let browser = self.browser(headers).unwrap_or_else(|| BrowserId::generate(&mut OsRng));
        let nonce = session::nonce(&mut OsRng);
        let owner = mode.sealer.seal(Purpose::Owner(&nonce), browser.expose().as_bytes()).into();
        let opened = self.ask(STORE_DEADLINE, mode.store.open(&nonce, &browser, owner, mode.login_timeout)).await;
        opened.map_err(|error| match error {
            OpenError::Full => Rejection::TooManyLogins,
            OpenError::Unavailable => Rejection::StoreUnavailable,
        })?;
        self.gate.observe(Event::Login(LoginEvent::Started));
        let sealed = mode.sealer.seal_text(Purpose::Browser, browser.expose().as_bytes());
        Ok(Started {
            request_id: nonce.expose().to_owned(),
            deep_link: mode.links.deep(&nonce),
            intent_link: mode.links.intent(&nonce),
            expires_in: mode.login_timeout.as_secs(),
            next: None,
            browser: mode.cookies.set(Kind::Browser, &sealed, mode.login_timeout),
        })
    }

    /// The browser that started a login before, if it did.
    pub(super) fn browser(&self, headers: &HeaderMap) -> Option<BrowserId> {
        let Value::One(sealed) = self.mode.cookies.find(Kind::Browser, headers) else { return None };
        let name = self.mode.sealer.open_text(Purpose::Browser, sealed)?;
        BrowserId::parse(std::str::from_utf8(&name).ok()?)
    }
}

impl Wish {
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

fn language(headers: &HeaderMap) -> Language {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
    Language::negotiate(&lines.collect::<Vec<_>>().join(","))
}
