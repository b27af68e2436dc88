//! pingora's heads: their headers as the gate edits them, and their request targets.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use pingora_core::{ErrorType::InvalidHTTPHeader, OrErr, Result, protocols::http::ServerSession};
use pingora_http::{
    RequestHeader, ResponseHeader,
    authority::{RawTargetAuthority, is_http_family_scheme, raw_target_authority},
};

use crate::{
    gate::{ClientInfo, Scheme},
    headers::{CasedName, HeaderTarget},
};

/// A head whose letter case pingora keeps beside its headers.
pub(crate) struct CasedHead<'a, H>(pub(crate) &'a mut H);

macro_rules! header_target {
    ($head:ty) => {
        impl HeaderTarget for CasedHead<'_, $head> {
            fn headers(&self) -> &HeaderMap {
                &self.0.headers
            }

            fn remove(&mut self, name: &HeaderName) {
                self.0.remove_header(name);
            }

            fn insert(&mut self, name: &CasedName, value: HeaderValue) {
                self.0.insert_header(name.title_case().clone(), value).expect("a name is valid in any letter case");
            }

            fn append(&mut self, name: &CasedName, value: HeaderValue) {
                self.0.append_header(name.title_case().clone(), value).expect("a name is valid in any letter case");
            }
        }
    };
}

header_target!(RequestHeader);
header_target!(ResponseHeader);

/// Tells the gate the peer of the connection, unless the proxy has told it the client behind that peer.
pub(super) fn know_client(session: &mut ServerSession) {
    if session.req_header().extensions.get::<ClientInfo>().is_none() {
        let peer = peer(session);
        session.req_header_mut().extensions_mut().insert(peer);
    }
}

/// The peer of the connection, and the scheme that it uses.
pub(crate) fn peer(session: &ServerSession) -> ClientInfo {
    let peer = session.client_addr().and_then(|address| address.as_inet());
    let is_tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    let scheme = if is_tls { Scheme::Https } else { Scheme::Http };
    ClientInfo { address: peer.map(|peer| peer.ip().to_canonical()), scheme: Some(scheme) }
}

/// Whether a target is an origin, an absolute URL or `*`: pingora reads others as if they had a leading slash.
pub(super) fn is_clear(request: &RequestHeader) -> bool {
    let target = request.raw_path();
    let scheme = |scheme: &[u8]| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    // Of other bytes pingora shows a replacement, and sends them to the app as they are.
    let is_text = request.raw_path_is_utf8();
    is_text && (target.starts_with(b"/") || target == b"*" || scheme(b"http://") || scheme(b"https://"))
}

/// Makes of an absolute target the path and query that it names; its host is the request's (RFC 9112 §3.2.2).
///
/// pingora refuses an absolute target whose host is not that of `Host`, byte for byte, before anyone sees it.
pub(crate) fn to_origin_form(request: &mut RequestHeader) -> Result<()> {
    if request.raw_path().starts_with(b"/") {
        return Ok(());
    }
    let RawTargetAuthority::Absolute { scheme, authority, path_and_query } = raw_target_authority(request.raw_path())
    else {
        return Ok(());
    };
    if !is_http_family_scheme(scheme) {
        return Ok(());
    }
    let target = match path_and_query {
        // RFC 9112 §3.2.4: the server is meant, not a resource.
        b"" if request.method == Method::OPTIONS => b"*".to_vec(),
        path if path.starts_with(b"/") => path.to_vec(),
        query => [b"/", query].concat(),
    };
    // HTTP/1.1 has to say `Host` itself.
    if request.version < Version::HTTP_11 && !request.headers.contains_key(header::HOST) {
        let host = HeaderValue::from_bytes(authority).or_err(InvalidHTTPHeader, "the host of a target is not text")?;
        request.insert_header(header::HOST, host)?;
    }
    request.set_raw_path(&target)
}

/// Whether an HTTP/1 head has a `Content-Length` beside a `Transfer-Encoding` (RFC 9112 §6.1).
///
/// pingora removes the length before anyone sees it, so the head is looked at as it came.
pub(super) fn is_framed_twice(session: &ServerSession) -> bool {
    let chunked = session.req_header().headers.contains_key(header::TRANSFER_ENCODING);
    let Some(session) = session.as_http1().filter(|_| chunked) else { return false };
    session.get_headers_raw_bytes().split(|byte| *byte == b'\n').any(names_content_length)
}

fn names_content_length(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(b"content-length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_found_whatever_its_letter_case() {
        for (line, found) in [
            (&b"Content-Length: 4\r"[..], true),
            (b"content-length:4\r", true),
            (b"X: content-length", false),
            (b"", false),
        ] {
            assert_eq!(names_content_length(line), found);
        }
    }

    #[test]
    fn a_target_without_a_leading_slash_is_not_clear() {
        for (target, clear) in [
            ("/a", true),
            ("*", true),
            ("http://app.example/a", true),
            ("a", false),
            ("a/b", false),
            ("a?b=http://c/", false),
        ] {
            let request = RequestHeader::build("GET", target.as_bytes(), None);
            assert_eq!(request.is_ok_and(|request| is_clear(&request)), clear, "{target}");
        }
    }
}
