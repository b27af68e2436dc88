//! The head of a request on its way to the inner service.

use http::{HeaderValue, Uri, Version, header, request::Parts};

use crate::{gate::Gate, headers::Edits};

/// Edits a head as the gate says, and gives the inner service the identity.
pub(super) fn prepare(gate: &Gate, edits: &Edits, head: &mut Parts) {
    to_origin_form(head);
    gate.apply(edits, &mut head.headers);
    if let Some(identity) = edits.identity() {
        head.extensions.insert(identity.clone());
    }
    if let Some(lease) = edits.lease() {
        head.extensions.insert(lease.clone());
    }
}

/// Makes of an absolute target of HTTP/1 the path and query that it names; its host is the request's (RFC 9112 §3.2.2).
fn to_origin_form(head: &mut Parts) {
    let Some(authority) = head.uri.authority().filter(|_| head.version < Version::HTTP_2) else { return };
    if !head.headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(authority.as_str()).expect("an authority is visible ASCII");
        head.headers.insert(header::HOST, host);
    }
    head.uri = head.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn an_absolute_target_of_http_1_becomes_a_path_and_its_host_a_line() {
        for (uri, version, host, target, said) in [
            ("http://a.test/x?y", Version::HTTP_11, Some("A.Test"), "/x?y", Some("A.Test")),
            ("http://a.test:80/x", Version::HTTP_10, None, "/x", Some("a.test:80")),
            ("http://a.test", Version::HTTP_11, Some("a.test"), "/", Some("a.test")),
            ("/x", Version::HTTP_11, None, "/x", None),
            ("*", Version::HTTP_11, Some("a.test"), "*", Some("a.test")),
            ("https://a.test/x", Version::HTTP_2, None, "https://a.test/x", None),
        ] {
            let request = Request::builder().uri(uri).version(version);
            let request = host.into_iter().fold(request, |request, host| request.header(header::HOST, host));
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            to_origin_form(&mut head);
            assert_eq!(head.uri, target);
            assert_eq!(head.headers.get(header::HOST).map(|host| host.to_str().unwrap()), said, "{uri}");
        }
    }
}
