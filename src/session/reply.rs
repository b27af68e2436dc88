//! The answers of truegate's own routes.

use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use super::carrier::Renewal;
use crate::{gate::Reply, headers::HeaderNames, session::page::SCRIPT};

impl Reply {
    /// The same answer as a page for a person, with its content security policy.
    pub(super) fn into_page(mut self, html: String, policy: &str) -> Self {
        *self.response.body_mut() = html.into();
        let headers = self.response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        let policy = HeaderValue::try_from(policy).expect("a policy is visible ASCII");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        self
    }

    /// The same answer with a session that was sealed anew, for its client.
    pub(super) fn with_renewal(mut self, renewal: Option<Renewal>, names: &HeaderNames) -> Self {
        let headers = self.response.headers_mut();
        match renewal {
            Some(Renewal::Cookie(line)) => drop(headers.append(header::SET_COOKIE, line)),
            Some(Renewal::Token(token)) => drop(headers.insert(names.token().name(), token)),
            None => {}
        }
        self
    }

    /// The same refusal of a token that is worth nothing (RFC 6750 §3.1).
    pub(super) fn with_challenge(mut self) -> Self {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        self.response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        self
    }

    /// The same answer with cookies for the browser.
    pub(super) fn with_cookies(mut self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        for cookie in cookies {
            self.response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        self
    }
}

/// An answer with JSON, which no cache may keep.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(body).expect("texts and numbers are always JSON");
    let mut reply = Reply::new(status).with_body("application/json", body);
    reply.response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

/// The script, which is the same for everyone.
pub(super) fn script(head: &Parts) -> Reply {
    let mut script = Reply::document("text/javascript; charset=utf-8", SCRIPT, head);
    script.response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    script
}

/// Has a browser open the same page again at once, as this site's own page.
pub(super) fn refresh() -> Reply {
    let mut reply = Reply::new(StatusCode::OK).with_body("text/html; charset=utf-8", Vec::new());
    reply.response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("0"));
    reply
}

/// Sends a browser elsewhere on this site.
pub(super) fn redirect(status: StatusCode, to: &str) -> Reply {
    let mut reply = Reply::new(status);
    let to = HeaderValue::try_from(to).expect("a path is visible ASCII");
    reply.response.headers_mut().insert(header::LOCATION, to);
    reply
}
