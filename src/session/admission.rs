//! Whether a request may go on to the app, and as whose.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, request::Parts, uri::PathAndQuery};

use super::{
    Mode, Sessions, TrustedProxy,
    desk::Desk,
    host::comes_from_its_own_host,
    pages::Asked,
    reply,
    standing::{Claim, Standing},
    visitor::{is_foreign, is_navigation, is_web_socket},
};
use crate::{
    access::{Access, RuleInput},
    gate::{Connection, Gate, Lookup, Rejection, Reply, Step, Verdict},
    headers::{AppCookies, Edits, ResponseEdits},
    profile::PhoneNumber,
    session::{ReturnPath, Session},
};

impl Sessions {
    /// Decides what becomes of a request for the app.
    pub(super) fn admit(&self, gate: &Gate, head: &Parts) -> Step {
        let Ok(access) = self.0.rules.access_for(&RuleInput::of(head)) else {
            return Step::Reply(gate.reject_for(Rejection::AmbiguousPath, head));
        };
        if matches!(access, Access::Public) && self.0.upstream_cookies.is_empty() {
            return Step::Forward(Edits::strip(gate.names()).by_proxy(is_by_proxy(head)));
        }
        match self.claim(gate, &head.headers) {
            Claim::Settled(standing) => self.0.decide(gate, access, standing, head).into(),
            Claim::Open(session) => self.decide_later(gate, head, session),
        }
    }

    fn decide_later(&self, gate: &Gate, head: &Parts, session: Session) -> Step {
        let (desk, head) = (Desk::new(gate, self), head.clone());
        Step::Lookup(Lookup::new(async move {
            let standing = desk.settle(session).await;
            match desk.mode.rules.access_for(&RuleInput::of(&head)) {
                Ok(access) => desk.mode.decide(&desk.gate, access, standing, &head),
                Err(_) => Verdict::Reply(desk.gate.reject_for(Rejection::AmbiguousPath, &head)),
            }
        }))
    }
}

impl Mode {
    fn decide(self: &Arc<Self>, gate: &Gate, access: &Access, standing: Standing, head: &Parts) -> Verdict {
        let (kept, app) = self.sort_cookies(&standing, head);
        if matches!(access, Access::Public) {
            let response = ResponseEdits { app, ..ResponseEdits::default() };
            return Verdict::Forward(
                Edits::strip(gate.names()).keeping(kept).by_proxy(is_by_proxy(head)).answering(response),
            );
        }
        match self.permit(access, standing) {
            Ok(Guest::Known(_)) if self.is_hijacked(head) => {
                Verdict::Reply(rejection(gate, Rejection::CrossSite, head))
            }
            Ok(guest) => {
                let edits = self.edits(gate, guest, app, head.uri.path());
                Verdict::Forward(edits.keeping(kept).by_proxy(is_by_proxy(head)))
            }
            Err(refusal) => Verdict::Reply(self.refuse(gate, &refusal, head)),
        }
    }

    /// Lets a browser in, or says why not.
    pub(super) fn permit(&self, access: &Access, standing: Standing) -> Result<Guest, Refusal> {
        match (access, standing) {
            (Access::Public, _) => Ok(Guest::Stranger),
            (Access::Required(list), Standing::Known(session)) => {
                if list.allows(&session.identity().profile().phone) {
                    Ok(Guest::Known(session))
                } else {
                    Err(Refusal::NotAllowed(session.identity().profile().phone.clone()))
                }
            }
            (Access::Optional, Standing::Known(session)) => Ok(Guest::Known(session)),
            (Access::Optional, Standing::Nobody | Standing::Unsure(_)) => Ok(Guest::Stranger),
            (Access::Optional, Standing::Worthless) => Ok(Guest::Forgotten),
            (Access::Required(_), Standing::Nobody) => Err(Refusal::NotSignedIn),
            (Access::Required(_), Standing::Worthless) => Err(Refusal::Forgotten),
            (Access::Required(_), Standing::Unsure(_)) => Err(Refusal::Unsure),
        }
    }

    fn edits(self: &Arc<Self>, gate: &Gate, guest: Guest, app: Option<AppCookies>, path: &str) -> Edits {
        match guest {
            Guest::Known(session) => {
                let assertion = gate.assert(session.identity(), Some(session.id().expose()));
                let edits = Edits::known(gate.names(), session.identity().clone(), assertion);
                edits.answering(ResponseEdits {
                    cookies: self.renewal(&session, gate.clock().wall()).into_iter().collect(),
                    app,
                    lease: Some(Sessions::lease(gate, self, &session)),
                    personal: true,
                })
            }
            Guest::Stranger => Edits::strip(gate.names()).answering(self.personal(None, app)),
            Guest::Forgotten => Edits::strip(gate.names()).answering(self.personal(self.forget(path), app)),
        }
    }

    /// What is done to a response that depends on who asked; without cookies it costs no allocation.
    fn personal(&self, cookies: impl IntoIterator<Item = HeaderValue>, app: Option<AppCookies>) -> Arc<ResponseEdits> {
        let mut cookies = cookies.into_iter().peekable();
        if cookies.peek().is_none() && app.is_none() {
            return Arc::clone(&self.personal);
        }
        Arc::new(ResponseEdits { cookies: cookies.collect(), app, lease: None, personal: true })
    }

    fn refuse(&self, gate: &Gate, refusal: &Refusal, head: &Parts) -> Reply {
        let refused = match (refusal.rejection(), refusal) {
            (Rejection::NotSignedIn, _) if is_navigation(&head.method, &head.headers) && !is_web_socket(head) => {
                let next = head.uri.path_and_query().map(PathAndQuery::as_str);
                Reply { connection: Connection::after(head), ..self.to_login(next) }
            }
            (reason, Refusal::NotAllowed(phone)) => {
                let refused = Reply { connection: Connection::after(head), ..gate.reject(reason) };
                self.explain_not_allowed(refused, phone, Asked::of(head))
            }
            (reason, _) => rejection(gate, reason, head),
        };
        let forgets = matches!(refusal, Refusal::Forgotten);
        let forgotten = forgets.then(|| self.forget(head.uri.path()));
        refused.with_cookies(forgotten.into_iter().flatten())
    }

    /// Sends a person to the login, and from there to where they were going.
    pub(super) fn to_login(&self, next: Option<&str>) -> Reply {
        reply::redirect(StatusCode::FOUND, &self.login_url(&ReturnPath::or_root(next)))
    }

    /// Whether another site's page opens a WebSocket in the name of the user (browsers send cookies with it).
    pub(super) fn is_hijacked(&self, head: &Parts) -> bool {
        let is_foreign = is_foreign(&head.headers, self.public_url.origin()) && !comes_from_its_own_host(head);
        is_web_socket(head) && is_foreign
    }
}

/// Whether a request came by a proxy that may say where the app is mounted.
fn is_by_proxy(head: &Parts) -> bool {
    head.extensions.get::<TrustedProxy>().is_some()
}

/// Who may go on.
pub(super) enum Guest {
    Known(Session),
    Stranger,
    /// One whose cookie is worth nothing, and is to be cleared.
    Forgotten,
}

/// Why a browser may not go on.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    NotSignedIn,
    /// As not signed in, with a cookie that is to be cleared.
    Forgotten,
    /// With this number.
    NotAllowed(PhoneNumber),
    Unsure,
}

impl Refusal {
    pub(super) fn rejection(&self) -> Rejection {
        match self {
            Self::NotSignedIn | Self::Forgotten => Rejection::NotSignedIn,
            Self::NotAllowed(_) => Rejection::NotAllowed,
            Self::Unsure => Rejection::StoreUnavailable,
        }
    }
}

fn rejection(gate: &Gate, reason: Rejection, head: &Parts) -> Reply {
    Reply { connection: Connection::after(head), ..gate.reject_for(reason, head) }
}
