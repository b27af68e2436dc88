//! What rules look at in a request.

use http::{HeaderMap, HeaderValue, Method, header, request::Parts};

/// What rules look at in a request: its path, its method, and whether it is a preflight.
#[derive(Debug, Clone)]
pub struct RuleInput<'a> {
    pub(super) path: &'a str,
    /// None if nobody says.
    pub(super) method: Option<&'a Method>,
    /// Of a preflight, the method that the browser asks about.
    pub(super) preflight: Option<Method>,
}

impl<'a> RuleInput<'a> {
    /// What a request asks for.
    pub fn of(head: &'a Parts) -> Self {
        Self::new(head.uri.path(), Some(&head.method), &head.headers)
    }

    pub(super) fn get(path: &'a str) -> Self {
        Self { path, method: Some(&Method::GET), preflight: None }
    }

    /// The same for a request that somebody tells of. Without its method, it may only do what is open to every method.
    pub fn new(path: &'a str, method: Option<&'a Method>, headers: &HeaderMap) -> Self {
        let preflight = method.filter(|method| *method == Method::OPTIONS).and_then(|_| preflight(headers));
        Self { path, method, preflight }
    }
}

/// The method that a preflight asks about (Fetch §4.8): one that is not exactly as browsers send it is none.
fn preflight(headers: &HeaderMap) -> Option<Method> {
    one(headers, header::ORIGIN)?;
    let method = Method::from_bytes(one(headers, header::ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()?;
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length != "0" && !length.is_empty());
    (!has_body && !headers.contains_key(header::UPGRADE)).then_some(method)
}

fn one(headers: &HeaderMap, name: header::HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|value| !value.is_empty() && values.next().is_none())
}

/// Whether a method is registered at IANA, in this spelling: what an app makes of another, nobody knows. Some take `post` for
/// `POST`.
pub(super) fn is_registered(method: &Method) -> bool {
    REGISTERED.contains(&method.as_str())
}

const REGISTERED: [&str; 40] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_about(method: &str, headers: &[(&str, &str)]) -> Option<Method> {
        let mut request = http::Request::builder().method(method).uri("/a");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        RuleInput::of(&head).preflight
    }

    #[test]
    fn a_preflight_is_as_browsers_send_it() {
        let usual = [("origin", "https://app.example"), ("access-control-request-method", "PUT")];
        assert_eq!(asks_about("OPTIONS", &usual), Some(Method::PUT));
        let more = [usual[0], usual[1], ("access-control-request-headers", "x-a"), ("content-length", "0")];
        assert_eq!(asks_about("OPTIONS", &more), Some(Method::PUT));
        for (method, headers) in [
            ("GET", &usual[..]),
            ("options", &usual),
            ("OPTIONS", &usual[..1]),
            ("OPTIONS", &usual[1..]),
            ("OPTIONS", &[usual[0], usual[0], usual[1]]),
            ("OPTIONS", &[usual[0], usual[1], usual[1]]),
            ("OPTIONS", &[usual[0], ("access-control-request-method", "")]),
            ("OPTIONS", &[usual[0], ("access-control-request-method", "P T")]),
            ("OPTIONS", &[usual[0], usual[1], ("content-length", "1")]),
            ("OPTIONS", &[usual[0], usual[1], ("transfer-encoding", "chunked")]),
            ("OPTIONS", &[usual[0], usual[1], ("upgrade", "websocket")]),
        ] {
            assert_eq!(asks_about(method, headers), None, "{method} {headers:?}");
        }
    }
}
