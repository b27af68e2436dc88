//! Absolute targets whose host is spelled in another way than `Host` spells it.
//!
//! `GET http://Shop.Example:80/ HTTP/1.1` with `Host: shop.example` names one host twice. pingora compares the two byte for
//! byte and refuses the request before anyone else sees it. So the target is spelled as `Host` is while the head is read.
//! Heads that name two hosts are left as they came, for pingora to refuse.

use crate::host::Authority;

/// Whether a head can have an absolute target, judged by its first bytes.
pub(super) fn may_be_absolute(head: &[u8]) -> bool {
    let line = head.trim_ascii_start();
    if head.len() - line.len() > LONGEST_GAP {
        return false;
    }
    let Some(space) = line.iter().position(|byte| *byte == b' ') else {
        return line.len() <= LONGEST_METHOD && !line.contains(&b'\n');
    };
    let target = &line[space + 1..];
    SCHEMES.iter().any(|scheme| {
        let known = target.len().min(scheme.len());
        target[..known].eq_ignore_ascii_case(&scheme[..known])
    })
}

/// Returns the end of a head, if the bytes have it. The first `seen` bytes were searched before.
pub(super) fn end_of_head(head: &[u8], seen: usize) -> Option<usize> {
    let start = (head.len() - head.trim_ascii_start().len()).max(seen.saturating_sub(2));
    let empty_line = |(at, byte): (usize, &u8)| {
        let rest = &head[at + 1..];
        *byte == b'\n' && (rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
    };
    head.iter().enumerate().skip(start).find(|entry| empty_line(*entry)).map(|(at, _)| at + 1)
}

/// The head with its absolute target spelled as its only `Host` line spells the host. None if they are spelled alike, or are
/// different hosts.
pub(super) fn spelled_alike(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = &bytes[..end_of_head(bytes, 0)?];
    let (start, authority) = target_authority(head)?;
    let mut hosts = head.split(|byte| *byte == b'\n').skip(1).filter_map(host);
    let (host, None) = (hosts.next()?, hosts.next()) else { return None };
    let scheme = if start > 0 && head[..start].trim_ascii_end().to_ascii_lowercase().ends_with(b"https://") {
        "https"
    } else {
        "http"
    };
    let same = Authority::parse(host)?.is_same(&Authority::parse(authority)?, Some(scheme));
    let end = start + authority.len();
    (same && host != authority).then(|| [&bytes[..start], host, &bytes[end..]].concat())
}

/// The host of an absolute target, and where it begins.
fn target_authority(head: &[u8]) -> Option<(usize, &[u8])> {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    let space = line.iter().position(|byte| *byte == b' ')?;
    let target = &line[space + 1..];
    let scheme = SCHEMES
        .iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let authority = target[scheme.len()..].split(|byte| b"/?# \r".contains(byte)).next()?;
    let offset = authority.as_ptr().addr() - head.as_ptr().addr();
    Some((offset, authority))
}

/// The value of a line, if it is that of `Host`.
fn host(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    line[..colon].eq_ignore_ascii_case(b"host").then(|| line[colon + 1..].trim_ascii())
}

const SCHEMES: [&[u8]; 2] = [b"http://", b"https://"];
const LONGEST_METHOD: usize = 32;
/// Before a request there may be an empty line or two.
const LONGEST_GAP: usize = 16;
/// A longer head is refused anyway.
pub(super) const LONGEST: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(head: &str) -> Option<String> {
        spelled_alike(head.as_bytes()).map(|head| String::from_utf8(head).unwrap())
    }

    #[test]
    fn one_host_is_spelled_in_one_way() {
        for (target, host, spelled) in [
            ("http://A.Test/x", "a.test", "http://a.test/x"),
            ("HTTP://a.test:80", "a.test", "HTTP://a.test"),
            ("http://a.test?q", "A.test:80", "http://A.test:80?q"),
            ("https://a.test:443/", "a.test", "https://a.test/"),
        ] {
            for end in ["\r\n", "\n"] {
                let head = |target: &str| {
                    format!("{end}GET {target} HTTP/1.1{end}X: y{end}HOST: {host} {end}{end}GET http://B/")
                };
                assert_eq!(alike(&head(target)), Some(head(spelled)), "{target}");
            }
        }
    }

    #[test]
    fn everything_else_stays_as_it_came() {
        for head in [
            "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
            "GET http://a.test:443/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://u@A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost : a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nX-Host: a.test\r\n\r\n",
            "GET http://A.test/ HTTP/1.1\r\nHost: a.test\r\n",
            "GET /http://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET ftp://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nGET http://A.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "\r\n\r\n",
            "",
        ] {
            assert_eq!(alike(head), None, "{head:?}");
        }
    }

    #[test]
    fn a_target_that_is_a_path_is_known_at_once() {
        for (head, may_be) in [
            ("", true),
            ("\r\n", true),
            ("GET", true),
            ("GET ", true),
            ("GET h", true),
            ("GET HTTPS:/", true),
            ("GET http://a", true),
            ("GET /", false),
            ("GET *", false),
            ("GET hx", false),
            ("GET\n", false),
            (&"A".repeat(33), false),
        ] {
            assert_eq!(may_be_absolute(head.as_bytes()), may_be, "{head:?}");
        }
    }
}
