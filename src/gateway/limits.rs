//! How large a request head may be.

use pingora_http::RequestHeader;

use crate::gate::Rejection;

/// Refuses a head that is larger than an app should have to bear. A target that is truegate's own may hold another one as a
/// parameter, of which every byte is escaped.
pub(super) fn check(request: &RequestHeader, is_own: impl FnOnce(&str) -> bool) -> Result<(), Rejection> {
    let length = request.raw_path().len();
    if length > TARGET && (length > OWN_TARGET || !is_own(request.uri.path())) {
        return Err(Rejection::TargetTooLong);
    }
    // Each line has a colon and a space after the name, and ends in CR LF.
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + 4;
    if request.headers.len() > LINES || request.headers.iter().map(line).sum::<usize>() > HEADERS {
        return Err(Rejection::HeadersTooLarge);
    }
    Ok(())
}

const TARGET: usize = 8 * 1024;
const OWN_TARGET: usize = 3 * TARGET + 1024;
const HEADERS: usize = 64 * 1024;
/// As many as the servers behind are known to take.
const LINES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_limits() {
        for (target, is_own, headers, verdict) in [
            (TARGET, false, 1, Ok(())),
            (TARGET + 1, false, 1, Err(Rejection::TargetTooLong)),
            (OWN_TARGET, true, 1, Ok(())),
            (OWN_TARGET + 1, true, 1, Err(Rejection::TargetTooLong)),
            (1, false, LINES, Ok(())),
            (1, false, LINES + 1, Err(Rejection::HeadersTooLarge)),
        ] {
            let path = format!("/{}", "a".repeat(target - 1));
            let mut request = RequestHeader::build("GET", path.as_bytes(), None).unwrap();
            for _ in 0..headers {
                request.append_header("x-a", "b").unwrap();
            }
            assert_eq!(check(&request, |_| is_own), verdict, "{target} {headers}");
        }
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("x-a", "b".repeat(HEADERS)).unwrap();
        assert_eq!(check(&request, |_| false), Err(Rejection::HeadersTooLarge));
    }
}
