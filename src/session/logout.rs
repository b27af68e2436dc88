//! The end of a session, on every gateway.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Extensions, Method, StatusCode, request::Parts};
use url::form_urlencoded;

use super::{
    carrier::Carrier,
    fetch_metadata::{is_led_by_us, loads_page},
    handler::Handler,
    login::query,
    reply,
    revocations::Revocation,
    state::SessionState,
    token::SentToken,
};
use crate::{
    backoff::jittered,
    gate::{Event, EventContext, LoginEvent, Rejection, Reply, RevocationScope},
    session::{
        ReturnUrl, Session,
        cookies::{CookieValue, OwnCookie},
    },
    store::StoreError,
};

impl Handler<'_> {
    /// `POST logout`: a script wants nothing more, a form wants to be sent on.
    pub(super) async fn logout(&self, head: &Parts, form: &[u8]) -> Reply {
        let next = form_urlencoded::parse(form).find(|(name, _)| name == "next").map(|(_, next)| next);
        let done = match next {
            Some(next) => self.logged_out(Some(&self.sessions.page(Some(&next)))),
            None if loads_page(&head.headers) => self.logged_out(None),
            None => Reply::new(StatusCode::NO_CONTENT),
        };
        self.log_out(head, done).await
    }

    /// `GET logout`: asks first, except where a page of this site leads a browser here, such as an app's own logout.
    pub(super) async fn logout_by_link(&self, head: &Parts) -> Reply {
        let next = query(head, "next").map(|next| self.sessions.page(Some(&next)));
        if head.method == Method::GET && is_led_by_us(&head.headers) {
            let done = self.logged_out(next.as_ref());
            return self.log_out(head, done).await;
        }
        self.sessions.logout_page(head, next.as_ref(), is_everywhere(head))
    }

    /// Sends a browser on after a logout: to where the request says, or to the usual place.
    fn logged_out(&self, next: Option<&ReturnUrl>) -> Reply {
        reply::redirect(StatusCode::SEE_OTHER, next.map_or(self.sessions.logout_url.as_str(), ReturnUrl::as_str))
    }

    /// Logs a browser out even if its client leaves before the answer.
    async fn log_out(&self, head: &Parts, done: Reply) -> Reply {
        let (handler, head) = (self.owned(), head.clone());
        match self.begin(async move { handler.borrow().log_out_now(&head, done).await }).await {
            Ok(reply) => reply,
            Err(told) => told.await.unwrap_or_else(|_| self.gate.reject(Rejection::StoreUnavailable)),
        }
    }

    async fn log_out_now(&self, head: &Parts, done: Reply) -> Reply {
        let everywhere = is_everywhere(head);
        let (token, state) = (self.sent_token(&head.headers, &[]), self.state(&head.headers).await);
        // A cookie that was not sealed here may be another gateway's, and an app with a token has none.
        let forgets = match (&state, token) {
            (SessionState::InvalidToken, _) => return self.refuse_token(),
            (SessionState::Conflicting, _) => return self.gate.reject(Rejection::ConflictingSessions),
            (SessionState::Absent, _) => false,
            (_, SentToken::Absent) => true,
            (_, _) => self.sessions.cookies.find(OwnCookie::Session, &head.headers) != CookieValue::Absent,
        };
        let mut sent = self.sent_sessions(&head.headers).await;
        if let SentToken::One(sealed) = token {
            sent.extend(self.sent_session(sealed, Carrier::Token).await);
            self.sessions.opened.forget(sealed);
        }
        let user = sent.first().map(|opened| opened.session().identity().profile().phone.clone());
        let mut ended = Ok(());
        for opened in sent {
            ended = ended.and(self.end_session(opened.session(), everywhere, &head.extensions).await);
        }
        self.drop_opened(&head.headers);
        let reply = match ended {
            Ok(()) => done,
            Err(_) => self.gate.reject_for(Rejection::StoreUnavailable, head),
        };
        // The browser forgets its session in any case, even if the store could not end it.
        let cleared = if forgets { self.clear_session("/") } else { Vec::new() };
        let reply = reply.with_cookies(cleared.into_iter().chain(self.sessions.expire_cookies("/")));
        Reply { user, ..reply }
    }

    /// Has a session ended before its time: here at once, and wherever the store is asked once it has heard of it.
    pub(super) async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        let sealed = revocation.seal(&self.sessions.sealer, &self.sessions.random);
        self.sessions.memory.revocations.note(revocation, self.gate.clock().now());
        let unstored = Arc::clone(&self.sessions.memory.unstored);
        let told = self.tell(&sealed).await;
        if told.is_err() {
            let handler = self.owned();
            self.sessions.tasks.spawn(Box::pin(async move {
                handler.borrow().tell_again(&sealed).await;
                drop(unstored);
            }));
        }
        told
    }

    async fn tell(&self, sealed: &Bytes) -> Result<(), StoreError> {
        self.ask(self.sessions.store.revoke(sealed.clone(), self.longest_session())).await
    }

    /// Tells the store again and again, for as long as it matters.
    async fn tell_again(&self, sealed: &Bytes) {
        let clock = self.gate.clock();
        let end = clock.now() + self.longest_session();
        while clock.now() < end {
            clock.sleep_until(clock.now() + jittered(LONGEST_PAUSE)).await;
            if self.tell(sealed).await.is_ok() {
                return;
            }
        }
    }

    async fn end_session(&self, session: &Session, everywhere: bool, request: &Extensions) -> Result<(), StoreError> {
        let identity = session.identity();
        let (phone, method) = (&identity.profile().phone, Some(identity.method()));
        let context = EventContext { user: Some(phone), method, ..EventContext::of(request) };
        let one = self.revoke(Revocation::session(session.id().clone(), session.end(self.sessions.lifetime))).await;
        let all = if everywhere {
            self.gate.observe_in(Event::Revocation(RevocationScope::User), &context);
            self.end_user(phone, Some(session)).await
        } else {
            Ok(())
        };
        self.gate.observe_in(Event::Login(LoginEvent::LoggedOut), &context);
        one.and(all)
    }
}

/// Whether all sessions of the user are to end.
fn is_everywhere(head: &Parts) -> bool {
    query(head, "everywhere").is_some_and(|everywhere| everywhere == "true")
}

/// The longest time until the store is told again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
