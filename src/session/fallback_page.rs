//! The site's own page that verifies numbers in its own way. Its requests carry the ticket of their browser's login, so that the
//! site can finish the login.

use std::sync::Arc;

use http::{HeaderValue, Method, request::Parts};

use super::{
    BrowserId, LoginTicket, ReturnUrl,
    cookies::CookieLines,
    fetch_metadata::{comes_from_elsewhere, is_navigation, is_ours, is_whole_tab, reads},
    handler::Handler,
    own_host::comes_from_its_own_host,
    state::SessionState,
};
use crate::{
    callback::RequestId,
    gate::Event,
    headers::{EditKind, Edits},
};

/// The page of the site, and all pages below it.
pub(super) struct FallbackPage {
    /// The origin of the page; none for a page that each host of the site has.
    origin: Option<Box<str>>,
    /// The path, without a slash at its end. It is empty for the root.
    path: Box<str>,
}

/// The ticket for a request, with the line for its browser if a login was started.
pub(super) struct IssuedTicket {
    pub(super) ticket: HeaderValue,
    pub(super) cookie: Option<HeaderValue>,
}

impl FallbackPage {
    pub(super) fn of(page: &ReturnUrl) -> Self {
        let path = page.path();
        Self { origin: page.origin().map(Into::into), path: path.strip_suffix('/').unwrap_or(path).into() }
    }

    /// Whether a path is that of the page or below it, as it is spelled. The root has nothing below it, because the site's other
    /// pages are there.
    pub(super) fn covers(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&*self.path) else { return false };
        if self.path.is_empty() { rest == "/" } else { rest.is_empty() || rest.starts_with('/') }
    }
}

impl Handler<'_> {
    /// Whether a request carries a ticket, if there is a login.
    ///
    /// A form or a script of another site must not finish a login in the name of a browser's user: the user would then be logged in
    /// with the number of an attacker. A form with `GET` is a navigation as a link is, in which pages finish no login.
    /// The method is none if only a proxy knows it.
    pub(super) fn carries_ticket(
        &self,
        state: &SessionState,
        path: &str,
        method: Option<&Method>,
        head: &Parts,
    ) -> bool {
        let has_no_session = matches!(state, SessionState::Absent | SessionState::Invalid);
        if !self.is_fallback_page(path) || !has_no_session {
            return false;
        }
        match method {
            Some(method) if reads(method) => {
                is_navigation(method, &head.headers) || !comes_from_elsewhere(&head.headers)
            }
            _ => is_ours(&head.headers, self.public_url().origin()) || comes_from_its_own_host(head),
        }
    }

    /// Whether a path on this host is that of a page whose requests carry tickets.
    pub(super) fn is_fallback_page(&self, path: &str) -> bool {
        let Some(page) = &self.sessions.fallback_page else { return false };
        let is_here = |origin: &str| origin == self.public_url().origin();
        page.covers(path) && page.origin.as_deref().is_none_or(is_here) && self.realm().is_some()
    }

    /// Returns the ticket of the browser's newest login, for a request that [carries](Self::carries_ticket) one. If no login is in
    /// progress, a person who opens the page or sends a form starts one.
    ///
    /// There is none if the store does not answer, if no login can be started, or if the browser can still get the session of a
    /// verified login: another login would take its place.
    pub(super) async fn ticket(
        &self,
        cookies: CookieLines<'_>,
        method: Option<&Method>,
        head: &Parts,
    ) -> Option<IssuedTicket> {
        if let Some(browser) = self.browser(cookies) {
            match self.login_of(&browser, None).await.ok()? {
                Some(login) if !login.state.is_end() => {
                    return Some(IssuedTicket { ticket: self.seal_ticket(login.request_id, browser), cookie: None });
                }
                Some(login) if self.verified_by(&login).await.is_some() => return None,
                _ => {}
            }
        }
        if !starts_login(method, head) {
            return None;
        }
        let opened = match self.gate.count_login(head) {
            Ok(()) => self.open_login(cookies, &head.extensions).await,
            Err(rejection) => Err(rejection),
        };
        match opened {
            Ok(login) => {
                let ticket = self.seal_ticket(login.request_id, login.browser);
                Some(IssuedTicket { ticket, cookie: Some(login.cookie) })
            }
            Err(rejection) => {
                // The request passes all the same.
                self.gate.observe(Event::Refusal(rejection));
                None
            }
        }
    }

    fn seal_ticket(&self, request_id: RequestId, browser: BrowserId) -> HeaderValue {
        let sessions = self.sessions;
        let expires = self.gate.clock().wall() + sessions.login_timeout;
        LoginTicket { request_id, browser, expires }.seal(&sessions.sealer, &sessions.random)
    }
}

impl IssuedTicket {
    /// Adds the ticket to the edits of a request that would carry nothing.
    pub(super) fn add_to(self, edits: Edits) -> Edits {
        let mut response = edits.response.map(Arc::unwrap_or_clone).unwrap_or_default();
        response.personal = true;
        response.cookies.extend(self.cookie);
        Edits { kind: EditKind::LoggingIn(self.ticket), response: Some(Arc::new(response)), ..edits }
    }
}

/// Whether a request that may carry a ticket is a person's who opens the page or sends a form. What a page loads besides starts no
/// login, and neither does a page of another site that frames this one.
fn starts_login(method: Option<&Method>, head: &Parts) -> bool {
    match method {
        Some(method) if reads(method) => {
            let is_seen = is_whole_tab(&head.headers) || !comes_from_elsewhere(&head.headers);
            *method == Method::GET && is_navigation(method, &head.headers) && is_seen
        }
        _ => true,
    }
}
