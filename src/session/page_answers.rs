//! The pages that people see, filled in for one request.

use http::{HeaderMap, Method, StatusCode, header, request::Parts, uri::PathAndQuery};
use url::form_urlencoded::byte_serialize;

use super::{
    SharedSessions,
    fetch_metadata::{is_foreign, loads_page, reads},
    handler::Handler,
    login::query,
    reply,
    state::SessionState,
};
use crate::{
    gate::{Reply, plugin::RETRY_AFTER},
    profile::PhoneNumber,
    session::{
        ReturnPath,
        page::{Language, Page, Problem, View, csp},
    },
};

/// The parts of a request that a page depends on.
#[derive(Clone, Copy)]
pub(super) struct PageRequest<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) method: &'a Method,
    /// Path and query, if they are known.
    pub(super) target: Option<&'a str>,
}

impl Handler<'_> {
    /// `GET login`: the page alone, whose script asks for a login; or on, for a browser that is logged in already.
    pub(super) async fn login_page(&self, head: &Parts) -> Reply {
        let next = self.sessions.next(query(head, "next").as_deref());
        match self.state(&head.headers).await {
            SessionState::Valid(opened) => {
                let on = reply::redirect(StatusCode::FOUND, next.as_str());
                on.with_cookies(self.renewal(opened.session(), self.gate.clock().wall()))
            }
            SessionState::Invalid => self.sessions.login_page(head, &next).with_cookies(self.sessions.forget("/")),
            SessionState::Absent | SessionState::Unknown(_) => self.sessions.login_page(head, &next),
        }
    }
}

impl SharedSessions {
    fn login_page(&self, head: &Parts, next: &ReturnPath) -> Reply {
        let page = Page::Login {
            path: self.path.as_str(),
            next: next.as_str(),
            fallback: &self.fallback(next),
            opens_app: self.links.open_app(),
            secure_url: &self.secure_url(head),
        };
        self.fill_in(Reply::new(StatusCode::OK), &head.headers, page, "")
    }

    /// `GET logout`: asks whether to log out.
    pub(super) fn logout_page(&self, head: &Parts, next: Option<&ReturnPath>, everywhere: bool) -> Reply {
        let page = Page::Logout { path: self.path.as_str(), next: next.map_or("", ReturnPath::as_str), everywhere };
        let origin = self.logout_url.origin().unwrap_or_default();
        self.fill_in(Reply::new(StatusCode::OK), &head.headers, page, &origin)
    }

    /// Puts a page for a person into a refusal, if a person waits for it and there is a page for it.
    pub(super) fn explain(&self, refused: Reply, code: &str, asked: PageRequest<'_>) -> Reply {
        if !loads_page(asked.headers) {
            return refused;
        }
        let again = self.again(asked);
        let (login, fallback) = (self.login_url(&again), self.fallback(&again));
        let page = match refused.response.status() {
            // A person who opens a page is sent to the login instead. Only a person who sent a form needs an explanation.
            StatusCode::UNAUTHORIZED if reads(asked.method) => return refused,
            StatusCode::UNAUTHORIZED => Page::Error { problem: Problem::Ended, code, link: &login },
            StatusCode::SERVICE_UNAVAILABLE => {
                Page::Unavailable { again: again.as_str(), fallback: &fallback, retry_after: RETRY_AFTER }
            }
            StatusCode::TOO_MANY_REQUESTS => Page::Error { problem: Problem::Busy, code, link: again.as_str() },
            status if status.is_server_error() => {
                Page::Error { problem: Problem::Unreachable, code, link: again.as_str() }
            }
            _ => Page::Error { problem: Problem::Wrong, code, link: "/" },
        };
        self.fill_in(refused, asked.headers, page, "")
    }

    /// Puts a page into a refusal for a user who is logged in with a number that is not listed.
    pub(super) fn explain_not_allowed(&self, refused: Reply, phone: &PhoneNumber, asked: PageRequest<'_>) -> Reply {
        if !loads_page(asked.headers) {
            return refused;
        }
        let (phone, next) = (masked(phone), self.login_url(&self.again(asked)));
        let page = Page::Refused { path: self.path.as_str(), phone: &phone, next: &next };
        self.fill_in(refused, asked.headers, page, "")
    }

    /// Puts a page in the browser's language into an answer.
    fn fill_in(&self, answer: Reply, headers: &HeaderMap, page: Page<'_>, form_origin: &str) -> Reply {
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        let language = Language::negotiate(&lines.collect::<Vec<_>>().join(","));
        let style_nonce = self.random.text();
        let view = View::new(language, self.partner.name(), &style_nonce, page);
        answer.into_page(self.pages.render(&view), &csp(&style_nonce, form_origin))
    }

    /// The login that leads to a page.
    pub(super) fn login_url(&self, next: &ReturnPath) -> String {
        format!("{}/login?next={}", self.path.as_str(), encoded(next))
    }

    /// Returns the page after a login: a path of this site that is not one of truegate's own, such as the logout.
    pub(super) fn next(&self, text: Option<&str>) -> ReturnPath {
        let next = ReturnPath::or_root(text);
        if self.path.covers(next.path()) { ReturnPath::default() } else { next }
    }

    /// The page to open again: the one that was asked for, or the one from which a form was sent, if it was one of this site.
    fn again(&self, asked: PageRequest<'_>) -> ReturnPath {
        if reads(asked.method) {
            return ReturnPath::or_root(asked.target);
        }
        let headers = asked.headers;
        let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok());
        let path = referer.and_then(|referer| referer.strip_prefix(self.public_url.origin()));
        self.next(path.filter(|_| !is_foreign(headers, self.public_url.origin())))
    }

    /// Returns the app's other way to log in, with `next` as a parameter; empty if there is none.
    fn fallback(&self, next: &ReturnPath) -> String {
        let Some(fallback) = &self.fallback else { return String::new() };
        let (page, fragment) =
            fallback.as_str().split_at(fallback.as_str().find('#').unwrap_or(fallback.as_str().len()));
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}next={}{fragment}", encoded(next))
    }
}

impl<'a> PageRequest<'a> {
    pub(super) fn of(head: &'a Parts) -> Self {
        let target = head.uri.path_and_query().map(PathAndQuery::as_str);
        Self { headers: &head.headers, method: &head.method, target }
    }
}

fn encoded(path: &ReturnPath) -> String {
    byte_serialize(path.as_str().as_bytes()).collect()
}

/// A number with all but its last two digits hidden.
fn masked(phone: &PhoneNumber) -> String {
    let digits = phone.as_str().trim_start_matches('+');
    let (hidden, shown) = digits.split_at(digits.len().saturating_sub(2));
    format!("+{}{shown}", "•".repeat(hidden.len()))
}
