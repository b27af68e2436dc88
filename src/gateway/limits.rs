//! How large a request head may be.

use pingora_http::RequestHeader;

use crate::gate::Rejection;

/// Refuses a head that is larger than an app should have to bear.
pub(super) fn check(request: &RequestHeader) -> Result<(), Rejection> {
    if request.raw_path().len() > TARGET {
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
const HEADERS: usize = 64 * 1024;
/// As many as the servers behind are known to take.
const LINES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_limits() {
        for (target, headers, verdict) in [
            (TARGET, 1, Ok(())),
            (TARGET + 1, 1, Err(Rejection::TargetTooLong)),
            (1, LINES, Ok(())),
            (1, LINES + 1, Err(Rejection::HeadersTooLarge)),
        ] {
            let path = format!("/{}", "a".repeat(target - 1));
            let mut request = RequestHeader::build("GET", path.as_bytes(), None).unwrap();
            for _ in 0..headers {
                request.append_header("x-a", "b").unwrap();
            }
            assert_eq!(check(&request), verdict, "{target} {headers}");
        }
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("x-a", "b".repeat(HEADERS)).unwrap();
        assert_eq!(check(&request), Err(Rejection::HeadersTooLarge));
    }
}
