//! Whether a request may go on to the app, and with which identity.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, request::Parts};

use super::{
    SharedSessions,
    carrier::{Carrier, Renewal},
    fetch_metadata::{is_foreign, is_navigation, is_web_socket},
    handler::Handler,
    opened::OpenedSession,
    overrides::name_host,
    own_host::comes_from_its_own_host,
    page_answers::PageRequest,
    plugin::whole,
    reply,
    state::{Present, SessionState},
};
use crate::{
    access::{Access, Decision},
    gate::{ConnectionReuse, Rejection, Reply, Step, Verdict, plugin::Withheld},
    headers::{EditKind, Edits, ResponseEdits, Sender, UpstreamCookieEdits},
    host::TrustedProxy,
    profile::PhoneNumber,
    session::{PublicUrl, ReturnPath, cookies::CookieLines, page::RefusalReason},
};

impl Handler<'_> {
    /// Decides what becomes of a request for the app.
    pub(super) fn admit(&self, head: &Parts, withheld: &Withheld) -> Step {
        let Ok(decision) = self.sessions.rules.decide_for(head) else {
            return Step::Reply(self.gate.reject_for(Rejection::AmbiguousPath, head));
        };
        let Decision { access, rule, .. } = decision;
        let looks_at_session = !self.sessions.upstream_cookies.is_empty() || self.is_fallback_page(head.uri.path());
        if matches!(access, Access::Public) && !looks_at_session {
            return Step::Forward(Edits { sender: self.sender(head), ..Edits::by_rule(EditKind::Ordinary, rule) });
        }
        let (cookies, at) = (CookieLines::new(&head.headers, &withheld.cookies), self.present());
        let state = self.known_state(self.sent_token(&head.headers, &withheld.tokens), cookies, &at);
        match state {
            Ok(state) if !self.wants_ticket(&state, head) => {
                self.decide((access, rule), state, head, cookies, &at).into()
            }
            state => {
                let (handler, access, head) = (self.owned(), access.clone(), whole(head, withheld).into_owned());
                Step::Wait(Box::pin(async move {
                    let handler = handler.borrow();
                    let state = match state {
                        Ok(state) => state,
                        Err(pending) => handler.settle(pending).await,
                    };
                    let (wants_ticket, cookies) = (handler.wants_ticket(&state, &head), (&head.headers).into());
                    match handler.decide((&access, rule), state, &head, cookies, &handler.present()) {
                        Verdict::Forward(edits) if wants_ticket => {
                            Verdict::Forward(match handler.ticket(cookies, Some(&head.method), &head).await {
                                Some(ticket) => ticket.add_to(edits),
                                None => edits,
                            })
                        }
                        verdict => verdict,
                    }
                }))
            }
        }
    }

    fn wants_ticket(&self, state: &SessionState, head: &Parts) -> bool {
        self.carries_ticket(state, head.uri.path(), Some(&head.method), head)
    }

    fn decide(
        &self,
        (access, rule): (&Access, Option<usize>),
        state: SessionState,
        head: &Parts,
        cookies: CookieLines<'_>,
        at: &Present<'_>,
    ) -> Verdict {
        let app = self.sort_cookies(&state, cookies, head.uri.path());
        let (kind, response) = match permit(access, state) {
            Ok(Admitted::Signed(opened)) if self.is_hijacked(&opened, head) => {
                return Verdict::Reply(self.reject(Rejection::CrossSite, head));
            }
            Ok(_) if matches!(access, Access::Public) => {
                // The page has a ticket for some browsers only, so no cache may give it to all.
                let personal = self.is_fallback_page(head.uri.path());
                (EditKind::Ordinary, Arc::new(ResponseEdits { app, personal, ..ResponseEdits::default() }))
            }
            Ok(admitted) => self.admitted(admitted, rule, app, head.uri.path(), at),
            Err(refusal) => {
                let leads_to_login = is_navigation(&head.method, &head.headers) && !is_web_socket(head);
                let (login, asked) = (leads_to_login.then_some(""), PageRequest::of(head, self.public_url()));
                let refused = self.refuse(&refusal, login, asked, head.uri.path());
                return Verdict::Reply(Reply { connection: ConnectionReuse::after(head), rule, ..refused });
            }
        };
        Verdict::Forward(Edits { kind, sender: self.sender(head), rule, response: Some(response) })
    }

    fn sender(&self, head: &Parts) -> Sender {
        if head.extensions.get::<TrustedProxy>().is_some() {
            Sender::TrustedProxy
        } else if self.sessions.refuses_hosts && name_host(&head.headers) {
            Sender::ClientThatNamesHost
        } else {
            Sender::Client
        }
    }

    fn admitted(
        &self,
        admitted: Admitted,
        rule: Option<usize>,
        app: Option<UpstreamCookieEdits>,
        path: &str,
        at: &Present<'_>,
    ) -> (EditKind, Arc<ResponseEdits>) {
        match admitted {
            Admitted::Signed(opened) => {
                let session = opened.session();
                let assertion = self.gate.assert(session.identity(), Some(session.id().expose()));
                let (cookies, token) = match self.renewal(&opened, at.wall()) {
                    Some(Renewal::Cookie(line)) => (vec![line], None),
                    Some(Renewal::Token(token)) => (Vec::new(), Some(token)),
                    None => (Vec::new(), None),
                };
                let response =
                    ResponseEdits { cookies, token, app, lease: Some(self.lease(&opened, at)), personal: true };
                let (identity, set) = (session.identity().clone(), self.sessions.rules.headers(rule));
                let headers = opened.headers(self.gate.names(), set);
                (EditKind::Known { identity, headers, assertion }, Arc::new(response))
            }
            Admitted::Anonymous => (EditKind::Ordinary, self.sessions.personal(None, app)),
            Admitted::Forgotten => (EditKind::Ordinary, self.sessions.personal(self.forget(path), app)),
        }
    }

    /// The answer to a browser that may not go on: the login, or the reason. It leads to the login only if the beginning of its
    /// URL is given: an origin, or nothing for the host that the browser is on.
    pub(super) fn refuse(&self, refusal: &Refusal, login: Option<&str>, asked: PageRequest<'_>, path: &str) -> Reply {
        let (sessions, rejection) = (self.sessions, refusal.rejection());
        let refused = match (refusal, login) {
            (Refusal::NotSignedIn | Refusal::Forgotten, Some(origin)) => {
                let login = sessions.login_url(&ReturnPath::or_root(asked.target).into());
                reply::redirect(StatusCode::FOUND, &format!("{origin}{login}"))
            }
            // The client is an app, which reads no page.
            (Refusal::InvalidToken, _) => self.refuse_token(),
            (Refusal::NotAllowed(reason, phone), _) => {
                sessions.explain_not_allowed(self.gate.reject(rejection), *reason, phone, asked).for_user(phone)
            }
            _ => sessions.explain(self.gate.reject(rejection), rejection.code(), asked),
        };
        let forgets = matches!(refusal, Refusal::Forgotten);
        refused.with_cookies(forgets.then(|| self.forget(path)).into_iter().flatten())
    }
}

impl Handler<'_> {
    /// Whether another site's page opens a WebSocket in the name of the user (browsers send cookies with it), although the site
    /// is not one of those that may.
    pub(super) fn is_hijacked(&self, opened: &OpenedSession, head: &Parts) -> bool {
        let is_foreign = |origin: &PublicUrl| is_foreign(&head.headers, origin.origin());
        opened.carrier() == Carrier::Cookie
            && is_foreign(self.public_url())
            && is_web_socket(head)
            && !comes_from_its_own_host(head)
            && self.sessions.websocket_origins.iter().all(is_foreign)
    }
}

impl SharedSessions {
    /// Returns the edits for a response that depends on the user. Without cookies this does not allocate.
    fn personal(
        &self,
        cookies: impl IntoIterator<Item = HeaderValue>,
        app: Option<UpstreamCookieEdits>,
    ) -> Arc<ResponseEdits> {
        let mut cookies = cookies.into_iter().peekable();
        if cookies.peek().is_none() && app.is_none() {
            return Arc::clone(&self.personal);
        }
        Arc::new(ResponseEdits { cookies: cookies.collect(), app, personal: true, ..ResponseEdits::default() })
    }
}

/// Lets a browser in, or says why not.
pub(super) fn permit(access: &Access, state: SessionState) -> Result<Admitted, Refusal> {
    match (access, state) {
        (Access::Required(list), SessionState::Valid(opened)) => {
            let identity = opened.session().identity();
            if list.allows(identity) {
                return Ok(Admitted::Signed(opened));
            }
            let reason = if list.names(identity) { RefusalReason::Method } else { RefusalReason::Number };
            Err(Refusal::NotAllowed(reason, identity.profile().phone.clone()))
        }
        (Access::Required(_), SessionState::Absent) => Err(Refusal::NotSignedIn),
        (Access::Required(_), SessionState::Invalid) => Err(Refusal::Forgotten),
        (Access::Required(_), SessionState::Unknown) => Err(Refusal::Unknown),
        // An app would go on with a token that is over, if a page that is open to everyone said nothing.
        (Access::Required(_) | Access::Optional, SessionState::InvalidToken) => Err(Refusal::InvalidToken),
        (Access::Required(_) | Access::Optional, SessionState::Conflicting) => Err(Refusal::Conflicting),
        (Access::Optional, SessionState::Valid(opened)) => Ok(Admitted::Signed(opened)),
        (Access::Optional, SessionState::Invalid) => Ok(Admitted::Forgotten),
        (Access::Optional, SessionState::Absent | SessionState::Unknown) | (Access::Public, _) => {
            Ok(Admitted::Anonymous)
        }
    }
}

/// A browser that may go on.
pub(super) enum Admitted {
    /// With the identity of its session.
    Signed(Arc<OpenedSession>),
    Anonymous,
    /// Without an identity; its cookie is worth nothing and is to be cleared.
    Forgotten,
}

/// The reason why a browser may not continue.
pub(super) enum Refusal {
    NotSignedIn,
    /// As not signed in, with a cookie that is to be cleared.
    Forgotten,
    /// As not signed in, with a token that is worth nothing: its app is not led to the login.
    InvalidToken,
    /// With the token of one user and the cookie of another.
    Conflicting,
    /// For this reason, with this number.
    NotAllowed(RefusalReason, PhoneNumber),
    /// It is unknown whether the session is still valid.
    Unknown,
}

impl Refusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NotSignedIn | Self::Forgotten | Self::InvalidToken => Rejection::NotSignedIn,
            Self::Conflicting => Rejection::ConflictingSessions,
            Self::NotAllowed(..) => Rejection::NotAllowed,
            Self::Unknown => Rejection::StoreUnavailable,
        }
    }
}
