//! The check of a request's head: the gate refuses a head that two servers could read in two ways.

use http::{HeaderMap, Method, Version, header, request::Parts};

use super::Rejection;
use crate::{
    headers::{HeaderSurvey, Lines, tokens},
    host::Authority,
};

/// What to do with an HTTP/1.1 request without a `Host`, which RFC 9112 §3.2 forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingHost {
    /// Requests made in the same process, in an app's own tests, have none.
    Pass,
    Refuse,
}

/// Refuses a head that the HTTP libraries let through and that the next server might read differently.
pub(super) fn check(head: &Parts, survey: &HeaderSurvey<'_>, missing_host: MissingHost) -> Result<(), Rejection> {
    if is_tunnel(head) || head.method == Method::TRACE {
        return Err(Rejection::MethodNotAllowed { allow: METHODS });
    }
    let sound = host_is_clear(head, survey.host, missing_host)
        && transfer_encoding_is_clear(head.version, survey)
        && length_is_clear(survey.content_length)
        && connection_is_clear(&head.headers, survey.connection);
    if sound { Ok(()) } else { Err(Rejection::MalformedRequest) }
}

/// A plain `CONNECT` names no path; the extended one of RFC 8441, for WebSockets over HTTP/2, does.
fn is_tunnel(head: &Parts) -> bool {
    let extended = head.version >= Version::HTTP_2 && head.uri.path_and_query().is_some();
    head.method == Method::CONNECT && !extended
}

fn host_is_clear(head: &Parts, hosts: Lines<'_>, missing_host: MissingHost) -> bool {
    let parse = Authority::parse;
    match (hosts, head.uri.authority()) {
        (Lines::Several, _) => false,
        (Lines::None, _) if missing_host == MissingHost::Refuse && head.version == Version::HTTP_11 => false,
        (Lines::None, None) => true,
        (Lines::None, Some(authority)) => parse(authority.as_str().as_bytes()).is_some(),
        (Lines::One(host), None) => parse(host.as_bytes()).is_some(),
        (Lines::One(host), Some(authority)) => {
            let both = parse(host.as_bytes()).zip(parse(authority.as_str().as_bytes()));
            both.is_some_and(|(host, authority)| host.is_same(&authority, head.uri.scheme_str()))
        }
    }
}

/// Whether there is no `Transfer-Encoding`, or one `chunked` in HTTP/1.1 without a length beside it (RFC 9112 §6.1).
fn transfer_encoding_is_clear(version: Version, survey: &HeaderSurvey<'_>) -> bool {
    match survey.transfer_encoding {
        Lines::None => true,
        Lines::One(encoding) => {
            let chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
            chunked && version == Version::HTTP_11 && survey.content_length == Lines::None
        }
        Lines::Several => false,
    }
}

fn length_is_clear(lengths: Lines<'_>) -> bool {
    match lengths {
        Lines::None => true,
        Lines::One(length) => {
            (1..=MAX_LENGTH_DIGITS).contains(&length.len()) && length.as_bytes().iter().all(u8::is_ascii_digit)
        }
        Lines::Several => false,
    }
}

/// Whether `Connection` has a few tokens only (RFC 9110 §7.6.1), and none that makes the next hop drop the host or the client of
/// the request.
///
/// pingora refuses the same heads, but only when it prepares the request for the app. By then a callback's token is used up.
fn connection_is_clear(headers: &HeaderMap, lines: Lines<'_>) -> bool {
    match lines {
        Lines::None => true,
        // Nearly always a single option.
        Lines::One(line) if is_token(line.as_bytes()) => !is_never_nominated(line.as_bytes()),
        Lines::One(line) => options_are_clear(tokens(line)),
        Lines::Several => options_are_clear(headers.get_all(header::CONNECTION).iter().flat_map(tokens)),
    }
}

fn options_are_clear<'a>(options: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut count = 0;
    for option in options {
        let option = option.trim_ascii();
        count += usize::from(!option.is_empty());
        if is_never_nominated(option) || count > MAX_CONNECTION_OPTIONS || !is_token(option) {
            return false;
        }
    }
    true
}

fn is_never_nominated(option: &[u8]) -> bool {
    NEVER_NOMINATED.iter().any(|name| option.eq_ignore_ascii_case(name))
}

/// Whether there is nothing but the characters of a token, if anything at all.
fn is_token(option: &[u8]) -> bool {
    option.iter().all(|byte| TOKEN_BYTES[usize::from(*byte)])
}

/// The `tchar`s of RFC 9110 §5.6.2.
const TOKEN_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < allowed.len() {
        allowed[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        allowed[marks[at] as usize] = true;
        at += 1;
    }
    allowed
};

const NEVER_NOMINATED: [&[u8]; 4] = [b"host", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"];

/// The number of options that pingora accepts.
const MAX_CONNECTION_OPTIONS: usize = 9;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Every length of so many digits fits 63 bits.
const MAX_LENGTH_DIGITS: usize = 18;

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::headers::HeaderNames;

    fn verdict(method: &str, uri: &str, version: Version, headers: &[(&str, &str)]) -> Result<(), Rejection> {
        let request = Request::builder().method(method).uri(uri).version(version);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let head = request.body(()).unwrap().into_parts().0;
        check(&head, &HeaderNames::default().survey(&head.headers), MissingHost::Refuse)
    }

    #[test]
    fn a_head_with_one_reading_passes() {
        for (uri, version, headers) in [
            ("/", Version::HTTP_11, &[("host", "app.example")][..]),
            ("/", Version::HTTP_11, &[("host", "my_app:3000"), ("content-length", "0")]),
            ("/", Version::HTTP_11, &[("host", "[::1]:80"), ("transfer-encoding", "Chunked")]),
            ("/", Version::HTTP_11, &[("host", "a:"), ("connection", "keep-alive, ,TE,"), ("connection", "")]),
            ("/", Version::HTTP_11, &[("host", "a:0"), ("connection", "a,b,c,d,e,f,g,h,i,")]),
            ("http://app.example", Version::HTTP_10, &[]),
            ("http://App.Example:80/", Version::HTTP_11, &[("host", "app.example")]),
            ("/", Version::HTTP_10, &[]),
            ("http://app.example/", Version::HTTP_11, &[("host", "APP.example:80")]),
            ("https://app.example:443/", Version::HTTP_2, &[("host", "app.example")]),
            ("https://app.example/", Version::HTTP_2, &[]),
            ("*", Version::HTTP_11, &[("host", "app.example")]),
        ] {
            assert_eq!(verdict("OPTIONS", uri, version, headers), Ok(()), "{uri} {headers:?}");
        }
    }

    #[test]
    fn a_head_with_two_readings_is_refused() {
        for (uri, version, headers) in [
            ("/", Version::HTTP_11, &[][..]),
            ("/", Version::HTTP_11, &[("host", "")]),
            ("/", Version::HTTP_11, &[("host", "a b")]),
            ("/", Version::HTTP_11, &[("host", "legit,for=127.0.0.1")]),
            ("/", Version::HTTP_11, &[("host", "user@a")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("host", "a")]),
            ("http://evil/a", Version::HTTP_11, &[("host", "h")]),
            ("https://app.example/", Version::HTTP_2, &[("host", "other.example")]),
            ("/", Version::HTTP_11, &[("host", "a:80x")]),
            ("/", Version::HTTP_11, &[("host", ":-1")]),
            ("/", Version::HTTP_11, &[("host", "[::1]x")]),
            ("http://a:80x/", Version::HTTP_10, &[]),
            ("http://a/", Version::HTTP_11, &[]),
            ("http://user@app.example/", Version::HTTP_10, &[]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "close, a b")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "\"close\"")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "close;q=1")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "close"), ("connection", ":path")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "Host")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "a, X-Forwarded-For")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("connection", "a,b,c,d,e,f,g,h,i,j")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("transfer-encoding", "gzip, chunked")]),
            (
                "/",
                Version::HTTP_11,
                &[("host", "a"), ("transfer-encoding", "identity"), ("transfer-encoding", "chunked")],
            ),
            ("/", Version::HTTP_11, &[("host", "a"), ("transfer-encoding", "chunked;x")]),
            ("/", Version::HTTP_10, &[("host", "a"), ("transfer-encoding", "chunked")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("transfer-encoding", "chunked"), ("content-length", "4")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("content-length", "5"), ("content-length", "5")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("content-length", "5, 5")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("content-length", "+5")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("content-length", "")]),
            ("/", Version::HTTP_11, &[("host", "a"), ("content-length", "10000000000000000000")]),
        ] {
            assert_eq!(verdict("POST", uri, version, headers), Err(Rejection::MalformedRequest), "{uri} {headers:?}");
        }
    }

    #[test]
    fn tunnels_and_echoes_are_refused_and_extended_connect_passes() {
        let host = &[("host", "app:443")];
        for (method, uri) in
            [("CONNECT", "app:443"), ("CONNECT", "/x"), ("CONNECT", "http://app:443/x"), ("TRACE", "/")]
        {
            let refused = Rejection::MethodNotAllowed { allow: METHODS };
            assert_eq!(verdict(method, uri, Version::HTTP_11, host), Err(refused), "{method}");
        }
        assert_eq!(verdict("CONNECT", "https://app:443/chat", Version::HTTP_2, &[]), Ok(()));
    }
}
