//! The answers of truegate's own routes.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use serde::Serialize;

use crate::{
    gate::{Connection, Reply},
    session::page::SCRIPT,
};

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

    /// The same answer with cookies for the browser.
    pub(super) fn with_cookies(mut self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        for cookie in cookies {
            self.response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        self
    }
}

/// JSON, for nobody to keep.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(body).expect("texts and numbers are always JSON");
    reply(status, "application/json", "no-store", body.into())
}

/// The script, which is the same for everyone.
pub(super) fn script(head: &Parts) -> Reply {
    let body = Bytes::from_static(SCRIPT.as_bytes());
    let mut script = reply(StatusCode::OK, "text/javascript; charset=utf-8", "public, max-age=300", body);
    script.response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Reply { connection: Connection::after(head), ..script }
}

/// Sends a browser elsewhere on this site.
pub(super) fn redirect(status: StatusCode, to: &str) -> Reply {
    let mut reply = empty(status);
    let to = HeaderValue::try_from(to).expect("a path is visible ASCII");
    reply.response.headers_mut().insert(header::LOCATION, to);
    reply
}

/// A status, with nothing to add.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::empty();
    *reply.response.status_mut() = status;
    reply
}

fn reply(status: StatusCode, kind: &'static str, caching: &'static str, body: Bytes) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    Reply { response, connection: Connection::Keep }
}
