//! The pages that people see, filled in for one request.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts, uri::PathAndQuery};
use url::form_urlencoded::byte_serialize;

use super::{
    SharedSessions,
    fetch_metadata::{comes_from_elsewhere, is_foreign, is_navigation, loads_page, reads},
    handler::Handler,
    login::query,
    reply,
    state::SessionState,
};
use crate::{
    gate::{Rejection, Reply, plugin::RETRY_AFTER},
    profile::PhoneNumber,
    session::{
        PublicUrl, ReturnPath, ReturnUrl, SameSite,
        page::{Language, Page, Problem, RefusalReason, View, csp},
    },
};

/// The parts of a request that a page depends on.
#[derive(Clone, Copy)]
pub(super) struct PageRequest<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) method: &'a Method,
    /// Path and query, if they are known.
    pub(super) target: Option<&'a str>,
    /// The origin of the site that the request is for.
    pub(super) here: &'a PublicUrl,
}

impl Handler<'_> {
    /// `GET login`: the page alone, whose script asks for a login; or on, for a browser that is logged in already.
    pub(super) async fn login_page(&self, head: &Parts) -> Reply {
        let next = self.sessions.next(query(head, "next").as_deref());
        match self.state(&head.headers).await {
            SessionState::Valid(opened) => {
                let on = reply::redirect(StatusCode::FOUND, next.as_str());
                on.with_renewal(self.renewal(&opened, self.gate.clock().wall()), self.gate.names())
            }
            SessionState::Conflicting => self.gate.reject_for(Rejection::ConflictingSessions, head),
            SessionState::Invalid => self.login_or_next(head, &next, self.forget("/")).await,
            SessionState::Absent if self.withholds_session(head) => reply::refresh(),
            SessionState::Absent => self.login_or_next(head, &next, None).await,
            SessionState::InvalidToken | SessionState::Unknown => self.fill_in_login(head, &next),
        }
    }

    /// Shows the login to a browser without a session, or hands over the session of a login that is verified by now.
    async fn login_or_next(
        &self,
        head: &Parts,
        next: &ReturnUrl,
        forgotten: impl IntoIterator<Item = HeaderValue>,
    ) -> Reply {
        // What a script asks, such as that of the login page, does not cost the store a question.
        let is_page = is_navigation(&head.method, &head.headers);
        let handed_over = if is_page { self.hand_over_newest(head).await } else { None };
        let answer = match &handed_over {
            Some(_) => reply::redirect(StatusCode::FOUND, next.as_str()),
            None => self.fill_in_login(head, next),
        };
        answer.with_cookies(forgotten).with_cookies(handed_over.into_iter().flatten())
    }

    fn fill_in_login(&self, head: &Parts, next: &ReturnUrl) -> Reply {
        let (sessions, here) = (self.sessions, self.public_url());
        let page = Page::Login {
            path: sessions.path.as_str(),
            next: next.as_str(),
            fallback: &sessions.fallback(next, here),
            opens_app: sessions.links.open_app(),
            secure_url: &sessions.secure_url(head, here),
        };
        sessions.fill_in(Reply::new(StatusCode::OK), &head.headers, page, "")
    }

    /// Whether a browser may have a session that it does not send, because a page of another site led it here: cookies with
    /// `SameSite=Strict` come only once a page of the site itself opens a page.
    fn withholds_session(&self, head: &Parts) -> bool {
        self.sessions.same_site == SameSite::Strict && comes_from_elsewhere(&head.headers)
    }
}

impl SharedSessions {
    /// `GET logout`: asks whether to log out.
    pub(super) fn logout_page(&self, head: &Parts, next: Option<&ReturnUrl>, everywhere: bool) -> Reply {
        let page = Page::Logout { path: self.path.as_str(), next: next.map_or("", ReturnUrl::as_str), everywhere };
        let origin = match next {
            Some(next) => next.origin().map(str::to_owned),
            None => self.logout_url.origin(),
        };
        let origin = origin.unwrap_or_default();
        self.fill_in(Reply::new(StatusCode::OK), &head.headers, page, &origin)
    }

    /// Puts a page for a person into a refusal, if a person waits for it and there is a page for it.
    pub(super) fn explain(&self, refused: Reply, code: &str, asked: PageRequest<'_>) -> Reply {
        if !loads_page(asked.headers) {
            return refused;
        }
        let again = self.again(asked);
        let (login, fallback) = (self.login_url(&again), self.fallback(&again, asked.here));
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
            // Every page of this host is refused.
            StatusCode::MISDIRECTED_REQUEST => Page::Error { problem: Problem::Wrong, code, link: asked.here.origin() },
            _ => Page::Error { problem: Problem::Wrong, code, link: "/" },
        };
        self.fill_in(refused, asked.headers, page, "")
    }

    /// Puts a page into a refusal for a user who is logged in and not allowed.
    pub(super) fn explain_not_allowed(
        &self,
        refused: Reply,
        reason: RefusalReason,
        phone: &PhoneNumber,
        asked: PageRequest<'_>,
    ) -> Reply {
        if !loads_page(asked.headers) {
            return refused;
        }
        let (phone, next) = (masked(phone), self.login_url(&self.again(asked)));
        let page = Page::Refused { path: self.path.as_str(), reason, phone: &phone, next: &next };
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
    pub(super) fn login_url(&self, next: &ReturnUrl) -> String {
        format!("{}/login?next={}", self.path.as_str(), encoded(next))
    }

    /// Returns a page of the site. Defaults to the root of the host if there is none, or if it is refused.
    pub(super) fn page(&self, text: Option<&str>) -> ReturnUrl {
        text.and_then(|text| ReturnUrl::parse(text, &self.public_urls)).unwrap_or_default()
    }

    /// Returns the page after a login: one of the site that is not one of truegate's own, such as the logout.
    pub(super) fn next(&self, text: Option<&str>) -> ReturnUrl {
        let next = self.page(text);
        if self.path.covers(next.path()) { ReturnUrl::default() } else { next }
    }

    /// The page to open again: the one that was asked for, or the one from which a form was sent, if it was one of this site.
    fn again(&self, asked: PageRequest<'_>) -> ReturnUrl {
        if reads(asked.method) {
            return ReturnPath::or_root(asked.target).into();
        }
        let (headers, here) = (asked.headers, asked.here.origin());
        let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok());
        let path = referer.and_then(|referer| referer.strip_prefix(here)).filter(|path| path.starts_with('/'));
        self.next(path.filter(|_| !is_foreign(headers, here)))
    }

    /// Returns the app's other way to log in, with `next` as a parameter; empty if there is none.
    fn fallback(&self, next: &ReturnUrl, here: &PublicUrl) -> String {
        let Some(fallback) = &self.fallback else { return String::new() };
        // A path means nothing to a page of another host.
        let seen = fallback.origin().map(|_| next.seen_from(here));
        let next = seen.as_ref().unwrap_or(next);
        let (page, fragment) =
            fallback.as_str().split_at(fallback.as_str().find('#').unwrap_or(fallback.as_str().len()));
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}next={}{fragment}", encoded(next))
    }
}

impl<'a> PageRequest<'a> {
    pub(super) fn of(head: &'a Parts, here: &'a PublicUrl) -> Self {
        let target = head.uri.path_and_query().map(PathAndQuery::as_str);
        Self { headers: &head.headers, method: &head.method, target, here }
    }
}

fn encoded(page: &ReturnUrl) -> String {
    byte_serialize(page.as_str().as_bytes()).collect()
}

/// A number with all but its last two digits hidden.
fn masked(phone: &PhoneNumber) -> String {
    let digits = phone.as_str().trim_start_matches('+');
    let (hidden, shown) = digits.split_at(digits.len().saturating_sub(2));
    format!("+{}{shown}", "•".repeat(hidden.len()))
}
